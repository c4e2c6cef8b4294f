// Arguments that are views: what keeps them while the function runs. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_KEPT_H_
#define TROUPE_SDK_INTERNAL_KEPT_H_

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/serialize/serialize.h"
#include "sdk/array.h"
#include "sdk/internal/value.h"

namespace troupe::internal {

// The characters of a stored std::string, and what they lie in.
class Text {
 public:
  Text() = default;
  Text(std::string_view view, std::shared_ptr<const void> owner, Handle handle)
      : view_(view), owner_(std::move(owner)), handle_(std::move(handle)) {}
  std::string_view view() const { return view_; }

 private:
  std::string_view view_;
  std::shared_ptr<const void> owner_;
  Handle handle_;
};

// As what a parameter is kept: a span as the Array that pins its object, a std::string_view as
// Text.
template <typename T>
struct KeptAs {
  using type = T;
};
template <typename T>
struct KeptAs<std::span<const T>> {
  using type = Array<T>;
};
template <>
struct KeptAs<std::string_view> {
  using type = Text;
};

template <typename T>
std::span<const T> ViewOf(const Array<T>& array) {
  return array.span();
}
inline std::string_view ViewOf(const Text& text) { return text.view(); }

// REQUIRES: the bytes of an inline value stay while the function runs.
std::optional<ErrorInfo> DecodeText(const worker::ValueBytes& value, Handle handle, Text* text);
template <typename Kept>
std::optional<ErrorInfo> DecodeKept(const std::shared_ptr<worker::Session>& session,
                                    const worker::ValueBytes& value, Handle handle, Kept* kept) {
  if constexpr (std::is_same_v<Kept, Text>) {
    return DecodeText(value, std::move(handle), kept);
  } else {
    return Decode(session, value, handle.id(), TypeOf<Kept>(), std::addressof(*kept));
  }
}

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_KEPT_H_
