#include "worker/thrown_stack.h"

#include <execinfo.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <iterator>
#include <mutex>
#include <string_view>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/debugging/symbolize.h"

namespace troupe::worker {
namespace {

constexpr int kMostFrames = 32;
constexpr size_t kMostLines = 16;
// What calls the user's code: whoever is below it is no news.
constexpr std::string_view kCaller = "troupe::worker::CallUserCode";
constexpr std::string_view kWrapper = "__wrap___cxa_throw";

struct Thrown {
  const void* exception = nullptr;  // as long as it is in flight or being handled
  bool rethrown = false;
  int count = 0;
  void* frames[kMostFrames];
};
thread_local Thrown latest;
thread_local int throws_left = 0;  // 0: nothing is recorded

void Record(const void* exception) {
  latest.exception = nullptr;
  if (throws_left == 0) return;
  --throws_left;
  latest.exception = exception;
  latest.rethrown = false;
  latest.count = backtrace(latest.frames, kMostFrames);
}

// Whether the exception of the handler that runs is the one that was recorded.
bool HandlesLatest() {
  if (latest.exception == nullptr) return false;
  const std::exception_ptr handled = std::current_exception();
  static_assert(sizeof(handled) == sizeof(void*), "the exception's address, in libstdc++");
  const void* address = nullptr;
  std::memcpy(&address, &handled, sizeof(address));
  return address == latest.exception;
}

void Rethrown() {
  if (HandlesLatest()) latest.rethrown = true;
}

// Another exception may get its address, one that nobody records.
void EndOfHandler() {
  if (HandlesLatest() && !std::exchange(latest.rethrown, false)) latest.exception = nullptr;
}

// Empty where it has none, as in a library that was stripped. Looked up once, and by one thread at
// a time: ThreadSanitizer does not see how Abseil's search for symbols keeps threads apart.
const std::string& NameAt(const void* address) {
  static auto* const mutex = new std::mutex;  // threads of the user's code may outlive main
  static auto* const names = new std::unordered_map<const void*, std::string>;
  const std::lock_guard<std::mutex> lock(*mutex);
  const auto [name, is_new] = names->try_emplace(address);
  char function[512];
  if (is_new && absl::Symbolize(address, function, sizeof(function))) name->second = function;
  return name->second;
}

// What decodes the arguments and calls the user's function (sdk/internal/call.h).
bool IsEntry(std::string_view name) {
  return name.starts_with("troupe::internal::") && name.find("Entry<") != name.npos;
}
// What stands between the user's function and its caller; the longest names stay mangled.
bool IsBetween(std::string_view name) {
  constexpr std::string_view kBetween[] = {
      "troupe::internal::", "troupe::worker::", "std::", "absl::"};
  return std::any_of(std::begin(kBetween), std::end(kBetween),
                     [&](std::string_view prefix) { return name.starts_with(prefix); }) ||
         name.find("N6troupe8internal") != name.npos;
}

}  // namespace

RecordThrows::RecordThrows() : outer_(std::exchange(throws_left, kMostThrows)) {}
RecordThrows::~RecordThrows() { throws_left = outer_; }

std::string StackOfThrown(const void* exception) {
  if (exception == nullptr || latest.exception != exception) return "";
  std::vector<std::string_view> functions;
  for (int i = 0; i < latest.count && functions.size() < kMostLines; ++i) {
    // A return address may lie behind the end of the function that made the call.
    const std::string_view name = NameAt(static_cast<const char*>(latest.frames[i]) - 1);
    if (name.starts_with(kCaller) || IsEntry(name)) break;
    if (name == kWrapper) {
      functions.clear();  // our own, above it
    } else if (!name.empty()) {
      functions.push_back(name);
    }
  }
  while (!functions.empty() && IsBetween(functions.back())) functions.pop_back();
  std::string stack;
  for (const std::string_view function : functions) stack.append(function).append("\n");
  return stack;
}

}  // namespace troupe::worker

// The names that --wrap gives.
extern "C" {
[[noreturn]] void __real___cxa_throw(void* exception, std::type_info* type, void (*destroy)(void*));
[[noreturn]] void __wrap___cxa_throw(void* exception, std::type_info* type,
                                     void (*destroy)(void*)) {
  troupe::worker::Record(exception);
  __real___cxa_throw(exception, type, destroy);
}
[[noreturn]] void __real___cxa_rethrow();
[[noreturn]] void __wrap___cxa_rethrow() {
  troupe::worker::Rethrown();
  __real___cxa_rethrow();
}
void __real___cxa_end_catch();
void __wrap___cxa_end_catch() {
  troupe::worker::EndOfHandler();
  __real___cxa_end_catch();
}
}
