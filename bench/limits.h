// What stands beside the rows: limits of this machine, and peers, each measured once a call.
#ifndef TROUPE_BENCH_LIMITS_H_
#define TROUPE_BENCH_LIMITS_H_

#include <cstddef>
#include <functional>
#include <string>

namespace bench {

// A limit or a peer: its name, and a function that measures it once, in the row's unit.
struct Limit {
  std::string name;
  std::function<double()> measure;
  bool is_floor = false;  // of the same design, so that it suffers from the same
};

// The bare design (bench/floor) with two workers: µs a call that is waited for; calls a second with
// many under way; seconds that 10,000 or a million of these take.
Limit FloorSyncMicros();
Limit FloorRate();
Limit FloorSecondsFor10kCalls();
Limit FloorSecondsFor1mCalls();

// std::async in this process: µs a call, calls a second.
Limit StdAsyncMicros();
Limit StdAsyncRate();

// 64 MiB into warm, mapped, shared pages, in GB/s: by plain stores, and by non-temporal ones.
Limit CopyRate();
Limit NonTemporalCopyRate();
inline constexpr size_t kCopyBytes = size_t{64} << 20;

// A value of 8 bytes, or of 1 KiB, on this process's heap: copies a second.
Limit HeapCopyRate8();
Limit HeapCopyRate1024();

// A process that begins and ends at once, in seconds.
Limit SpawnSeconds();

// Not measured: the most that the row's value may be.
Limit AtMost(double most);

}  // namespace bench

#endif  // TROUPE_BENCH_LIMITS_H_
