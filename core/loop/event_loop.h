// EventLoop turns libuv's loop into four nouns: a watched descriptor, a timer, a signal, work that
// runs beside the loop. libuv stops in this package.
//
// One loop belongs to one thread. Callbacks run in RunOnce, on that thread; a callback may destroy
// any watcher, its own included. A watcher must not outlive its loop. Work runs on libuv's thread
// pool (UV_THREADPOOL_SIZE threads, 4 by default); the loop's end waits for what has begun.
//
//   EventLoop loop;
//   auto watcher = loop.Watch(fd, EventLoop::kReadable, [&](int events) { ... });
//   while (!done) loop.RunOnce(EventLoop::Wait::kBlock);
#ifndef TROUPE_CORE_LOOP_EVENT_LOOP_H_
#define TROUPE_CORE_LOOP_EVENT_LOOP_H_

#include <cstdint>
#include <functional>
#include <memory>

namespace troupe::loop {

class Watcher;
class Timer;
class SignalWatcher;

class EventLoop {
 public:
  static constexpr int kReadable = 1;
  static constexpr int kWritable = 2;
  // The peer has hung up; always reported.
  static constexpr int kHangup = 4;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  enum class Wait { kBlock, kPoll };
  // Runs the callbacks of what has happened; with kBlock, waits until something has.
  void RunOnce(Wait wait);

  // Calls `callback(events)` whenever the descriptor is ready. The descriptor stays the caller's
  // and must stay open.
  std::unique_ptr<Watcher> Watch(int fd, int events, std::function<void(int)> callback);
  // A timer that is not running yet.
  std::unique_ptr<Timer> MakeTimer(std::function<void()> callback);
  std::unique_ptr<SignalWatcher> WatchSignal(int signal, std::function<void()> callback);

  // Runs `work` on a thread of the pool, then `done` in RunOnce. Several run at the same time, in
  // no order.
  void RunBeside(std::function<void()> work, std::function<void()> done);
  // Runs callbacks until no work is under way.
  void FinishWork();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

class Watcher {
 public:
  ~Watcher();
  // Changes what is waited for.
  void SetEvents(int events);

  struct State;
  explicit Watcher(State* state) : state_(state) {}

 private:
  State* state_;
};

class Timer {
 public:
  ~Timer();
  // Runs the callback once, as soon as MonotonicNanos() has come to `nanos`, if that lies ahead of
  // it; replaces an earlier StartAt.
  void StartAt(int64_t nanos);
  void Stop();

  struct State;
  explicit Timer(State* state) : state_(state) {}

 private:
  State* state_;
};

class SignalWatcher {
 public:
  ~SignalWatcher();

  struct State;
  explicit SignalWatcher(State* state) : state_(state) {}

 private:
  State* state_;
};

}  // namespace troupe::loop

#endif  // TROUPE_CORE_LOOP_EVENT_LOOP_H_
