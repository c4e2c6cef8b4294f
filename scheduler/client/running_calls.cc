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

RunningCalls::Wait RunningCalls::BeginWait(std::vector<ObjectId> ids, size_t needed) {
  waits_.emplace(++last_wait_, WaitingFor{std::move(ids), needed});
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
  if (waits_.size() == 1) {
    const WaitingFor& only = waits_.begin()->second;
    return {only.ids, static_cast<uint32_t>(only.needed)};
  }
  for (const auto& [number, wait] : waits_) {
    if (wait.ids.empty()) return {};
    blocked.ids.insert(blocked.ids.end(), wait.ids.begin(), wait.ids.end());
  }
  blocked.needed = 1;
  return blocked;
}

}  // namespace troupe::scheduler
