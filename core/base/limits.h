// Every bound of the system in one place: whoever asks "how large may X be" looks here.
//
// Units last in the name. What a user may set is in sdk/init_options.h; these are the hard bounds
// behind it.
#ifndef TROUPE_CORE_BASE_LIMITS_H_
#define TROUPE_CORE_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace troupe {

struct Limits {
  // Rings and messages (architecture, section 2).
  static constexpr size_t kDefaultRingBytes = size_t{1} << 20;
  static constexpr size_t kMinRingBytes = size_t{4} << 10;
  static constexpr size_t kMaxRingBytes = size_t{64} << 20;
  static constexpr size_t kMaxMessageBytes = size_t{64}
                                             << 20;  // a message, put together from its frames
  static constexpr size_t kMaxOutboxBytes =
      size_t{256} << 20;  // what the node keeps for a client that does not read
  static constexpr size_t kMaxInlineBytesPerMessage = size_t{64}
                                                      << 10;  // and at most an eighth of the ring
  static constexpr size_t kMaxInlineValueBytes = size_t{16}
                                                 << 10;          // larger values live in the store
  static constexpr size_t kLargeCaptureBytes = size_t{1} << 20;  // more than this bound is said
  static constexpr int kMaxNestingDepth = 16;                    // of pointers in a message

  // Objects.
  static constexpr size_t kMinLeaseBytes = size_t{256} << 10;
  static constexpr size_t kMaxLeaseBytes = size_t{64} << 20;
  static constexpr size_t kObjectAlignmentBytes = 64;
  static constexpr size_t kReleaseBatch = 64;    // releases that make a message at once
  static constexpr int kMemoryWaitSeconds = 30;  // without progress, then ResourceExhausted
  static constexpr size_t kMaxLineageBytes = size_t{64}
                                             << 20;  // how lost objects are made again; of a node

  // Tasks.
  static constexpr int kDispatchDepth = 60;       // tasks given to one worker at a time
  static constexpr int kActorDispatchDepth = 64;  // calls given to one actor before it can run them
  static constexpr int kMaxActorThreads = 64;     // max_concurrency, with all concurrency groups
  static constexpr int kMaxSuspendedCalls = 1'000;  // of one actor, shared out among its groups
  static constexpr int kStateWords = 128;           // per channel: one for each dispatched task
  static constexpr int kDefaultMaxRetries = 3;
  static constexpr size_t kMaxBundles = 1'024;      // of a placement group
  static constexpr uint32_t kMaxReturns = 65'536;   // results of one task
  static constexpr int kMaxQueuedTasks = 100'000;   // a driver's submission window
  static constexpr size_t kMaxAwakeTasks = 4'096;   // ready ones of a job, that are not packed
  static constexpr int kMaxNestingOfTasks = 1'000;  // blocked parents above a task

  // What the node keeps for one client. Past it, what the client submits and puts fails with
  // ResourceExhausted; one that goes on to twice as many objects is cut off.
  static constexpr uint64_t kMaxClientObjects = 10'000'000;       // that it made and somebody needs
  static constexpr uint64_t kMaxClientBytes = uint64_t{4} << 30;  // of inline values and tasks
  static constexpr size_t kMaxClientLeaseRequests = 4'096;        // that wait for memory

  // Processes.
  static constexpr int MaxWorkersPerJob(int cpus) { return 4 * cpus + 64; }
  static constexpr int kConnectTimeoutMs = 2'000;
  static constexpr int kHandshakeSeconds = 10;   // a connection that says nothing is closed
  static constexpr int kMaxConnections = 1'024;  // of programs and tools, at a time

  // Logs.
  static constexpr int kMaxLogLinesPerSecond = 100;
  static constexpr size_t kMaxLogLineBytes = 4096;
  static constexpr int64_t kMaxLogFileBytes = int64_t{16} << 20;  // of a detached node
};

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_LIMITS_H_
