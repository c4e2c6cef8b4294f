#include "sdk/internal/map_window.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"
#include "core/serialize/serialize.h"

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

size_t MapWindow::Hold(Handle result, size_t first, size_t items, size_t bytes) {
  const size_t number = next_number_++;
  order_.Add(result, number);
  flights_.emplace(number, Landed{number, false, first, items, bytes, std::move(result)});
  ++held_;
  held_bytes_ += bytes;
  return number;
}

size_t MapWindow::Sent(Handle result, size_t items, size_t bytes) {
  const size_t first = std::exchange(taken_, taken_ + items);
  return Hold(std::move(result), first, items, bytes);
}

void MapWindow::SentAgain(Handle result, size_t first, size_t items, size_t bytes) {
  Hold(std::move(result), first, items, bytes);
}

void MapWindow::SentFold(Handle result) {
  const size_t number = next_fold_++;
  order_.Add(result, number);
  flights_.emplace(number, Landed{number, true, 0, 0, 0, std::move(result)});
  ++folds_;
}

size_t MapWindow::NotSent() {
  ++held_;
  return taken_++;
}

void MapWindow::GivenUp() {
  --held_;
  progress_.Add(1);
}

void MapWindow::ThrowAt(size_t index, ErrorInfo error) {
  error.message = absl::StrCat("item ", index, ": ", error.message);
  Throw(std::move(error));
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
        absl::StrCat(what_, ": after ", TimeoutText(options_.timeout), " ", progress_.done(),
                     " items are done and ", pending, " tasks are under way"));
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
  std::optional<ErrorInfo> error = session_->FirstError(std::span(&id, 1));
  // What the function throws says the item itself.
  if (error.has_value() && error->kind != ErrorKind::kTaskError && landed.items > 0) {
    const std::string last =
        landed.items == 1 ? "" : absl::StrCat(" to ", landed.first + landed.items - 1);
    error->message = absl::StrCat(landed.items == 1 ? "item " : "items ", landed.first, last, ": ",
                                  error->message);
  }
  return error;
}

void MapWindow::ForgetEndedFolds() {
  if (flights_.empty()) return;
  while (const std::optional<uint64_t> number = order_.Next(0)) Land(static_cast<size_t>(*number));
}

void MapWindow::Done(const Landed& landed) {
  TakeBack(landed);
  progress_.Add(landed.items);
}

void MapWindow::TakeBack(const Landed& landed) {
  --held_;
  held_bytes_ -= landed.bytes;
}

void MapWindow::CancelRest(bool kill) {
  const std::map<size_t, Landed> rest = std::exchange(flights_, {});
  for (const auto& [number, flight] : rest) CancelTask(flight.result, {.force = kill});
}

std::optional<ErrorInfo> WhyItCannotTravel(const serialize::ValueType& type, const void* value) {
  const auto size = serialize::Measure(type, value);
  if (size.ok()) return std::nullopt;
  return CannotTravel(size.status());
}

}  // namespace troupe::internal
