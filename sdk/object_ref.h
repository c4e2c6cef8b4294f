// ObjectRef<T> is a reference to a value in the cluster: the result of a task, or what was Put.
//
// It is small and cheap to copy, pass to tasks, return from them and store inside other values. The
// value lives as long as a reference to it exists anywhere. Thread-safety: as a std::shared_ptr:
// distinct refs may be used from distinct threads.
//
//   troupe::ObjectRef<int> ref = troupe::Task(Add).Remote(1, 2);
//   int three = troupe::Get(ref);
//
// After Ray's ObjectRef.
#ifndef TROUPE_SDK_OBJECT_REF_H_
#define TROUPE_SDK_OBJECT_REF_H_

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/base/ids.h"
#include "core/serialize/serialize.h"
#include "sdk/internal/runtime.h"

namespace troupe {

namespace internal {

// A handle on an object or an actor, which its session counts. Copying one takes no lock.
class Handle {
 public:
  Handle() = default;
  // Takes over a handle that has been counted already.
  static Handle Adopt(std::shared_ptr<worker::Session> session, ObjectId id) {
    objectstore::HandleCount* const count = session->CountOf(id);
    return Handle(std::move(session), count);
  }
  static Handle New(std::shared_ptr<worker::Session> session, ObjectId id) {
    objectstore::HandleCount* const count = session->AddHandle(id);
    return Handle(std::move(session), count);
  }
  // Takes over a handle that `count` has counted.
  Handle(std::shared_ptr<worker::Session> session, objectstore::HandleCount* count)
      : session_(std::move(session)), count_(count) {}

  Handle(const Handle& other) : session_(other.session_), count_(other.count_) {
    if (count_ != nullptr) count_->Add();
  }
  Handle(Handle&& other) noexcept
      : session_(std::move(other.session_)), count_(std::exchange(other.count_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(session_, other.session_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Handle() {
    if (count_ != nullptr && !count_->DropUnlessLast()) session_->DropHandle(count_->id);
  }

  ObjectId id() const { return count_ == nullptr ? ObjectId() : count_->id; }
  // REQUIRES: an id.
  const std::shared_ptr<worker::Session>& session() const { return session_; }

 private:
  std::shared_ptr<worker::Session> session_;
  objectstore::HandleCount* count_ = nullptr;  // in the session
};

}  // namespace internal

template <typename T>
class [[nodiscard]] ObjectRef {
 public:
  using value_type = T;

  // Refers to nothing; Get refuses it.
  ObjectRef() = default;
  explicit ObjectRef(internal::Handle handle) : handle_(std::move(handle)) {}

  ObjectId id() const { return handle_.id(); }
  explicit operator bool() const { return !id().is_null(); }
  friend bool operator==(const ObjectRef& a, const ObjectRef& b) { return a.id() == b.id(); }

  const internal::Handle& handle() const { return handle_; }

 private:
  internal::Handle handle_;
};

namespace internal {

template <typename T>
struct IsObjectRef : std::false_type {};
template <typename T>
struct IsObjectRef<ObjectRef<T>> : std::true_type {};

}  // namespace internal

namespace serialize {

// A reference inside a value travels as an id, held by its container.
template <typename T>
struct RefTraits<ObjectRef<T>> {
  static constexpr std::string_view kName = "troupe::ObjectRef";
  static ObjectId Id(const ObjectRef<T>& ref) { return ref.id(); }
  static ObjectRef<T> Make(ObjectId id) {
    return ObjectRef<T>(
        id.is_null() ? troupe::internal::Handle()
                     : troupe::internal::Handle::New(troupe::internal::CurrentSession(), id));
  }
};

}  // namespace serialize
}  // namespace troupe

#endif  // TROUPE_SDK_OBJECT_REF_H_
