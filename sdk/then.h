// What follows when a value is there: another task (Then), a std::future (ToFuture), a function of
// this process (OnReady).
//
//   void Show(const troupe::ObjectRef<double>& mean) { std::cout << troupe::Get(mean); }
//
//   troupe::ObjectRef<double> mean = troupe::Then(data, Mean);      // runs in a worker
//   troupe::ObjectRef<int> next = troupe::Then(saved, Load);        // after a task without a value
//   std::future<double> future = troupe::ToFuture(mean);            // for code that knows futures
//   troupe::OnReady(mean, Show);                                    // on a thread of Troupe's
//   troupe::OnReady(mean, [&](auto f) { gui.Post(f); }, Show);      // on one of your choice
//
// OnReady calls f with the reference once it is there, value or error, so that Get does not wait:
// on the one callback thread of this process, which must not be held up, or, with `post`, wherever
// that runs what it is given. f must not throw. Where the cluster ends first, f is called, too, and
// Get throws Unavailable.   Thread-safe.
#ifndef TROUPE_SDK_THEN_H_
#define TROUPE_SDK_THEN_H_

#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "sdk/get.h"
#include "sdk/task.h"

namespace troupe {

template <typename T, typename F>
[[nodiscard]] auto Then(const ObjectRef<T>& ref, F&& f, CallSite site = CallSite::Here()) {
  if constexpr (std::is_void_v<T>) {
    return Task(std::forward<F>(f), site).RemoteAfter(ref);
  } else {
    return Task(std::forward<F>(f), site).Remote(ref);
  }
}

template <typename T, typename Post, typename F>
void OnReady(const ObjectRef<T>& ref, Post post, F f) {
  if (!ref) internal::Throw(internal::NullRefError("OnReady"));
  ref.handle().session()->CallWhenReady(
      ref.id(), [ref, post = std::move(post), f = std::move(f)]() mutable {
        post(std::function<void()>([ref, f = std::move(f)]() mutable { f(ref); }));
      });
}

template <typename T, typename F>
void OnReady(const ObjectRef<T>& ref, F f) {
  OnReady(
      ref, [](const std::function<void()>& call) { call(); }, std::move(f));
}

template <typename T>
[[nodiscard]] std::future<T> ToFuture(const ObjectRef<T>& ref) {
  auto promise = std::make_shared<std::promise<T>>();
  std::future<T> future = promise->get_future();
  OnReady(ref, [promise](const ObjectRef<T>& ready) {
    if constexpr (std::is_void_v<T>) {
      try {
        Get(ready);
        promise->set_value();
      } catch (...) {
        promise->set_exception(std::current_exception());
      }
    } else {
      T value{};
      if (auto error = internal::GetInto(ready.handle(), absl::InfiniteDuration(),
                                         internal::TypeOf<T>(), std::addressof(value))) {
        promise->set_exception(internal::ToExceptionPtr(*std::move(error)));
      } else {
        promise->set_value(std::move(value));
      }
    }
  });
  return future;
}

}  // namespace troupe

#endif  // TROUPE_SDK_THEN_H_
