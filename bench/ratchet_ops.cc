// Does one part (bench/parts.h) many times and says what it allocates; bench:ratchet runs it under
// callgrind, which counts its instructions.
//
//   ratchet_ops              the names of the parts, a line each
//   ratchet_ops NAME TIMES   {"allocations": 3000, "bytes": 192000}, of all the times together
//
// What happens before the counting (starting, making the part, as many times again to warm it up)
// is not counted: callgrind collects inside of CountedOperations alone.
#include <malloc.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/parts.h"

namespace {

// Constant-initialised: the first allocation comes before main.
bool counting = false;
int64_t allocations = 0;
int64_t allocated_bytes = 0;

void Count(size_t bytes) {
  if (!counting) return;
  ++allocations;
  allocated_bytes += static_cast<int64_t>(bytes);
}

}  // namespace

// The C library's own allocator under names that are not replaced below.
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

void* malloc(size_t bytes) noexcept {
  Count(bytes);
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) noexcept {
  Count(count * bytes);
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, size_t bytes) noexcept {
  Count(bytes);
  return __libc_realloc(memory, bytes);
}
void* memalign(size_t alignment, size_t bytes) noexcept {
  Count(bytes);
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) noexcept { return memalign(alignment, bytes); }
int posix_memalign(void** memory, size_t alignment, size_t bytes) noexcept {
  *memory = memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
}

// By this name callgrind knows where to collect.
[[gnu::noinline]] void CountedOperations(const bench::Part::Operation& operation, int64_t times) {
  counting = true;
  operation(times);
  counting = false;
}

int main(int argc, char** argv) {
  if (argc == 1) {
    for (const bench::Part& part : bench::Parts()) std::printf("%s\n", part.name.c_str());
    return 0;
  }
  const int64_t times = argc == 3 ? std::atoll(argv[2]) : 0;
  if (times <= 0) {
    std::fprintf(stderr, "ratchet_ops: use: ratchet_ops [NAME TIMES]\n");
    return 2;
  }
  for (const bench::Part& part : bench::Parts()) {
    if (part.name != argv[1]) continue;
    const bench::Part::Operation operation = part.make();
    operation(times);
    CountedOperations(operation, times);
    std::printf("{\"allocations\": %lld, \"bytes\": %lld}\n", static_cast<long long>(allocations),
                static_cast<long long>(allocated_bytes));
    return 0;
  }
  std::fprintf(stderr, "ratchet_ops: there is no part %s\n", argv[1]);
  return 2;
}
