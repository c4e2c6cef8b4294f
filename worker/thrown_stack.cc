#include "worker/thrown_stack.h"

#include <execinfo.h>

#include <string_view>
#include <typeinfo>
#include <unordered_map>
#include <utility>

#include "absl/debugging/symbolize.h"

namespace troupe::worker {
namespace {

constexpr int kMostFrames = 32;
constexpr size_t kMostLines = 16;
// What calls the user's code: whoever is below it is no news.
constexpr std::string_view kCaller = "troupe::worker::CallUserCode";
constexpr std::string_view kWrapper = "__wrap___cxa_throw";

struct Thrown {
  const void* exception = nullptr;
  int count = 0;
  void* frames[kMostFrames];
};
thread_local Thrown latest;
thread_local int throws_left = 0;  // 0: nothing is recorded

void Record(const void* exception) {
  if (throws_left == 0) return;
  --throws_left;
  latest.exception = exception;
  latest.count = backtrace(latest.frames, kMostFrames);
}

// Empty where it has none, as in a library that was stripped.
const std::string& NameAt(const void* address) {
  thread_local std::unordered_map<const void*, std::string> names;
  const auto [name, is_new] = names.try_emplace(address);
  char function[512];
  if (is_new && absl::Symbolize(address, function, sizeof(function))) name->second = function;
  return name->second;
}

}  // namespace

RecordThrows::RecordThrows() : outer_(std::exchange(throws_left, kMostThrows)) {}
RecordThrows::~RecordThrows() { throws_left = outer_; }

std::string StackOfThrown(const void* exception) {
  if (exception == nullptr || latest.exception != exception) return "";
  std::string stack;
  size_t lines = 0;
  for (int i = 0; i < latest.count && lines < kMostLines; ++i) {
    // A return address may lie behind the end of the function that made the call.
    const std::string& name = NameAt(static_cast<const char*>(latest.frames[i]) - 1);
    if (std::string_view(name).substr(0, kCaller.size()) == kCaller) break;
    if (name == kWrapper) {
      stack.clear();  // our own, above it
      lines = 0;
    } else if (!name.empty()) {
      stack += name + '\n';
      ++lines;
    }
  }
  return stack;
}

}  // namespace troupe::worker

extern "C" {
// The names that --wrap=__cxa_throw gives.
[[noreturn]] void __real___cxa_throw(void* exception, std::type_info* type, void (*destroy)(void*));
[[noreturn]] void __wrap___cxa_throw(void* exception, std::type_info* type,
                                     void (*destroy)(void*)) {
  troupe::worker::Record(exception);
  __real___cxa_throw(exception, type, destroy);
}
}
