#include "sdk/map.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "sdk/reduce.h"
#include "worker/registered_exceptions.h"

namespace troupe::internal {

std::pair<std::string, std::string> DescribeCurrentException() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  const std::string name = type == nullptr ? "" : worker::DemangledTypeName(*type);
  try {
    throw;
  } catch (const std::exception& e) {
    return {worker::DemangledTypeName(typeid(e)), e.what()};
  } catch (...) {
    return {name, "something that is no std::exception was thrown"};
  }
}

MapWindow::MapWindow(const MapOptions& options, size_t most_items, size_t total)
    : options_(options),
      session_(CurrentSession()),
      deadline_nanos_(DeadlineAfter(options.timeout)),
      window_(options.window > 0 ? options.window : 4 * static_cast<size_t>(session_->cpus())),
      total_(total),
      sizer_(options.chunk, most_items, static_cast<size_t>(session_->cpus())),
      progress_(options.progress, total) {}

void MapWindow::Prepare(OutgoingCall& call, std::string function_name) const {
  call.SetName(options_.name.empty() ? std::move(function_name) : options_.name);
  TaskOptions options;
  options.cpus = options_.cpus;
  options.priority = options_.priority;
  Apply(options, call);
}

size_t MapWindow::Sent(Handle result, size_t items) {
  const size_t number = next_number_++;
  order_.Add(result, number);
  flights_.emplace(number, Landed{number, taken_, items, std::move(result)});
  taken_ += items;
  return number;
}

MapWindow::Landed MapWindow::Wait() {
  const std::optional<uint64_t> number = order_.Next(deadline_nanos_);
  if (!number.has_value()) {
    const size_t pending = flights_.size();
    CancelRest(/*kill=*/true);
    Throw(ErrorKind::kDeadlineExceeded,
          absl::StrCat("Map: after ", absl::FormatDuration(options_.timeout), " ", progress_.done(),
                       " items are done and ", pending, " tasks are under way"));
  }
  const auto flight = flights_.find(static_cast<size_t>(*number));
  Landed landed = std::move(flight->second);
  flights_.erase(flight);
  return landed;
}

void MapWindow::CancelRest(bool kill) {
  for (const auto& [number, flight] : flights_) CancelTask(flight.result, {.force = kill});
  flights_.clear();
}

absl::Duration MapWindow::TimeLeft() const {
  if (deadline_nanos_ == worker::kForever) return absl::InfiniteDuration();
  return absl::Nanoseconds(std::max<int64_t>(0, deadline_nanos_ - MonotonicNanos()));
}

std::vector<std::byte> JoinCallables(std::span<const std::byte> first,
                                     std::span<const std::byte> second) {
  const uint64_t size = first.size();
  const auto size_bytes = std::as_bytes(std::span(&size, 1));
  std::vector<std::byte> both(size_bytes.begin(), size_bytes.end());
  both.insert(both.end(), first.begin(), first.end());
  both.insert(both.end(), second.begin(), second.end());
  return both;
}

std::pair<std::span<const std::byte>, std::span<const std::byte>> SplitCallables(
    std::span<const std::byte> both) {
  uint64_t size = 0;
  if (both.size() < sizeof(size)) return {};
  std::memcpy(&size, both.data(), sizeof(size));
  both = both.subspan(sizeof(size));
  if (size > both.size()) return {};
  return {both.first(static_cast<size_t>(size)), both.subspan(static_cast<size_t>(size))};
}

}  // namespace troupe::internal
