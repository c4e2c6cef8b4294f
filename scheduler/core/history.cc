#include "scheduler/core/history.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/error.h"
#include "core/base/string_view.h"

namespace troupe::scheduler {
namespace {

std::string What(Step step, uint32_t detail) {
  switch (step) {
    case Step::kSubmitted:
      return detail == 0 ? "submitted, ready to run"
                         : absl::StrCat("submitted; waits for ", detail, " arguments");
    case Step::kReady:
      return "ready to run";
    case Step::kDispatched:
      return absl::StrCat("dispatched, attempt ", detail);
    case Step::kTakenBack:
      return "taken back before it began";
    case Step::kEnded:
      return "ended";
    case Step::kFailed:
      return absl::StrCat("failed: ", ToAbsl(ErrorKindName(ErrorKind(detail))));
    case Step::kToldToStop:
      return "told to stop: its result is not wanted any more";
    case Step::kDelayed:
      return absl::StrCat("failed, to be tried again in ", detail, " ms");
    case Step::kLost:
      return "lost with its process";
    case Step::kRunsAgain:
      return absl::StrCat("to run again: ", detail, detail == 1 ? " result" : " results",
                          " of it must be made once more");
    case Step::kActorStarts:
      return "the actor gets a process";
    case Step::kActorLives:
      return "the actor lives";
    case Step::kActorRestarts:
      return "the actor is to be restarted";
    case Step::kActorDied:
      return "the actor is dead";
    case Step::kCheckpoint:
      return "the actor's state was saved";
    case Step::kGroupReserved:
      return "the placement group has its bundles";
    case Step::kGroupRemoved:
      return "the placement group was removed";
    case Step::kGroupReturned:
      return "the placement group has given its bundles back";
    case Step::kProcessStarted:
      return "the process was started";
    case Step::kProcessJoined:
      return "the process joined";
    case Step::kProcessBlocked:
      return "the process waits in Get or Wait";
    case Step::kProcessWentOn:
      return "the process went on";
    case Step::kProcessToldToEnd:
      return "the process was told to end";
    case Step::kProcessKilled:
      return "the process was killed";
    case Step::kProcessDied:
      return "the process is gone";
  }
  return "?";
}

}  // namespace

void History::Add(int64_t now_nanos, ObjectId subject, Step step, ProcessId process,
                  uint32_t detail) {
  if (!is_full_) {
    // All at once: what is not written to is no memory yet.
    if (events_.empty()) events_.reserve(kEvents);
    events_.emplace_back();
    is_full_ = next_ + 1 == kEvents;
  }
  Event& event = events_[next_];
  event.at_nanos = now_nanos;
  event.subject = subject;
  event.process = static_cast<uint32_t>(process);
  event.detail_and_step = std::min(detail, kMostDetail) << 8 | static_cast<uint32_t>(step);
  next_ = (next_ + 1) % kEvents;
}

template <typename F>
std::string History::Tell(F about, int64_t now_nanos) const {
  std::string text;
  const size_t oldest = is_full_ ? next_ : 0;
  for (size_t i = 0; i < events_.size(); ++i) {
    const Event& event = events_[(oldest + i) % events_.size()];
    if (!about(event)) continue;
    absl::StrAppendFormat(&text, "%12.6f s ago  ",
                          static_cast<double>(now_nanos - event.at_nanos) / 1e9);
    absl::StrAppend(&text, What(event.step(), event.detail()));
    if (!event.subject.is_null()) absl::StrAppend(&text, "  ", event.subject.task().ToString());
    if (event.process != 0) absl::StrAppend(&text, "  w-", event.process);
    text += '\n';
  }
  return text;
}

std::string History::Story(ObjectId subject, int64_t now_nanos) const {
  return Tell([&](const Event& event) { return event.subject == subject; }, now_nanos);
}

std::string History::Story(ProcessId process, int64_t now_nanos) const {
  return Tell([&](const Event& event) { return event.process == static_cast<uint32_t>(process); },
              now_nanos);
}

}  // namespace troupe::scheduler
