// Routine is a simulated thread: a coroutine that the world resumes, one step at a time, whenever
// the seed says so and what it waits for is there.
//
//   Routine Client() {
//     co_await Step();                  // anything may happen here
//     const auto there = [&] { return !inbox.empty(); };
//     co_await Until(there);            // `there` lives in the routine's frame
//   }
//   Routine routine = Client();
//   if (routine.CanResume()) routine.Resume();
//
// Destroying it is the thread's sudden death. Not thread-safe.
#ifndef TROUPE_TESTS_SIMULATION_ROUTINE_H_
#define TROUPE_TESTS_SIMULATION_ROUTINE_H_

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"

namespace troupe::simulation {

class Routine {
 public:
  struct promise_type {
    std::optional<absl::FunctionRef<bool()>> ready;  // none: it may go on at once

    Routine get_return_object() {
      return Routine(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  Routine() = default;
  Routine(Routine&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Routine& operator=(Routine&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Routine() {
    if (handle_ != nullptr) handle_.destroy();
  }

  bool done() const { return handle_ == nullptr || handle_.done(); }
  bool CanResume() const {
    if (done()) return false;
    const auto& ready = handle_.promise().ready;
    return !ready.has_value() || (*ready)();
  }
  // REQUIRES: CanResume().
  void Resume() {
    handle_.promise().ready.reset();
    handle_.resume();
  }

 private:
  explicit Routine(Handle handle) : handle_(handle) {}

  Handle handle_ = nullptr;
};

using Step = std::suspend_always;

class Until {
 public:
  // `ready` must outlive the wait: name it, do not pass a temporary.
  template <typename F>
  explicit Until(const F& ready) : ready_(ready) {}
  bool await_ready() const { return ready_(); }
  void await_suspend(Routine::Handle handle) { handle.promise().ready.emplace(ready_); }
  void await_resume() const {}

 private:
  absl::FunctionRef<bool()> ready_;
};

}  // namespace troupe::simulation

#endif  // TROUPE_TESTS_SIMULATION_ROUTINE_H_
