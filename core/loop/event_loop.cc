#include "core/loop/event_loop.h"

#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/unique_fd.h"

namespace troupe::loop {
namespace {

// libuv keeps a handle until its close callback has run: the states delete themselves there.
template <typename State>
void Close(State* state) {
  state->callback = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&state->handle),
           [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
}

int ToUv(int events) {
  return UV_DISCONNECT | ((events & EventLoop::kReadable) != 0 ? UV_READABLE : 0) |
         ((events & EventLoop::kWritable) != 0 ? UV_WRITABLE : 0);
}

}  // namespace

struct EventLoop::State {
  uv_loop_t loop;
  int working = 0;  // pieces of work that have not ended
};

struct Watcher::State {
  uv_poll_t handle;
  std::function<void(int)> callback;
};

// A descriptor of the kernel's: libuv's own timers count milliseconds.
struct Timer::State {
  uv_poll_t handle;
  std::function<void()> callback;
  UniqueFd descriptor;

  void Set(int64_t nanos) {
    itimerspec when{};
    when.it_value.tv_sec = nanos / 1'000'000'000;
    when.it_value.tv_nsec = nanos % 1'000'000'000;
    TROUPE_CHECK(timerfd_settime(descriptor.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0,
                 "timerfd_settime");
  }
};

struct SignalWatcher::State {
  uv_signal_t handle;
  std::function<void()> callback;
};

namespace {

void OnPoll(uv_poll_t* handle, int status, int events) {
  auto* state = static_cast<Watcher::State*>(handle->data);
  int ours = 0;
  if ((events & UV_READABLE) != 0) ours |= EventLoop::kReadable;
  if ((events & UV_WRITABLE) != 0) ours |= EventLoop::kWritable;
  if ((events & UV_DISCONNECT) != 0 || status < 0) ours |= EventLoop::kHangup;
  // A copy: the callback may destroy the watcher.
  const std::function<void(int)> callback = state->callback;
  if (callback) callback(ours);
}

}  // namespace

EventLoop::EventLoop() : state_(std::make_unique<State>()) {
  TROUPE_CHECK(uv_loop_init(&state_->loop) == 0, "uv_loop_init");
}

EventLoop::~EventLoop() {
  FinishWork();
  uv_run(&state_->loop, UV_RUN_NOWAIT);  // the close callbacks
  TROUPE_CHECK(uv_loop_close(&state_->loop) == 0, "a watcher that outlives its loop");
}

void EventLoop::RunOnce(Wait wait) {
  uv_run(&state_->loop, wait == Wait::kBlock ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void EventLoop::RunBeside(std::function<void()> work, std::function<void()> done) {
  struct Work {
    uv_work_t request;
    std::function<void()> work;
    std::function<void()> done;
    int* working;
  };
  auto* piece = new Work{{}, std::move(work), std::move(done), &state_->working};
  piece->request.data = piece;
  ++state_->working;
  const int rc = uv_queue_work(
      &state_->loop, &piece->request,
      [](uv_work_t* request) { static_cast<Work*>(request->data)->work(); },
      [](uv_work_t* request, int) {
        const std::unique_ptr<Work> ended(static_cast<Work*>(request->data));
        --*ended->working;
        ended->done();
      });
  TROUPE_CHECK(rc == 0, "uv_queue_work");
}

void EventLoop::FinishWork() {
  while (state_->working > 0) uv_run(&state_->loop, UV_RUN_ONCE);
}

std::unique_ptr<Watcher> EventLoop::Watch(int fd, int events, std::function<void(int)> callback) {
  auto* state = new Watcher::State{{}, std::move(callback)};
  TROUPE_CHECK(uv_poll_init(&state_->loop, &state->handle, fd) == 0, "uv_poll_init");
  state->handle.data = state;
  TROUPE_CHECK(uv_poll_start(&state->handle, ToUv(events), OnPoll) == 0, "uv_poll_start");
  return std::make_unique<Watcher>(state);
}

std::unique_ptr<Timer> EventLoop::MakeTimer(std::function<void()> callback) {
  auto* state =
      new Timer::State{{},
                       std::move(callback),
                       UniqueFd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC))};
  TROUPE_CHECK(state->descriptor, "timerfd_create");
  TROUPE_CHECK(uv_poll_init(&state_->loop, &state->handle, state->descriptor.get()) == 0,
               "uv_poll_init");
  state->handle.data = state;
  const int rc = uv_poll_start(&state->handle, UV_READABLE, [](uv_poll_t* handle, int, int) {
    const auto* timer = static_cast<Timer::State*>(handle->data);
    uint64_t times = 0;
    // None where it was stopped or set again meanwhile.
    if (read(timer->descriptor.get(), &times, sizeof(times)) != sizeof(times)) return;
    const std::function<void()> callback_copy = timer->callback;
    if (callback_copy) callback_copy();
  });
  TROUPE_CHECK(rc == 0, "uv_poll_start");
  return std::make_unique<Timer>(state);
}

std::unique_ptr<SignalWatcher> EventLoop::WatchSignal(int signal, std::function<void()> callback) {
  auto* state = new SignalWatcher::State{{}, std::move(callback)};
  uv_signal_init(&state_->loop, &state->handle);
  state->handle.data = state;
  const int rc = uv_signal_start(
      &state->handle,
      [](uv_signal_t* handle, int) {
        const std::function<void()> callback_copy =
            static_cast<SignalWatcher::State*>(handle->data)->callback;
        if (callback_copy) callback_copy();
      },
      signal);
  TROUPE_CHECK(rc == 0, "uv_signal_start");
  return std::make_unique<SignalWatcher>(state);
}

Watcher::~Watcher() { Close(state_); }

void Watcher::SetEvents(int events) {
  TROUPE_CHECK(uv_poll_start(&state_->handle, ToUv(events), OnPoll) == 0, "uv_poll_start");
}

Timer::~Timer() { Close(state_); }

// 0 would stop it.
void Timer::StartAt(int64_t nanos) { state_->Set(std::max<int64_t>(nanos, 1)); }

void Timer::Stop() { state_->Set(0); }

SignalWatcher::~SignalWatcher() { Close(state_); }

}  // namespace troupe::loop
