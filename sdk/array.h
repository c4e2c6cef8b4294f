// Array<T> is a read-only view of numbers that lie in the object store; Builder<T> makes one in
// place.
//
// Nothing is copied: Get of an ObjectRef<Array<float>> gives a pointer into shared memory, and a
// task whose parameter is const Array<float>& or std::span<const float> reads the same pages. The
// view holds a reference and keeps the memory: the values stay where they are as long as it lives.
// An object that was Put as a std::vector<T> may be read as Array<T>, and the other way round. As a
// part of another value, and by Unpack, an Array is a copy that owns its numbers.
// Units: size() in elements. Writing through a view does not compile; through a cast it is a fault
// in the offender alone. Thread-safety: reading is safe from any number of threads.
//
//   troupe::Builder<float> out = troupe::Create<float>(1 << 20);
//   Render(out.span());
//   troupe::ObjectRef<troupe::Array<float>> image = out.Seal();
//   troupe::Array<float> pixels = troupe::Get(image);
//
// After Plasma's create/seal and Ray's zero-copy numpy arrays.
#ifndef TROUPE_SDK_ARRAY_H_
#define TROUPE_SDK_ARRAY_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/serialize/serialize.h"
#include "sdk/errors.h"
#include "sdk/object_ref.h"

namespace troupe {

template <typename T>
class Array {
 public:
  static_assert(serialize::ArrayElement<T>,
                "an Array holds numbers (bool is none): use std::vector<T> for other types");
  using value_type = T;
  using TravelsAs = std::vector<T>;

  Array() = default;
  // `owner` keeps the numbers where they are.
  Array(std::span<const T> view, std::shared_ptr<const void> owner)
      : view_(view), owner_(std::move(owner)) {}

  const T* data() const { return view_.data(); }
  size_t size() const { return view_.size(); }
  size_t size_bytes() const { return view_.size_bytes(); }
  bool empty() const { return view_.empty(); }
  const T& operator[](size_t i) const { return view_[i]; }
  const T* begin() const { return view_.data(); }
  const T* end() const { return view_.data() + view_.size(); }
  std::span<const T> span() const { return view_; }
  operator std::span<const T>() const {
    return view_;
  }  // NOLINT(google-explicit-constructor): it is one

  // As a std::vector<T> has them. NOLINTBEGIN(readability-identifier-naming): cereal's names
  template <typename Archive>
  void save(Archive& archive) const {
    archive(cereal::make_size_tag(static_cast<cereal::size_type>(size())));
    archive(cereal::binary_data(data(), size_bytes()));
  }
  template <typename Archive>
  void load(Archive& archive) {
    auto numbers = std::make_shared<std::vector<T>>();
    archive(*numbers);
    *this = Array(*numbers, numbers);
  }
  // NOLINTEND

