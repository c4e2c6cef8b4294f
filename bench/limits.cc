#include "bench/limits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <future>
#include <memory>
#include <vector>

#include "bench/floor/floor.h"
#include "bench/timing.h"

namespace bench {
namespace {

int64_t Double(int64_t x) { return 2 * x; }

double AsyncCallsPerSecond() {
  constexpr int64_t kCalls = 2'000;
  int64_t sum = 0;
  const double rate = Rate(kCalls, [&] {
    for (int64_t i = 0; i < kCalls; ++i) sum += std::async(std::launch::async, Double, i).get();
  });
  Expect(sum == kCalls * (kCalls - 1), "std::async");
  return rate;
}

// The mean of several starts: the kernel may put the processes better in one than in another.
double SyncMicros() {
  constexpr int kStarts = 4;
  double sum = 0;
  for (int i = 0; i < kStarts; ++i) sum += MeasureFloor({.pipelined_calls = 1}).sync_micros;
  return sum / kStarts;
}
Floor MeasurePipelined() { return MeasureFloor({.sync_calls = 10}); }
Floor MeasureBatches() { return MeasureFloor({.sync_calls = 10, .batch = 1'000}); }

// Shared pages that are mapped and warm, and as many bytes to copy there.
struct Pages {
  std::vector<char> from = std::vector<char>(kCopyBytes, 1);
  char* to = nullptr;
};
Pages& WarmPages() {
  static Pages pages = [] {
    Pages p;
    void* memory = mmap(nullptr, kCopyBytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    Expect(memory != MAP_FAILED, "mmap");
    p.to = static_cast<char*>(memory);
    return p;
  }();
  return pages;
}

template <typename Copy>
double GigabytesPerSecond(Copy copy) {
  Pages& pages = WarmPages();
  constexpr int kTimes = 10;
  const double seconds = Seconds([&] {
    for (int i = 0; i < kTimes; ++i) {
      pages.from[0] = static_cast<char>(i);
      copy(pages.to, pages.from.data(), kCopyBytes);
      Expect(pages.to[0] == pages.from[0], "a copy");
    }
  });
  return kTimes * static_cast<double>(kCopyBytes) / 1e9 / seconds;
}

// Past the caches: 64 bytes at a time.
void CopyNonTemporal(char* to, const char* from, size_t bytes) {
#if defined(__x86_64__)
  for (size_t i = 0; i < bytes; i += 64) {
    for (size_t k = 0; k < 64; k += 16) {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i + k));
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + i + k), x);
    }
  }
  _mm_sfence();
#else
  std::memcpy(to, from, bytes);
#endif
}

template <size_t kBytes>
double HeapCopiesPerSecond() {
  constexpr int64_t kValues = 100'000;
  const std::vector<char> value(kBytes, 1);
  int64_t sum = 0;
  const double rate = Rate(kValues, [&] {
    for (int64_t i = 0; i < kValues; ++i) {
      const std::unique_ptr<char[]> copy(new char[kBytes]);
      std::memcpy(copy.get(), value.data(), kBytes);
      asm volatile("" : : "r"(copy.get()) : "memory");
      sum += copy[kBytes - 1];
    }
  });
  Expect(sum == kValues, "copies on the heap");
  return rate;
}

}  // namespace

Limit FloorSyncMicros() { return {"the floor", SyncMicros, true}; }
Limit FloorRate() {
  return {"the floor", [] { return MeasureBatches().tasks_per_second; }, true};
}
Limit FloorSecondsFor10kCalls() {
  return {"10,000 calls of the floor", [] { return 10'000 / MeasurePipelined().tasks_per_second; },
          true};
}
Limit FloorSecondsFor1mCalls() {
  return {"1,000,000 calls of the floor",
          [] { return 1'000'000 / MeasurePipelined().tasks_per_second; }, true};
}
Limit StdAsyncMicros() {
  return {"std::async in this process", [] { return 1e6 / AsyncCallsPerSecond(); }};
}
Limit StdAsyncRate() { return {"std::async in this process", AsyncCallsPerSecond}; }
Limit CopyRate() {
  return {"memcpy into warm shared pages", [] {
            return GigabytesPerSecond(
                [](char* to, const char* from, size_t bytes) { std::memcpy(to, from, bytes); });
          }};
}
Limit NonTemporalCopyRate() {
  return {"non-temporal copy into warm shared pages",
          [] { return GigabytesPerSecond(CopyNonTemporal); }};
}
Limit HeapCopyRate8() { return {"a copy on this process's heap", HeapCopiesPerSecond<8>}; }
Limit HeapCopyRate1024() { return {"a copy on this process's heap", HeapCopiesPerSecond<1024>}; }
Limit SpawnSeconds() {
  return {"starting /bin/true", [] {
            return Seconds([] {
              const pid_t child = fork();
              if (child == 0) {
                execl("/bin/true", "true", nullptr);
                _exit(127);
              }
              int status = 0;
              Expect(waitpid(child, &status, 0) == child && status == 0, "/bin/true");
            });
          }};
}

Limit AtMost(double most) {
  return {"the most that it may be", [most] { return most; }};
}

}  // namespace bench
