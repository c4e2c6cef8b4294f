// Variable<T> is a value that all processes of the cluster share by its name or its handle, and may
// replace.
//
//   const auto model = troupe::Variable<Model>::Named("model");
//   model.Set(Train());  // the old value goes when nobody looks at it any more
//   double score = model.Get().Score(image);  // the latest; waits while there is none
//
// The value lies in the object store; GetRef and SetRef pass a reference. It travels as an argument
// and inside values, and lives as long as somebody has it (an actor keeps it).
//
// Errors: DeadlineExceeded where there is no value in that time; InvalidArgument for a null
// reference; ActorDied or ObjectLost where the keeping actor has died, Unavailable where the
// cluster is gone. Thread-safe.   After Dask's Variable.
#ifndef TROUPE_SDK_SYNC_VARIABLE_H_
#define TROUPE_SDK_SYNC_VARIABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "sdk/errors.h"
#include "sdk/get.h"
#include "sdk/promise.h"
#include "sdk/sync/server.h"

namespace troupe {

namespace internal {

template <typename T>
class VariableServer {
 public:
  // Of the value, which is there or to come.
  Ticket<ObjectRef<T>> Get() const { return {.number = 0, .promised = value_.ref()}; }
  // Nothing was given out that could come back.
  bool Withdraw(uint64_t) const { return true; }
  void Set(const ObjectRef<T>& value) {
    if (std::exchange(set_, true)) value_ = Promise<ObjectRef<T>>();
    value_.Set(value);
  }
  void Clear() {
    if (std::exchange(set_, false)) value_ = Promise<ObjectRef<T>>();
  }

 private:
  bool set_ = false;
  Promise<ObjectRef<T>> value_;
};

}  // namespace internal

template <typename T>
class Variable : public internal::Front<internal::VariableServer<T>> {
 public:
  using Server = internal::VariableServer<T>;
  static constexpr std::string_view kTypeName = "troupe::Variable";
  using internal::Front<Server>::Front;

  static Variable New() { return Variable(Variable::Start()); }
  // The one of that name in this cluster; who asks first makes it. Throws TypeMismatch where it has
  // values of another type.
  static Variable Named(const std::string& name) {
    return Variable(Variable::StartNamed("variable", name));
  }

  // Returns when everybody gets the new value.
  void Set(const T& value) const { SetRef(Put(value)); }
  void SetRef(const ObjectRef<T>& value) const {
    if (!value) internal::Throw(internal::NullRefError("Variable"));
    this->Ask(&Server::Set, value);
  }
  // Takes the value away: the next Get waits for another one.
  void Clear() const { this->Ask(&Server::Clear); }

  [[nodiscard]] T Get(absl::Duration timeout = absl::InfiniteDuration()) const {
    return troupe::Get(GetRef(timeout));
  }
  [[nodiscard]] ObjectRef<T> GetRef(absl::Duration timeout = absl::InfiniteDuration()) const {
    const auto ticket = this->Ask(&Server::Get);
    if (!this->Await(ticket, timeout)) {
      internal::Throw(ErrorKind::kDeadlineExceeded,
                      "Variable: it had no value for " + internal::TimeoutText(timeout));
    }
    return troupe::Get(ticket.promised);
  }
};

}  // namespace troupe

#endif  // TROUPE_SDK_SYNC_VARIABLE_H_
