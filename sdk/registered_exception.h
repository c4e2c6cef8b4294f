// RegisterException<E>() lets exceptions of type E that a task throws arrive as what they are.
//
//   class NoSuchUser : public std::runtime_error {
//    public:
//     using std::runtime_error::runtime_error;
//   };
//   const bool registered = troupe::RegisterException<NoSuchUser>();   // at namespace scope
//   ...
//   try { troupe::Get(ref); } catch (const NoSuchUser& e) { ... }
//
// At namespace scope, since workers never reach main. E has a constructor from a std::string, which
// gets the message, or can travel as a value and has a default constructor: then its fields come
// with it. Without registration, it arrives as a TaskError that names its type. TryGet gives the
// same Status for both.   Thread-safe.
#ifndef TROUPE_SDK_REGISTERED_EXCEPTION_H_
#define TROUPE_SDK_REGISTERED_EXCEPTION_H_

#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "core/serialize/serialize.h"
#include "worker/registered_exceptions.h"

namespace troupe {

template <typename E>
bool RegisterException() {
  static_assert(std::is_base_of_v<std::exception, E>,
                "a registered exception is a class derived from std::exception");
  constexpr bool as_value = serialize::kSerializable<E> && std::is_default_constructible_v<E>;
  static_assert(as_value || std::is_constructible_v<E, std::string>,
                "a registered exception needs a constructor from its message, a std::string, or a "
                "default constructor and a serialize function");
  worker::ExceptionCodec codec;
  if constexpr (as_value) {
    codec.encode = [](const std::exception& exception) -> std::string {
      const E& e = static_cast<const E&>(exception);
      const auto size = serialize::Measure(e);
      std::string payload(size.ok() ? size->bytes : 0, '\0');
      std::vector<ObjectId> refs;
      const auto bytes = std::as_writable_bytes(std::span(payload.data(), payload.size()));
      if (!size.ok() || size->refs > 0 || !serialize::EncodeTo(e, bytes, &refs).ok()) return {};
      return payload;
    };
    codec.rethrow = [](std::string_view payload) {
      auto e = serialize::Decode<E>(std::as_bytes(std::span(payload.data(), payload.size())), {});
      if (e.ok()) throw E(*std::move(e));
    };
  } else {
    // A mark, since an empty payload is none.
    codec.encode = [](const std::exception& exception) {
      return std::string("m") + exception.what();
    };
    codec.rethrow = [](std::string_view payload) { throw E(std::string(payload.substr(1))); };
  }
  worker::RegisterException(typeid(E), std::move(codec));
  return true;
}

}  // namespace troupe

#endif  // TROUPE_SDK_REGISTERED_EXCEPTION_H_
