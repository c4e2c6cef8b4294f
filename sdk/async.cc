#include "sdk/async.h"

#include <utility>

namespace troupe::internal {
namespace {

thread_local Resumer* current_resumer = nullptr;

}  // namespace

Resumer* Resumer::Current() { return current_resumer; }
Resumer::Scope::Scope(Resumer* resumer) : outer_(std::exchange(current_resumer, resumer)) {}
Resumer::Scope::~Scope() { current_resumer = outer_; }

void CoroutineLoop::ResumeWhenReady(const Handle& handle, std::coroutine_handle<> coroutine) {
  order_.Add(handle, reinterpret_cast<uint64_t>(coroutine.address()));
}

void CoroutineLoop::Turn() {
  const std::optional<uint64_t> tag = order_.Next(worker::kForever);
  if (tag.has_value())
    std::coroutine_handle<>::from_address(reinterpret_cast<void*>(*tag)).resume();
}

}  // namespace troupe::internal
