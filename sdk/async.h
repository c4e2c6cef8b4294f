// Async<T> is a coroutine that co_awaits references: while one waits, others go on.
//
//   troupe::Async<double> Pipeline(troupe::ObjectRef<double> x) {
//     co_return co_await x + co_await troupe::Task(Other).Remote(x);
//   }
//   double y = Pipeline(x).Run();                                     // on this thread
//   std::vector<double> ys = troupe::RunAll(std::move(pipelines));    // all of them, interleaved
//   troupe::ObjectRef<double> z = troupe::Task(Pipeline).Remote(x);   // in a worker
//   double w = co_await Pipeline(x);                                  // in another one
//
// co_await of an ObjectRef<T> gives a T and throws what Get throws; of an Async<T>, what it
// returns. Nothing runs before Run, RunAll or co_await. All that runs together runs on the thread
// that called Run, which lends its CPU while everything waits. Parameters that are references must
// outlive the coroutine.
//
// A method of an actor that returns an Async is suspended where it waits, and the actor begins its
// next calls meanwhile: see actor.h. A task that is one keeps its worker.
// Move-only. Not thread-safe.   After Python's asyncio and Ray's actors of it.
#ifndef TROUPE_SDK_ASYNC_H_
#define TROUPE_SDK_ASYNC_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "sdk/as_completed.h"
#include "sdk/get.h"

namespace troupe {

template <typename T>
class Async;

namespace internal {

// Who resumes the coroutines that run on this thread now, as what they wait for comes.
class Resumer {
 public:
  Resumer(const Resumer&) = delete;
  Resumer& operator=(const Resumer&) = delete;

  // The innermost one of this thread; null where no coroutine runs.
  static Resumer* Current();

  // The coroutine holds a handle on the object until it is resumed.
  virtual void ResumeWhenReady(const Handle& handle, std::coroutine_handle<> coroutine) = 0;
  // Why what the coroutine that has just been resumed waits for cannot come, where that is so.
  virtual std::optional<ErrorInfo> TakeRefusal() { return std::nullopt; }

 protected:
  Resumer() = default;
  ~Resumer() = default;

  // As long as it lives, this thread's is `resumer`.
  class Scope {
   public:
    explicit Scope(Resumer* resumer);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Resumer* outer_;
  };
};

// Of Run and RunAll: the thread waits with its coroutines.
class CoroutineLoop final : public Resumer {
 public:
  CoroutineLoop() : scope_(this) {}

  void ResumeWhenReady(const Handle& handle, std::coroutine_handle<> coroutine) override;
  // Resumes what can go on; waits where nothing can. REQUIRES: something waits. Throws.
  void Turn();

 private:
  Scope scope_;
  CompletionOrder order_;  // the tags are the coroutines' addresses
};

struct AsyncAccess;

template <typename T>
struct RefAwaiter {
  ObjectRef<T> ref;

  bool await_ready() const {
    if (!ref) Throw(NullRefError("co_await"));
    return ref.handle().session()->IsReady(ref.id());
  }
  void await_suspend(std::coroutine_handle<> coroutine) const {
    Resumer::Current()->ResumeWhenReady(ref.handle(), coroutine);
  }
  T await_resume() const {
    if (auto refusal = Resumer::Current()->TakeRefusal()) Throw(*std::move(refusal));
    return Get(ref);
  }
};

template <typename T>
struct AsyncResult {
  std::optional<T> value;
  std::exception_ptr error;

  template <typename U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T Take() {
    if (error != nullptr) std::rethrow_exception(error);
    return std::move(*value);
  }
};
template <>
struct AsyncResult<void> {
  std::exception_ptr error;

  void return_void() noexcept {}
  void Take() {
    if (error != nullptr) std::rethrow_exception(error);
  }
};

template <typename T>
struct AsyncPromise : AsyncResult<T> {
  std::coroutine_handle<> awaiting;  // who waits for this one

  struct Final {
    bool await_ready() noexcept { return false; }
    template <typename P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> ended) noexcept {
      const std::coroutine_handle<> next = ended.promise().awaiting;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };

  Async<T> get_return_object();
  std::suspend_always initial_suspend() noexcept { return {}; }
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { this->error = std::current_exception(); }

  template <typename U>
  RefAwaiter<U> await_transform(ObjectRef<U> ref) {
    return {std::move(ref)};
  }
  template <typename U>
  auto await_transform(Async<U>&& other) {
    return typename Async<U>::Awaiter{std::move(other)};
  }
  template <typename U>
  auto await_transform(Async<U>& other) {
    static_assert(std::is_void_v<Async<U>>,
                  "an Async runs once and is used up by it: write co_await std::move(async)");
    return await_transform(std::move(other));
  }
};

}  // namespace internal

template <typename T>
class [[nodiscard]] Async {
 public:
  using value_type = T;
  using promise_type = internal::AsyncPromise<T>;  // NOLINT: the language's name

  Async(Async&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Async& operator=(Async&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Async() {
    if (handle_ != nullptr) handle_.destroy();
  }

  // Runs it to its end, and returns what it returns or throws what it throws.
  T Run() && {
    const Async self = std::move(*this);
    self.CheckNotMoved();
    internal::CoroutineLoop loop;
    for (self.handle_.resume(); !self.handle_.done();) loop.Turn();
    return self.handle_.promise().Take();
  }

  // For co_await in another one.
  struct Awaiter {
    Async async;
    bool await_ready() const {
      async.CheckNotMoved();
      return false;
    }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
      async.handle_.promise().awaiting = awaiting;
      return async.handle_;
    }
    T await_resume() { return async.handle_.promise().Take(); }
  };

 private:
  friend promise_type;
  friend internal::AsyncAccess;
  template <typename U>
  friend auto RunAll(std::vector<Async<U>> coroutines);
  explicit Async(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  void CheckNotMoved() const {
    if (handle_ == nullptr)
      internal::Throw(ErrorKind::kInvalidArgument,
                      "this Async has no coroutine: it was moved from");
  }

  std::coroutine_handle<promise_type> handle_;
};

template <typename T>
Async<T> internal::AsyncPromise<T>::get_return_object() {
  return Async<T>(std::coroutine_handle<AsyncPromise>::from_promise(*this));
}

// Runs all of them together; what they return, in order. Throws what the first one in order threw,
// once all have ended.
template <typename T>
auto RunAll(std::vector<Async<T>> coroutines) {
  for (const Async<T>& coroutine : coroutines) coroutine.CheckNotMoved();
  internal::CoroutineLoop loop;
  for (Async<T>& coroutine : coroutines) coroutine.handle_.resume();
  for (Async<T>& coroutine : coroutines) {
    while (!coroutine.handle_.done()) loop.Turn();
  }
  if constexpr (std::is_void_v<T>) {
    for (Async<T>& coroutine : coroutines) coroutine.handle_.promise().Take();
  } else {
    std::vector<T> results;
    results.reserve(coroutines.size());
    for (Async<T>& coroutine : coroutines) results.push_back(coroutine.handle_.promise().Take());
    return results;
  }
}

namespace internal {

// For whoever runs one step by step.
struct AsyncAccess {
  template <typename T>
  static auto HandleOf(const Async<T>& async) {
    return async.handle_;
  }
};

template <typename T>
struct IsAsync : std::false_type {};
template <typename T>
struct IsAsync<Async<T>> : std::true_type {};

}  // namespace internal
}  // namespace troupe

#endif  // TROUPE_SDK_ASYNC_H_
