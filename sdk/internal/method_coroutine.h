// An actor's call whose method is a coroutine, in the actor's process. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_METHOD_COROUTINE_H_
#define TROUPE_SDK_INTERNAL_METHOD_COROUTINE_H_

#include <coroutine>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "sdk/async.h"
#include "sdk/internal/call.h"
#include "sdk/internal/returned.h"
#include "worker/task_call.h"

namespace troupe::internal {

// R: the Async that the method returns. P: its parameters. It keeps the arguments, which the
// coroutine may refer to, as long as that goes on.
template <typename R, typename Invoke, typename... P>
class MethodCoroutine final : public worker::CoroutineCall, private Resumer {
 public:
  explicit MethodCoroutine(Invoke invoke) : invoke_(std::move(invoke)) {}
  MethodCoroutine(const MethodCoroutine&) = delete;
  MethodCoroutine& operator=(const MethodCoroutine&) = delete;
  ~MethodCoroutine() override {
    const Scope scope(this);
    coroutine_.reset();
  }

  IncomingArguments<P...>& arguments() { return arguments_; }

  // To its first wait, or its end.
  void Start(worker::TaskCall& call) {
    const Scope scope(this);
    coroutine_.emplace(arguments_.Call(invoke_));
    AsyncAccess::HandleOf(*coroutine_).resume();
    TakeResult(call);
  }

  ObjectId awaits() const override { return awaits_; }
  void Resume(worker::TaskCall& call, std::optional<ErrorInfo> refusal) override {
    const Scope scope(this);
    refusal_ = std::move(refusal);
    awaits_ = ObjectId();
    std::exchange(waiting_, nullptr).resume();
    TakeResult(call);
  }

 private:
  void ResumeWhenReady(const Handle& handle, std::coroutine_handle<> coroutine) override {
    awaits_ = handle.id();
    waiting_ = coroutine;
  }
  std::optional<ErrorInfo> TakeRefusal() override { return std::exchange(refusal_, std::nullopt); }

  // Where it has ended. What it threw is thrown.
  void TakeResult(worker::TaskCall& call) {
    const auto handle = AsyncAccess::HandleOf(*coroutine_);
    if (!handle.done()) return;
    if constexpr (std::is_void_v<typename R::value_type>) {
      handle.promise().Take();
      AddResult(call, Nothing());
    } else {
      AddResult(call, handle.promise().Take());
    }
  }

  Invoke invoke_;
  IncomingArguments<P...> arguments_;
  std::optional<R> coroutine_;
  std::coroutine_handle<> waiting_;  // which may be of an Async that this one co_awaits
  ObjectId awaits_;
  std::optional<ErrorInfo> refusal_;
};

// Runs it to its first wait; then it stays in the call.
template <typename R, typename... P, typename Invoke>
void BeginCoroutine(worker::TaskCall& call, Invoke invoke) {
  auto coroutine = std::make_unique<MethodCoroutine<R, Invoke, P...>>(std::move(invoke));
  if (auto error = coroutine->arguments().Decode(call)) return call.Fail(*std::move(error));
  coroutine->Start(call);
  if (!coroutine->awaits().is_null()) call.coroutine = std::move(coroutine);
}

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_METHOD_COROUTINE_H_
