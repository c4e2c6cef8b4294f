#include "scheduler/client/running_calls.h"

#include <utility>

#include "core/base/check.h"

namespace troupe::scheduler {

RunningCalls::Tell RunningCalls::Begin() {
  ++running_;
  return Update();
}

RunningCalls::Tell RunningCalls::End() {
  TROUPE_CHECK(running_ > 0, "a call that ends and has not begun");
  --running_;
  return Update();
}

RunningCalls::Wait RunningCalls::BeginWait(std::vector<ObjectId> ids, size_t needed,
                                           uint32_t thread) {
  waits_.emplace(++last_wait_, WaitingFor{std::move(ids), needed, thread});
  return {last_wait_, Update()};
}

RunningCalls::Tell RunningCalls::EndWait(uint64_t number) {
  TROUPE_CHECK(waits_.erase(number) == 1, "a wait that ends twice");
  if (standing_ == 0) return std::nullopt;
  standing_ = 0;
  return wire::Unblocked{};
}

RunningCalls::Tell RunningCalls::Update() {
  const bool stands = !waits_.empty() && waits_.size() >= running_;
  if (stands == (standing_ != 0)) return std::nullopt;
  if (!stands) {
    standing_ = 0;
    return wire::Unblocked{};
  }
  standing_ = ++stood_;
  return Stand();
}

// One that waits for no object may go on at any time, and with it the process.
wire::Blocked RunningCalls::Stand() const {
  wire::Blocked blocked;
  bool all_for_objects = true;
  for (const auto& [number, wait] : waits_) {
    if (wait.thread < kNoThread) blocked.threads |= uint64_t{1} << wait.thread;
    all_for_objects &= !wait.ids.empty();
  }
  if (waits_.size() == 1) {
    blocked.ids = waits_.begin()->second.ids;
    blocked.needed = static_cast<uint32_t>(waits_.begin()->second.needed);
  } else if (all_for_objects) {
    for (const auto& [number, wait] : waits_)
      blocked.ids.insert(blocked.ids.end(), wait.ids.begin(), wait.ids.end());
    blocked.needed = 1;
  }
  return blocked;
}

}  // namespace troupe::scheduler
