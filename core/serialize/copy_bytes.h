// CopyBytes copies into the object store: past the cache where the value is larger than the cache.
//
// A plain copy reads each destination line before it overwrites it; non-temporal stores do not,
// which about doubles the speed for values beyond the cache (10 against 19 GB/s on the reference
// machine). What the caller publishes next comes after them.
#ifndef TROUPE_CORE_SERIALIZE_COPY_BYTES_H_
#define TROUPE_CORE_SERIALIZE_COPY_BYTES_H_

#include <cstddef>
#include <cstring>

namespace troupe::serialize {

inline constexpr size_t kStreamingBytes = size_t{4} << 20;

// Of at least that many bytes. Apart, since the header that names the instructions takes a quarter
// of a second to compile.
void CopyManyBytes(void* to, const void* from, size_t size);

inline void CopyBytes(void* to, const void* from, size_t size) {
  if (size >= kStreamingBytes) {
    CopyManyBytes(to, from, size);
  } else if (size > 0) {
    std::memcpy(to, from, size);
  }
}

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_COPY_BYTES_H_
