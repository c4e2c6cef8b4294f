#include "worker/named_functions.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"

namespace troupe::worker {
namespace {

// How many letters one must change, add or drop to get from one to the other.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row.back();
}

thread_local NamedFunctions* being_filled = nullptr;

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

size_t NamedFunction::bytes() const {
  size_t total = callable.size();
  for (const std::string& value : bound) total += value.size();
  return total;
}

NamedFunctions& NamedFunctions::Global() {
  static auto* const functions = new NamedFunctions;
  return *functions;
}

NamedFunctions& NamedFunctions::BeingFilled() {
  return being_filled != nullptr ? *being_filled : Global();
}

NamedFunctions::FillScope::FillScope(NamedFunctions* functions)
    : outer_(std::exchange(being_filled, functions)) {}
NamedFunctions::FillScope::~FillScope() { being_filled = outer_; }

void NamedFunctions::Add(std::string name, NamedFunction function) {
  const std::lock_guard<std::mutex> lock(mutex_);
  functions_[std::move(name)] = std::make_shared<const NamedFunction>(std::move(function));
}

std::shared_ptr<const NamedFunction> NamedFunctions::Find(std::string_view name) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = functions_.find(name);
  return it == functions_.end() ? nullptr : it->second;
}

std::vector<std::string> NamedFunctions::names() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, function] : functions_) names.push_back(name);
  return names;
}

ErrorInfo NamedFunctions::UnknownError(std::string_view name) const {
  std::vector<std::pair<size_t, std::string>> nearest;
  constexpr size_t kLongestCompared = 200;
  for (std::string& known : names()) {
    const size_t distance = Distance(name.substr(0, kLongestCompared),
                                     std::string_view(known).substr(0, kLongestCompared));
    if (distance <= std::max<size_t>(2, name.size() / 3))
      nearest.emplace_back(distance, std::move(known));
  }
  std::sort(nearest.begin(), nearest.end());
  std::string text = absl::StrCat("no function is registered as \"", ToAbsl(name), "\"");
  for (size_t i = 0; i < std::min<size_t>(nearest.size(), 3); ++i)
    absl::StrAppend(&text, i == 0 ? "; did you mean " : " or ", "\"", nearest[i].second, "\"");
  if (nearest.empty())
    absl::StrAppend(&text, ": const bool registered = RegisterFunction(\"", ToAbsl(name),
                    "\", f) at namespace scope");
  return {.kind = ErrorKind::kUnknownFunction, .message = std::move(text)};
}

std::variant<NamedCall, ErrorInfo> PrepareNamed(const NamedFunctions& functions,
                                                std::string_view name, std::string_view signature,
                                                bool of_actor, TaskCall* call) {
  NamedCall named{nullptr, functions.Find(name)};
  if (named.function == nullptr) return functions.UnknownError(name);
  const bool apart = signature.ends_with(kApart);
  if (apart) signature.remove_suffix(kApart.size());
  named.entry = of_actor ? named.function->method : named.function->entry;
  if (named.entry == nullptr) {
    return ErrorInfo{.kind = ErrorKind::kUnknownFunction,
                     .message = absl::StrCat("\"", ToAbsl(name), "\" is ",
                                             of_actor ? "no method: call it by CallNamed<...>(...)"
                                                      : "a method: call it by an actor's handle")};
  }
  const std::string& registered =
      of_actor ? named.function->method_signature : named.function->signature;
  if (signature != registered) {
    return ErrorInfo{.kind = ErrorKind::kTypeMismatch,
                     .message = absl::StrCat("\"", ToAbsl(name), "\" is registered as ", registered,
                                             " and was called as ", ToAbsl(signature))};
  }
  if (apart) named.entry = of_actor ? named.function->method_apart : named.function->apart;
  if (named.entry == nullptr) {
    return ErrorInfo{.kind = ErrorKind::kInvalidArgument,
                     .message = absl::StrCat("\"", ToAbsl(name), "\" has one result (", registered,
                                             "), and Returns was asked for")};
  }
  call->callable = AsBytes(named.function->callable);
  TaskArguments arguments;
  for (const std::string& value : named.function->bound) {
    arguments.emplace_back().values.push_back({ObjectId(), {AsBytes(value), {}, nullptr}});
  }
  std::move(call->arguments.begin(), call->arguments.end(), std::back_inserter(arguments));
  call->arguments = std::move(arguments);
  return named;
}

}  // namespace troupe::worker
