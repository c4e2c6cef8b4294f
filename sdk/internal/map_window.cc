#include "sdk/internal/map_window.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace troupe::internal {

namespace {

constexpr size_t kMostChunkBytes = size_t{4} << 20;
constexpr size_t kFirstFold = SIZE_MAX / 2;

}  // namespace

MapWindow::MapWindow(const char* what, const MapOptions& options, size_t most_items, size_t total,
                     CallSite site)
    : what_(what),
      options_(options),
      site_(site),
      session_(CurrentSession()),
      deadline_nanos_(DeadlineAfter(options.timeout)),
      window_(options.window > 0 ? options.window : 4 * static_cast<size_t>(session_->cpus())),
      most_bytes_(static_cast<size_t>(session_->store_bytes() / 4)),
      chunk_bytes_(std::min(kMostChunkBytes, most_bytes_ / window_)),
      total_(total),
      sizer_(options.chunk, most_items, static_cast<size_t>(session_->cpus()), chunk_bytes_),
      progress_(options.progress, total),
      next_fold_(kFirstFold) {}

MapWindow::~MapWindow() {
  try {
    CancelRest();
  } catch (const Error&) {  // a forked child has no say
  }
}

void MapWindow::Prepare(OutgoingCall& call, std::string function_name) const {
  call.SetCallSite(site_);
  call.SetName(options_.name.empty() ? std::move(function_name) : options_.name);
  TaskOptions options;
  options.cpus = options_.cpus;
  options.priority = options_.priority;
  Apply(options, call);
}

TaskOptions MapWindow::fold_options() const {
  TaskOptions options;
  options.priority = options_.priority;
  return options;
}

size_t MapWindow::Sent(Handle result, size_t items, size_t bytes) {
  const size_t number = next_number_++;
  order_.Add(result, number);
  flights_.emplace(number, Landed{number, false, taken_, items, bytes, std::move(result)});
  taken_ += items;
  ++held_;
  held_bytes_ += bytes;
  return number;
}

void MapWindow::SentFold(Handle result) {
  const size_t number = next_fold_++;
  order_.Add(result, number);
  flights_.emplace(number, Landed{number, true, 0, 0, 0, std::move(result)});
  ++folds_;
}

MapWindow::Landed MapWindow::Wait() {
  CheckTime();  // whoever takes results late may have others that are ready
  const std::optional<uint64_t> number = order_.Next(deadline_nanos_);
  if (!number.has_value()) TimeIsOver();
  return Land(static_cast<size_t>(*number));
}

void MapWindow::TimeIsOver() {
  const size_t pending = flights_.size();
  CancelRest(/*kill=*/true);
  Throw(ErrorKind::kDeadlineExceeded,
        absl::StrCat(what_, ": after ", absl::FormatDuration(options_.timeout), " ",
                     progress_.done(), " items are done and ", pending, " tasks are under way"));
}

MapWindow::Landed MapWindow::Land(size_t number) {
  const auto flight = flights_.find(number);
  Landed landed = std::move(flight->second);
  flights_.erase(flight);
  if (landed.fold) --folds_;
  return landed;
}

std::optional<ErrorInfo> MapWindow::ErrorOf(const Landed& landed) const {
  const ObjectId id = landed.result.id();
  return session_->FirstError(std::span(&id, 1));
}

void MapWindow::ForgetEndedFolds() {
  if (flights_.empty()) return;
  while (const std::optional<uint64_t> number = order_.Next(0)) Land(static_cast<size_t>(*number));
}

void MapWindow::Done(const Landed& landed) {
  --held_;
  held_bytes_ -= landed.bytes;
  progress_.Add(landed.items);
}

void MapWindow::CancelRest(bool kill) {
  const std::map<size_t, Landed> rest = std::exchange(flights_, {});
  for (const auto& [number, flight] : rest) CancelTask(flight.result, {.force = kill});
}

}  // namespace troupe::internal