 private:
  std::span<const T> view_;
  std::shared_ptr<const void> owner_;
};

namespace internal {

template <typename T>
absl::Status ViewArray(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                       void* array) {
  const auto view = serialize::ViewArray<T>(bytes);
  if (!view.ok()) return view.status();
  *static_cast<Array<T>*>(array) = Array<T>(*view, std::move(owner));
  return absl::OkStatus();
}

template <typename T>
void CopyArray(void* array, std::span<const std::byte> numbers) {
  const T* const first = reinterpret_cast<const T*>(numbers.data());
  const auto copy = std::make_shared<std::vector<T>>(first, first + numbers.size() / sizeof(T));
  *static_cast<Array<T>*>(array) = Array<T>(*copy, copy);
}

template <typename T>
struct IsConstSpan : std::false_type {};
template <typename T>
struct IsConstSpan<std::span<const T>> : std::true_type {};
template <typename T>
struct IsArray : std::false_type {};
template <typename T>
struct IsArray<Array<T>> : std::true_type {};

// The type as which a T is stored: an Array<T> is a std::vector<T> that is read in place.
template <typename T>
struct StoredAs {
  using type = T;
};
template <typename T>
struct StoredAs<Array<T>> {
  using type = std::vector<T>;
};
template <typename T>
struct StoredAs<std::span<const T>> {
  using type = std::vector<T>;
};
template <>
struct StoredAs<std::string_view> {
  using type = std::string;
};
template <typename T>
using Stored = typename StoredAs<T>::type;

}  // namespace internal

namespace serialize {

// As a std::vector<T>, and read where it lies.
template <typename T>
inline constexpr ValueType kValueType<Array<T>> = {.name = TypeName<Array<T>>(),
                                                   .fingerprint = &Fingerprint<std::vector<T>>,
                                                   .element_bytes = sizeof(T),
                                                   .numbers = &internal::Numbers<Array<T>>,
                                                   .set_numbers = &troupe::internal::CopyArray<T>,
                                                   .view = &troupe::internal::ViewArray<T>};

}  // namespace serialize

// Memory in the object store that is written once and then sealed. Move-only; what is not sealed is
// given back.
template <typename T>
class Builder {
 public:
  static_assert(serialize::ArrayElement<T>,
                "a Builder makes arrays of numbers (bool is none): Put a std::vector<T> for other "
                "types");
  Builder(std::shared_ptr<worker::Session> session, worker::ValueSpace space, size_t count)
      : session_(std::move(session)),
        space_(std::make_unique<worker::ValueSpace>(std::move(space))),
        count_(count) {
    serialize::WriteArrayHeader<T>(space_->bytes(), count_);
  }
  Builder(Builder&& other) noexcept = default;
  Builder& operator=(Builder&&) = delete;
  ~Builder() {
    if (session_ != nullptr) session_->Abandon(std::move(*space_));
  }

  // Writable until Seal; its content is undefined at first. Small arrays are only 8-aligned. Throws
  // InvalidArgument after Seal: others read it where it lies. So nothing may write by what data()
  // or span() gave before, either; nobody but the writer would be the wiser.
  std::span<T> span() {
    if (session_ == nullptr) {
      internal::Throw(ErrorKind::kInvalidArgument,
                      "this Builder was sealed: what others read cannot be changed");
    }
    return {reinterpret_cast<T*>(space_->bytes().data() + serialize::kArrayDataAt), count_};
  }
  T* data() { return span().data(); }
  size_t size() const { return count_; }
  T& operator[](size_t i) { return span()[i]; }

  // Makes it immutable, and visible to others. Throws ResourceExhausted, Unavailable.
  // REQUIRES: it was not sealed before.
  ObjectRef<Array<T>> Seal() {
    if (session_ == nullptr)
      internal::Throw(ErrorKind::kInvalidArgument, "Seal: this Builder was sealed before");
    const std::shared_ptr<worker::Session> session = std::exchange(session_, nullptr);
    auto sealed = session->Seal(std::move(*space_), {});
    if (auto* error = std::get_if<ErrorInfo>(&sealed)) internal::Throw(std::move(*error));
    return ObjectRef<Array<T>>(
        internal::Handle(session, std::get<objectstore::HandleCount*>(sealed)));
  }

 private:
  std::shared_ptr<worker::Session> session_;
  std::unique_ptr<worker::ValueSpace> space_;  // so that spans stay valid when this is moved
  size_t count_;
};

// Memory for `count` elements, built in place. Throws ResourceExhausted where the store has no
// room.
template <typename T>
Builder<T> Create(size_t count) {
  std::shared_ptr<worker::Session> session = internal::CurrentSession();
  auto space = session->Reserve(serialize::ArrayBytes<T>(count));
  if (auto* error = std::get_if<ErrorInfo>(&space)) internal::Throw(std::move(*error));
  return Builder<T>(std::move(session), std::get<worker::ValueSpace>(std::move(space)), count);
}

}  // namespace troupe

#endif  // TROUPE_SDK_ARRAY_H_
