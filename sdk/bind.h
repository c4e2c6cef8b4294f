// Bind(f, values...) is f with its first arguments given: what a capturing lambda would be, with
// captures that can travel.
//
// Values are serialized like arguments, and converted to what f takes. One that is too large for a
// message is stored once, by Bind or, where there was no cluster yet, by the first call, and shared
// by all calls. More than 1 MiB of them is said once per call site, with each large value's
// position and type.
//
//   auto score = troupe::Bind([](const Model& m, const Batch& b) { return m.Score(b); }, model);
//   troupe::ObjectRef<double> s = troupe::Task(score).Remote(batch);
//
// Throws NotSerializable, ResourceExhausted.   Thread-safety: a value, whose copies share what is
// bound. Bind(Bind(f, a), b) is Bind(f, a, b).
#ifndef TROUPE_SDK_BIND_H_
#define TROUPE_SDK_BIND_H_

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "sdk/call_site.h"
#include "sdk/get.h"
#include "sdk/internal/callable.h"

namespace troupe {

namespace internal {

// A bound value: itself where it is small or there is no cluster, else a reference to where it was
// stored.
template <typename V>
class BoundValue {
 public:
  static constexpr bool kMayBeStored = !IsObjectRef<V>::value && !IsArray<V>::value;

  explicit BoundValue(V value) : state_(std::make_shared<State>()) {
    if constexpr (kMayBeStored) {
      const auto size = serialize::Measure(value);
      if (!size.ok()) Throw(CannotTravel(size.status()));
      state_->bytes = size->bytes;
      state_->large = size->bytes > Limits::kMaxInlineValueBytes;
      if (state_->large && HasCurrentSession()) {
        state_->ref = Put(value);
        return;
      }
    }
    state_->value.emplace(std::move(value));
  }

  explicit operator bool() const { return state_ != nullptr; }
  size_t bytes() const { return state_->bytes; }
  // Null where the value is large and travels by Stored().
  const V* Inline() const { return state_->large ? nullptr : &*state_->value; }
  ObjectRef<V> Stored() const {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    const bool elsewhere = !state_->ref || state_->ref.handle().session() != CurrentSession();
    if (elsewhere && state_->value.has_value()) state_->ref = Put(*state_->value);
    return state_->ref;
  }
  // As another type, which it is converted to once.
  template <typename U>
  ObjectRef<U> StoredAs() const {
    const std::lock_guard<std::mutex> lock(state_->converting);
    Handle& converted = state_->converted[&TypeOf<U>()];
    if (converted.id().is_null() || converted.session() != CurrentSession())
      Visit([&](const V& value) { converted = Put(static_cast<U>(value)).handle(); });
    return ObjectRef<U>(converted);
  }
  // Calls f with the value, wherever it is.
  template <typename F>
  void Visit(F f) const {
    if (state_->value.has_value()) {
      f(*state_->value);
    } else if constexpr (kMayBeStored) {
      const V value = Get(Stored());
      f(value);
    }
  }

 private:
  struct State {
    std::mutex mutex;
    std::optional<V> value;
    ObjectRef<V> ref;
    std::mutex converting;
    std::map<const serialize::ValueType*, Handle> converted;  // by the type
    size_t bytes = 0;
    bool large = false;
  };
  std::shared_ptr<State> state_;
};

template <typename T>
struct IsBoundValue : std::false_type {};
template <typename V>
struct IsBoundValue<BoundValue<V>> : std::true_type {};

// What was bound, for people.
struct CaptureSize {
  std::string_view type;
  size_t bytes;
};
// Says that much was bound, unless that was said of the call site before.
void WarnOfLargeCaptures(CallSite site, const std::vector<CaptureSize>& captures);
// The same of the fields of a function object.
void WarnOfLargeFields(CallSite site, std::string_view type, size_t bytes);

}  // namespace internal

template <typename F, typename... V>
class Bind {
 public:
  static_assert(internal::AssertCallable<F>());

  // NOLINTNEXTLINE(google-explicit-constructor): it is called like a function
  Bind(F f, V... values, CallSite site = CallSite::Here())
      : function_(std::move(f)),
        site_(site),
        values_(internal::BoundValue<V>(std::move(values))...) {
    WarnWhereLarge();
  }
  // Of what is bound already, with more behind it.
  template <typename... First, typename... More>
  requires(sizeof...(More) > 0 && sizeof...(First) + sizeof...(More) == sizeof...(V))  //
      Bind(const Bind<F, First...>& inner, More&&... more)
      : function_(inner.function()),
        site_(inner.site()),
        values_(std::tuple_cat(inner.values(),
                               std::tuple(internal::BoundValue<internal::ValueFor<More>>(
                                   internal::ValueFor<More>(std::forward<More>(more)))...))) {
    WarnWhereLarge();
  }

  const F& function() const { return function_; }
  CallSite site() const { return site_; }
  // Throws InvalidArgument where it was moved from.
  const std::tuple<internal::BoundValue<V>...>& values() const {
    if (!std::apply([](const auto&... value) { return (static_cast<bool>(value) && ...); },
                    values_))
      internal::Throw(ErrorKind::kInvalidArgument, "this Bind has no values: it was moved from");
    return values_;
  }
  size_t captured_bytes() const {
    return std::apply([](const auto&... value) { return (value.bytes() + ... + size_t{0}); },
                      values());
  }

 private:
  void WarnWhereLarge() const {
    if (captured_bytes() <= Limits::kLargeCaptureBytes) return;
    std::apply(
        [&](const auto&... value) {
          internal::WarnOfLargeCaptures(site_, {{serialize::TypeName<V>(), value.bytes()}...});
        },
        values_);
  }

  F function_;
  CallSite site_;
  std::tuple<internal::BoundValue<V>...> values_;
};

// "abc" is bound as a std::string.
template <typename F, typename... V>
Bind(F, V...) -> Bind<F, internal::ValueFor<V>...>;
template <typename F, typename... First, typename Next, typename... More>
Bind(Bind<F, First...>, Next, More...)
    -> Bind<F, First..., internal::ValueFor<Next>, internal::ValueFor<More>...>;

namespace internal {

template <typename T>
struct IsBoundCallable : std::false_type {};
template <typename F, typename... V>
struct IsBoundCallable<Bind<F, V...>> : std::true_type {};

// F itself, or the function that is bound in it.
template <typename F>
struct FunctionInside {
  using type = F;
};
template <typename F, typename... V>
struct FunctionInside<Bind<F, V...>> {
  using type = F;
};
template <typename F>
using FunctionIn = typename FunctionInside<F>::type;

// f itself, or what is bound in it.
template <typename F>
const auto& FunctionOf(const F& f) {
  if constexpr (IsBoundCallable<F>::value) {
    return f.function();
  } else {
    return f;
  }
}

}  // namespace internal
}  // namespace troupe

#endif  // TROUPE_SDK_BIND_H_
