#include "core/serialize/copy_bytes.h"

#include <cstdint>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace troupe::serialize {

void CopyManyBytes(void* to, const void* from, size_t size) {
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  if (reinterpret_cast<uintptr_t>(to) % 16 == 0) {
    auto* out = static_cast<__m128i*>(to);
    const auto* in = static_cast<const __m128i*>(from);
    const size_t blocks = size / 64;
    for (size_t i = 0; i < blocks; ++i, out += 4, in += 4) {
      const __m128i a = _mm_loadu_si128(in), b = _mm_loadu_si128(in + 1);
      const __m128i c = _mm_loadu_si128(in + 2), d = _mm_loadu_si128(in + 3);
      _mm_stream_si128(out, a);
      _mm_stream_si128(out + 1, b);
      _mm_stream_si128(out + 2, c);
      _mm_stream_si128(out + 3, d);
    }
    _mm_sfence();
    std::memcpy(out, in, size % 64);
    return;
  }
#endif
  std::memcpy(to, from, size);
}

}  // namespace troupe::serialize
