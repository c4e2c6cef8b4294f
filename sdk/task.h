// Task(f).Remote(args...) calls f in a worker process, and returns at once with a reference to what
// will be its result.
//
// f: a function, a static or member function, a captureless lambda, a function object whose fields
// can travel, or Bind(...). Arguments: values, or ObjectRefs: a parameter of type T takes a T or an
// ObjectRef<T>, which is resolved first; a std::vector<T> takes a std::vector<ObjectRef<T>> too; a
// parameter of type ObjectRef<T> gets the reference itself. Large values are stored once and travel
// by reference. std::span<const T> and const Array<T>& parameters read the store's memory.
//
//   double Mean(const std::vector<double>& xs);
//   troupe::ObjectRef<double> mean = troupe::Task(Mean).Options({.name = "mean"}).Remote(data);
//
// The task runs when its arguments are there and a CPU is free. Where an argument has failed, so
// has the task, with the same error. Throws NotSerializable, ResourceExhausted, Unavailable,
// InvalidArgument.   Thread-safe. After Ray's remote functions, without a macro or registration.
#ifndef TROUPE_SDK_TASK_H_
#define TROUPE_SDK_TASK_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "core/base/limits.h"
#include "sdk/call_site.h"
#include "sdk/internal/call.h"
#include "sdk/placement_group.h"
#include "sdk/retry_on.h"

namespace troupe {

struct TaskOptions {
  std::string name = {};                         // for people; default: the function's name
  double cpus = 1;                               // in steps of 1/10000
  int64_t memory = 0;                            // bytes of the cluster's `memory`
  double gpus = 0;                               // in steps of 1/10000
  std::map<std::string, double> resources = {};  // named ones, in steps of 1/10000
  Placement placement = {};                      // a placement group: its resources
  int priority = 0;                              // higher first, within the job
  // When its caller gets DeadlineExceeded, whatever it does: queueing counts. The earlier of both.
  absl::Time deadline = absl::InfiniteFuture();
  absl::Duration timeout = absl::InfiniteDuration();
  absl::Duration grace =
      absl::Milliseconds(100);                   // from the stop token until its process is killed
  int max_retries = Limits::kDefaultMaxRetries;  // after the death of a worker; -1: without end
  RetryOn retry_on = {};                         // what it may throw and be tried again
  int max_calls = 0;  // of this function in one process, which is then replaced; 0: without end
};

namespace internal {

void Apply(const TaskOptions& options, OutgoingCall& call);
void ApplyDeadline(absl::Time deadline, absl::Duration timeout, OutgoingCall& call);
uint32_t CheckedWindow(uint32_t items);  // throws InvalidArgument

}  // namespace internal

template <typename F, typename Shape = internal::OneResult>
class [[nodiscard]] TaskBuilder : public internal::SentByRemote {
 public:
  static_assert(internal::AssertCallable<internal::FunctionIn<F>>());

  explicit TaskBuilder(F f, CallSite site, TaskOptions options = {}, uint32_t count = 1)
      : f_(std::move(f)), site_(site), options_(std::move(options)), count_(count) {}

  TaskBuilder Options(TaskOptions options) && {
    options_ = std::move(options);
    return std::move(*this);
  }
  TaskBuilder Options(TaskOptions options) const& {
    TaskBuilder copy = *this;
    copy.options_ = std::move(options);
    return copy;
  }

  // Of a function that returns a tuple: a reference to each of its elements.
  //   auto [low, high] = troupe::Task(Split).Returns<Half, Half>().Remote(data);
  template <typename... R>
  TaskBuilder<F, internal::TupleResults<R...>> Returns() const {
    return TaskBuilder<F, internal::TupleResults<R...>>(f_, site_, options_, sizeof...(R));
  }
  // Of a function that returns a vector of so many: a vector of references.
  TaskBuilder<F, internal::VectorResults> Returns(uint32_t count) const {
    return TaskBuilder<F, internal::VectorResults>(f_, site_, options_, count);
  }
  // Of a function that returns a Generator: how many items it may be ahead of its consumer, at
  // least one.
  TaskBuilder Window(uint32_t items) const {
    TaskBuilder copy = *this;
    copy.window_ = internal::CheckedWindow(items);
    return copy;
  }

  template <typename... A>
  auto Remote(A&&... arguments) const {
    return Submit<false>(nullptr, std::forward<A>(arguments)...);
  }
  // The same once `done`, which has no value to pass on, is there, too.
  template <typename... A>
  auto RemoteAfter(const ObjectRef<void>& done, A&&... arguments) const {
    return Submit<true>(&done.handle(), std::forward<A>(arguments)...);
  }

 private:
  template <bool kAfter, typename... A>
  auto Submit(const internal::Handle* after, A&&... arguments) const {
    if constexpr (internal::IsBoundCallable<F>::value) {
      return std::apply(
          [&](const auto&... bound) {
            return SubmitCall<kAfter>(
                after, f_.function(),
                typename internal::ParametersOf<internal::FunctionIn<F>, decltype(bound)...,
                                                A...>::type(),
                bound..., std::forward<A>(arguments)...);
          },
          f_.values());
    } else {
      return SubmitCall<kAfter>(after, f_, typename internal::ParametersOf<F, A...>::type(),
                                std::forward<A>(arguments)...);
    }
  }
  template <bool kAfter, typename G, typename... P, typename... A>
  auto SubmitCall(const internal::Handle* after, const G& f, internal::ParameterList<P...>,
                  A&&... arguments) const {
    static_assert(sizeof...(P) == sizeof...(A),
                  "the function takes another number of arguments (bound ones count)");
    static_assert((internal::AssertParameter<P>() && ...));
    static_assert(std::is_invocable_v<G&, P...>,
                  "the function cannot be called with these arguments");
    using Returned = internal::Returned<Shape, std::remove_cvref_t<std::invoke_result_t<G&, P...>>>;
    static_assert(Returned::Assert());
    using Entry =
        internal::Entry<G, internal::ParameterList<internal::TravellingParameter<P, A>...>, Shape>;
    internal::OutgoingCall call(internal::CurrentSession());
    if constexpr (kAfter) {
      call.SetEntry(&internal::AfterAnother<Entry>::Run);
    } else {
      call.SetEntry(&Entry::Run);
    }
    call.SetCallSite(site_);
    call.SetCallable(internal::PackCallable(f, site_));
    call.SetName(options_.name.empty() ? internal::NameOfCallable(f) : options_.name);
    internal::Apply(options_, call);
    call.SetResults(count_, Returned::kStream ? window_ : 0);
    (call.Add<internal::TravellingParameter<P, A>>(std::forward<A>(arguments)), ...);
    if constexpr (kAfter) call.AddObject(*after);
    return Returned::Make(call.Submit());
  }

  F f_;
  CallSite site_;
  TaskOptions options_;
  uint32_t count_ = 1;  // of results
  uint32_t window_ = kDefaultStreamWindow;
};

template <typename F>
TaskBuilder<std::decay_t<F>> Task(F&& f, CallSite site = CallSite::Here()) {
  return TaskBuilder<std::decay_t<F>>(std::forward<F>(f), site);
}

}  // namespace troupe

#endif  // TROUPE_SDK_TASK_H_
