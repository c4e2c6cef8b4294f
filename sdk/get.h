// Put, Get, TryGet, Wait: values into the cluster and out of it.
//
//   troupe::ObjectRef<Model> model = troupe::Put(LoadModel());
//   double score = troupe::Get(ref);                 // waits; throws a typed troupe::Error
//   std::vector<double> all = troupe::Get(refs, absl::Seconds(5));
//   absl::StatusOr<double> s = troupe::TryGet(ref);  // the same without exceptions
//   auto [ready, pending] = troupe::Wait(refs, {.num_ready = 1});
//
// A timeout of zero or less polls; InfiniteDuration waits for as long as it takes. In a task,
// waiting lends the worker's CPU. Errors: what the task threw (TaskError), what killed it
// (WorkerCrashed, ActorDied), DeadlineExceeded after the timeout, TypeMismatch, Unavailable where
// the cluster is gone. Get of several refs throws the first failure at once. Thread-safe.   After
// Ray's put, get and wait.
#ifndef TROUPE_SDK_GET_H_
#define TROUPE_SDK_GET_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "sdk/array.h"
#include "sdk/errors.h"
#include "sdk/internal/value.h"
#include "sdk/object_ref.h"

namespace troupe {

namespace internal {

// A timeout below zero is one of zero: what is left of a deadline that has passed.
int64_t DeadlineAfter(absl::Duration timeout);
std::string TimeoutText(absl::Duration timeout);  // for people
// Waits for all; an error where one cannot be had in time.
std::optional<ErrorInfo> WaitForAll(const std::shared_ptr<worker::Session>& session,
                                    const std::vector<ObjectId>& ids, absl::Duration timeout);
ErrorInfo NullRefError(const char* function);
// Throws InvalidArgument where an id is there twice.
void RefuseDuplicates(const std::vector<ObjectId>& ids);

// What was fetched of a reference, into *value, which was just made.
std::optional<ErrorInfo> DecodeFetched(const Handle& handle,
                                       const std::variant<worker::ValueBytes, ErrorInfo>& fetched,
                                       const serialize::ValueType& type, void* value);
// The same of one that has resolved.
std::optional<ErrorInfo> FetchInto(const Handle& handle, int64_t deadline_nanos,
                                   const serialize::ValueType& type, void* value);
// The same of any; waits for it.
std::optional<ErrorInfo> GetInto(const Handle& handle, absl::Duration timeout,
                                 const serialize::ValueType& type, void* value);
// Throw.
Handle PutValue(const serialize::ValueType& type, const void* value);
Handle PutEncoded(std::shared_ptr<worker::Session> session, std::span<const std::byte> encoded);

struct Nothing {};  // what a task that returns void resolves to

}  // namespace internal

template <typename T>
[[nodiscard]] T Get(const ObjectRef<T>& ref, absl::Duration timeout = absl::InfiniteDuration()) {
  const serialize::ValueType& type = internal::TypeOf<T>();
  T value{};
  if (auto error = internal::GetInto(ref.handle(), timeout, type, std::addressof(value)))
    internal::Throw(*std::move(error));
  return value;
}

// Of a task that returns nothing: waits until it is done, and throws where it has failed.
void Get(const ObjectRef<void>& ref, absl::Duration timeout = absl::InfiniteDuration());

template <typename T>
[[nodiscard]] std::vector<T> Get(const std::vector<ObjectRef<T>>& refs,
                                 absl::Duration timeout = absl::InfiniteDuration()) {
  std::vector<ObjectId> ids;
  ids.reserve(refs.size());
  for (const ObjectRef<T>& ref : refs) {
    if (!ref) internal::Throw(internal::NullRefError("Get"));
    ids.push_back(ref.id());
  }
  std::vector<T> values;
  if (refs.empty()) return values;
  const int64_t deadline = internal::DeadlineAfter(timeout);
  if (std::optional<ErrorInfo> error =
          internal::WaitForAll(refs[0].handle().session(), ids, timeout)) {
    internal::Throw(*std::move(error));
  }
  values.reserve(refs.size());
  for (const ObjectRef<T>& ref : refs) {
    T value{};
    if (auto error = internal::FetchInto(ref.handle(), deadline, internal::TypeOf<T>(),
                                         std::addressof(value))) {
      internal::Throw(*std::move(error));
    }
    values.push_back(std::move(value));
  }
  return values;
}

template <typename T>
[[nodiscard]] absl::StatusOr<T> TryGet(const ObjectRef<T>& ref,
                                       absl::Duration timeout = absl::InfiniteDuration()) {
  T value{};
  if (auto error =
          internal::GetInto(ref.handle(), timeout, internal::TypeOf<T>(), std::addressof(value))) {
    return ToStatus(*error);
  }
  return value;
}
[[nodiscard]] absl::Status TryGet(const ObjectRef<void>& ref,
                                  absl::Duration timeout = absl::InfiniteDuration());

template <typename T>
[[nodiscard]] ObjectRef<T> Put(const T& value) {
  return ObjectRef<T>(internal::PutValue(internal::TypeOf<T>(), std::addressof(value)));
}

struct WaitOptions {
  size_t num_ready = 1;                               // return when so many are ready
  absl::Duration timeout = absl::InfiniteDuration();  // or when so much time has passed
};

template <typename T>
struct WaitResult {
  std::vector<ObjectRef<T>> ready;    // values or errors, in the order of the question
  std::vector<ObjectRef<T>> pending;  // the others, in the same order
};

// Which of the refs are there. To wait for one after the other, AsCompleted is cheaper; or move the
// pending ones in: refs = Wait(std::move(refs)).pending. Throws InvalidArgument for duplicates and
// for num_ready > refs.size().
template <typename T>
[[nodiscard]] WaitResult<T> Wait(std::vector<ObjectRef<T>> refs, WaitOptions options = {}) {
  std::vector<ObjectId> ids;
  ids.reserve(refs.size());
  for (const ObjectRef<T>& ref : refs) {
    if (!ref) internal::Throw(internal::NullRefError("Wait"));
    ids.push_back(ref.id());
  }
  internal::RefuseDuplicates(ids);
  if (options.num_ready > refs.size()) {
    internal::Throw(ErrorKind::kInvalidArgument,
                    "Wait: num_ready is larger than the number of references");
  }
  WaitResult<T> result;
  if (refs.empty()) return result;
  const std::shared_ptr<worker::Session> session = refs[0].handle().session();
  auto waited = session->Wait(ids, options.num_ready, internal::DeadlineAfter(options.timeout),
                              /*until_error=*/false);
  if (auto* error = std::get_if<ErrorInfo>(&waited)) internal::Throw(std::move(*error));
  const std::vector<bool> ready = session->AreReady(ids);
  for (size_t i = 0; i < refs.size(); ++i)
    (ready[i] ? result.ready : result.pending).push_back(std::move(refs[i]));
  return result;
}

template <>
class [[nodiscard]] ObjectRef<void> {
 public:
  ObjectRef() = default;
  explicit ObjectRef(internal::Handle handle) : done_(std::move(handle)) {}

  ObjectId id() const { return done_.id(); }
  explicit operator bool() const { return static_cast<bool>(done_); }
  const internal::Handle& handle() const { return done_.handle(); }

 private:
  friend void Get(const ObjectRef<void>&, absl::Duration);
  friend absl::Status TryGet(const ObjectRef<void>&, absl::Duration);
  ObjectRef<internal::Nothing> done_;
};

// After Get of several: of tasks that return nothing.
void Get(const std::vector<ObjectRef<void>>& refs,
         absl::Duration timeout = absl::InfiniteDuration());

}  // namespace troupe

#endif  // TROUPE_SDK_GET_H_
