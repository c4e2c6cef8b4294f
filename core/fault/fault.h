// Fault points are compiled in, and off: a test, or whoever sets one environment variable, makes a
// system call fail, take long, or do less than it was asked for, as machines do on bad days.
//
//   constinit fault::Point write_point("spill.write");
//   ...
//   size = write_point.Truncate(size);
//   const ssize_t n = write_point.Call([&] { return write(fd, bytes, size); });  // -1 and errno
//
//   TROUPE_FAULTS="spill.write=fail:0.01:ENOSPC,channel.ring_bell=delay:0.5:20,seed=7" program
//
// What to do, at each point: NAME=KIND[:PROBABILITY[:ARGUMENT]][@TIMES], with commas between.
//   fail      the call fails with the errno ARGUMENT (EIO), and is not made
//   delay     it is made ARGUMENT milliseconds (10) later
//   truncate  it is asked for a part of its bytes, at least one
// PROBABILITY is 1 where it is not given, TIMES without end. `seed` makes a run like the last one
// as far as threads allow. Later entries for one point replace earlier ones. What is given in the
// environment is armed before main begins, in every process of the cluster; a malformed one ends
// the process with a sentence. The first time that a point does something, TROUPE_PROBES (probe.h)
// gets a line "fault: NAME".
//
// Off, a point costs one relaxed load; none stands on a ring's fast path. docs/testing.md lists the
// points. Thread-safe.   After FoundationDB's buggify.
#ifndef TROUPE_CORE_FAULT_FAULT_H_
#define TROUPE_CORE_FAULT_FAULT_H_

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace troupe::fault {

// Replaces what was armed. Errors: InvalidArgument naming the entry; what was armed stays.
absl::Status Arm(std::string_view faults);
void Disarm();

// Arms for as long as it lives. REQUIRES: well-formed.
class Armed {
 public:
  explicit Armed(std::string_view faults);
  ~Armed() { Disarm(); }
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;
};

// How often the point has done something since Arm.
uint64_t TimesOf(std::string_view point);

class Point {
 public:
  // `name`: a literal, "folder.what".
  constexpr explicit Point(const char* name) : name_(name) {}

  // Delays, and says with which errno the call fails; 0: it is made.
  int Fail() const { return IsArmed() ? DecideFail() : 0; }
  // The call's result, or -1 and errno.
  template <typename F>
  auto Call(F call) const -> decltype(call()) {
    if (const int error = Fail(); error != 0) {
      errno = error;
      return -1;
    }
    return call();
  }
  // How many of the bytes it is asked for. REQUIRES: bytes > 0.
  size_t Truncate(size_t bytes) const { return IsArmed() ? DecideTruncate(bytes) : bytes; }

 private:
  static bool IsArmed() { return armed_.load(std::memory_order_relaxed); }
  int DecideFail() const;
  size_t DecideTruncate(size_t bytes) const;

  friend absl::Status Arm(std::string_view faults);
  friend void Disarm();
  static inline std::atomic<bool> armed_{false};

  const char* name_;
};

}  // namespace troupe::fault

#endif  // TROUPE_CORE_FAULT_FAULT_H_
