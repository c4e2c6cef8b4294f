#include "sdk/async.h"

namespace troupe::internal {
namespace {

thread_local CoroutineLoop* current_loop = nullptr;

}  // namespace

CoroutineLoop::CoroutineLoop() : outer_(current_loop) { current_loop = this; }
CoroutineLoop::~CoroutineLoop() { current_loop = outer_; }
CoroutineLoop* CoroutineLoop::Current() { return current_loop; }

void CoroutineLoop::ResumeWhenReady(const Handle& handle, std::coroutine_handle<> coroutine) {
  order_.Add(handle, reinterpret_cast<uint64_t>(coroutine.address()));
}

void CoroutineLoop::Turn() {
  const std::optional<uint64_t> tag = order_.Next(worker::kForever);
  if (tag.has_value())
    std::coroutine_handle<>::from_address(reinterpret_cast<void*>(*tag)).resume();
}

}  // namespace troupe::internal
