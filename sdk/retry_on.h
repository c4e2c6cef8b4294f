// RetryOn says which failures of the user's own code are worth another attempt.
//
//   troupe::Task(Fetch).Options({.retry_on = troupe::RetryOn::Exceptions<NetworkError>()})
//   troupe::Task(Fetch).Options({.retry_on = [](const troupe::TaskError& e) {
//     return e.info().message.find("try again") != std::string::npos;
//   }})
//
// It is asked in the worker, right after the throw; a test that throws says no. Attempts are those
// of max_retries, with pauses of 50 ms, doubled each time, up to 30 s, less a random half.
// Thread-safety: a value.   After Ray's retry_exceptions.
#ifndef TROUPE_SDK_RETRY_ON_H_
#define TROUPE_SDK_RETRY_ON_H_

#include <type_traits>

#include "sdk/errors.h"
#include "worker/task_call.h"

namespace troupe {

class RetryOn {
 public:
  // Nothing is retried.
  RetryOn() = default;
  // What the test says yes to.
  template <typename F>
  requires(!std::is_same_v<std::decay_t<F>, RetryOn>) RetryOn(F)
      : test_(&Ask<F>) {  // NOLINT(google-explicit-constructor): it is written in place
    static_assert(std::is_invocable_r_v<bool, F, const TaskError&>,
                  "retry_on is asked bool(const troupe::TaskError&)");
    static_assert(std::is_empty_v<F> && std::is_default_constructible_v<F>,
                  "retry_on is a lambda without captures, or RetryOn::Exceptions<...>()");
  }
  // Exceptions of these types, and of those derived from them.
  template <typename... E>
  static RetryOn Exceptions() {
    RetryOn retry;
    retry.test_ = [](const ErrorInfo&) { return (CurrentIs<E>() || ...); };
    return retry;
  }
  // Whatever is thrown.
  static RetryOn Everything() {
    RetryOn retry;
    retry.test_ = [](const ErrorInfo&) { return true; };
    return retry;
  }

  worker::RetryTest test() const { return test_; }

 private:
  template <typename F>
  static bool Ask(const ErrorInfo& error) {
    return F()(TaskError(error));
  }
  template <typename E>
  static bool CurrentIs() {
    try {
      throw;
    } catch (const E&) {
      return true;
    } catch (...) {
      return false;
    }
  }

  worker::RetryTest test_ = nullptr;
};

}  // namespace troupe

#endif  // TROUPE_SDK_RETRY_ON_H_
