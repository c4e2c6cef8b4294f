// How a Map, StarMap or MapReduce goes (map.h, reduce.h), and what it gives.
#ifndef TROUPE_SDK_MAP_OPTIONS_H_
#define TROUPE_SDK_MAP_OPTIONS_H_

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "core/base/error.h"
#include "sdk/errors.h"

namespace troupe {

enum class Order {
  kInput,       // results come in the order of the range
  kCompletion,  // as they come
};
enum class OnError { kFailFast, kCollect, kSkip };

struct MapOptions {
  std::string name = {};  // of the tasks; default: the function's
  Order order = Order::kInput;
  OnError on_error = OnError::kFailFast;
  absl::Duration timeout = absl::InfiniteDuration();  // of the whole
  size_t chunk = 0;           // items a task, fewer where they are large; 0: as measured
  size_t window = 0;          // tasks under way; 0: four a CPU
  std::string progress = {};  // a label: shown on a terminal
  int priority = 0;
  double cpus = 1;
};

template <typename R>
struct MapItem {
  size_t index = 0;  // in the range
  R value;
};
struct MapFailure {
  size_t index = 0;  // in the range
  ErrorInfo error;   // with the task that had the item, if one had, its attempt and its process

  // Throws it as the class of its kind, or what the function threw where its type is registered.
  [[noreturn]] void Rethrow() const { internal::Throw(error); }
};

}  // namespace troupe

#endif  // TROUPE_SDK_MAP_OPTIONS_H_
