// ValuePath is where in a value an archive is, so that an error can say which part of the value it
// is about:
//
//   at .2[16].key (Shape)      of what is the second field: its element 16, whose key is a Shape
//
// Fields and members are named as cereal's CEREAL_NVP names them, else numbered from 1; elements
// are numbered from 0; what is behind a pointer, or in a std::optional or std::variant, is where
// that is. Numbers and the like are not entered. Not thread-safe.
#ifndef TROUPE_CORE_SERIALIZE_VALUE_PATH_H_
#define TROUPE_CORE_SERIALIZE_VALUE_PATH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/serialize/type_name.h"

namespace troupe::serialize {

class ValuePath {
 public:
  template <typename T>
  void Enter() {
    Frame& around = Top();
    ++depth_;
    Frame& entered = Top();
    // At and beyond the end of the frames, both are one.
    entered = {&kPlace<T>, around.next_name, ++around.parts, 0, nullptr};
    around.next_name = nullptr;
  }
  void Leave() { --depth_; }
  // A part that is not entered.
  void Pass() {
    ++Top().parts;
    Top().next_name = nullptr;
  }
  // Of the next part. `name` lives as long as the program, or is used before it goes.
  void NameNext(const char* name) { Top().next_name = name; }
  void Clear() { depth_ = 0; }

  int depth() const { return depth_; }
  // "at .2[16].key (Shape): " and `what`; `what` alone of the value itself.
  std::string Before(std::string_view what) const;

 private:
  enum class Parts : uint8_t { kFields, kElements, kOne };
  // What is known of a type.
  struct Place {
    std::string_view type;
    Parts parts;
  };
  struct Frame {
    const Place* place;
    const char* name;  // null: it has a number
    uint32_t number;   // in what is around it, from 1
    uint32_t parts;    // that were entered or passed
    const char* next_name;
  };
  static constexpr int kFrames = 32;  // the outermost ones; the last is that of all further ones

  template <typename T>
  struct HoldsOne : std::false_type {};
  template <typename T>
  struct HoldsOne<std::optional<T>> : std::true_type {};
  template <typename... T>
  struct HoldsOne<std::variant<T...>> : std::true_type {};
  template <typename T, typename D>
  struct HoldsOne<std::unique_ptr<T, D>> : std::true_type {};
  template <typename T>
  struct HoldsOne<std::shared_ptr<T>> : std::true_type {};
  template <typename T>
  struct HoldsOne<std::weak_ptr<T>> : std::true_type {};

  template <typename T>
  static constexpr Parts PartsOf() {
    // What cereal has between a container and its elements, or a pointer and its pointee.
    constexpr std::string_view name = TypeName<T>();
    constexpr bool of_cereal = name.starts_with("cereal::");
    if (name.starts_with("cereal::MapItem<")) return Parts::kFields;
    if (HoldsOne<T>::value || of_cereal) return Parts::kOne;
    return requires { typename T::value_type; }
    ? Parts::kElements : Parts::kFields;
  }
  template <typename T>
  static constexpr Place kPlace = {TypeName<T>(), PartsOf<T>()};

  Frame& Top() { return frames_[static_cast<size_t>(depth_ < kFrames ? depth_ : kFrames)]; }

  // Those up to depth_ are set, but for the first, which stands around the value.
  std::array<Frame, kFrames + 1> frames_;
  int depth_ = 0;
};

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_VALUE_PATH_H_
