// FuzzEvents reads a fuzzer's bytes as a sequence of events, and mutates such a sequence.
//
// Problem: a state machine is fuzzed by what happens to it, in which order. A fuzzer that changes
// single bytes of records of different lengths turns one event into nonsense and shifts all that
// follow. So every event is a record of kBytes, any bytes are events, and the mutator inserts,
// drops, repeats and moves whole ones: what stood before and after stays what it was.
//
//   for (const FuzzEvent& event : FuzzEvents(data, size)) Perform(event);
//
//   extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
//                                             unsigned seed) {
//     return troupe::MutateFuzzEvents(data, size, max_size, seed);
//   }
//
// The fields' meaning is the target's; their names say what they are used for by custom.
// Thread-safety: values. For tests.
#ifndef TROUPE_CORE_BASE_FUZZ_EVENTS_H_
#define TROUPE_CORE_BASE_FUZZ_EVENTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace troupe {

struct FuzzEvent {
  uint8_t what = 0;   // which event
  uint8_t who = 0;    // the client that sends it
  uint8_t which = 0;  // the object, task or place that it is about
  uint8_t other = 0;  // a second one
  uint8_t how = 0;    // which form of it
  uint8_t much = 0;   // a size, a count, a time
  static constexpr size_t kBytes = 6;
};
static_assert(sizeof(FuzzEvent) == FuzzEvent::kBytes);

// A rest that is no whole event is left out, as is what is longer than a run should be.
inline std::vector<FuzzEvent> FuzzEvents(const uint8_t* data, size_t size) {
  constexpr size_t kMaxEvents = 256;
  std::vector<FuzzEvent> events(std::min(kMaxEvents, size / FuzzEvent::kBytes));
  if (!events.empty()) std::memcpy(events.data(), data, events.size() * FuzzEvent::kBytes);
  return events;
}

// Changes the sequence in `data` in place, by what `seed` says; returns its new size, at most
// `max_size`.
inline size_t MutateFuzzEvents(uint8_t* data, size_t size, size_t max_size, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<FuzzEvent> events = FuzzEvents(data, std::min(size, max_size));
  const auto roll = [&](size_t below) { return static_cast<size_t>(random() % below); };
  const auto at = [&](size_t i) { return events.begin() + static_cast<ptrdiff_t>(i); };
  const auto any_byte = [&] { return static_cast<uint8_t>(random()); };
  for (size_t changes = 1 + roll(4); changes > 0; --changes) {
    const size_t change = events.empty() ? 0 : roll(8);
    if (change == 0) {
      events.insert(at(roll(events.size() + 1)),
                    {any_byte(), any_byte(), any_byte(), any_byte(), any_byte(), any_byte()});
      continue;
    }
    const size_t first = roll(events.size());
    const size_t count = 1 + roll(std::min<size_t>(8, events.size() - first));
    const std::vector<FuzzEvent> some(at(first), at(first + count));
    switch (change) {
      case 1:  // drop some
        events.erase(at(first), at(first + count));
        break;
      case 2:  // repeat some elsewhere
        events.insert(at(roll(events.size() + 1)), some.begin(), some.end());
        break;
      case 3:  // move some
        events.erase(at(first), at(first + count));
        events.insert(at(roll(events.size() + 1)), some.begin(), some.end());
        break;
      default: {  // change a field, mostly to a small number, since those meet
        auto* fields = reinterpret_cast<uint8_t*>(&events[first]);
        fields[roll(FuzzEvent::kBytes)] = static_cast<uint8_t>(roll(2) == 0 ? roll(8) : any_byte());
      }
    }
  }
  events.resize(std::min(events.size(), max_size / FuzzEvent::kBytes));
  if (!events.empty()) std::memcpy(data, events.data(), events.size() * FuzzEvent::kBytes);
  return events.size() * FuzzEvent::kBytes;
}

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_FUZZ_EVENTS_H_
