// Probes tell which rare branches ever ran: a branch that no test reaches is not tested.
//
//   if (written < 0) {
//     TROUPE_PROBE("spill: a write failed");
//     ...
//
// A probe costs one relaxed load, and stands in a branch that is rarely taken. Where the
// environment names a file in TROUPE_PROBES, the first pass of each probe in a process appends the
// probe's name to it (core/fault/fault.cc); tools/probes runs the tests so and lists the probes
// that never fired. Names are unique, and literals. Pure: no clock, file or thread. Thread-safe.
// After FoundationDB's CODE_PROBE and TigerBeetle's marks.
#ifndef TROUPE_CORE_FAULT_PROBE_H_
#define TROUPE_CORE_FAULT_PROBE_H_

#include <atomic>

namespace troupe::fault {

// Who is told; null: nobody.
inline std::atomic<void (*)(const char* name)> on_probe{nullptr};

class Probe {
 public:
  constexpr explicit Probe(const char* name) : name_(name) {}
  void Pass() {
    if (passed_.load(std::memory_order_relaxed) || passed_.exchange(true)) return;
    if (const auto tell = on_probe.load()) tell(name_);
  }

 private:
  const char* name_;
  std::atomic<bool> passed_{false};
};

}  // namespace troupe::fault

#define TROUPE_PROBE(name)                                      \
  do {                                                          \
    static constinit ::troupe::fault::Probe troupe_probe{name}; \
    troupe_probe.Pass();                                        \
  } while (false)

#endif  // TROUPE_CORE_FAULT_PROBE_H_
