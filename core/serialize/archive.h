// The two archives between values and bytes. They are cereal archives: classes that cereal can
// serialize need no change.
//
// Native byte order; sizes as 64 bits; large contiguous data is aligned to 64 bytes from the
// value's start. An output archive without memory measures only: nothing is copied. An input
// archive never reads outside its bytes, makes no more elements than it has bytes, takes no more
// memory for elements that are still to be read than it has bytes, and gives up at kMaxDepth
// levels. Errors: exceptions (ArchiveError), as cereal has them; serialize.h turns them into a
// Status.
#ifndef TROUPE_CORE_SERIALIZE_ARCHIVE_H_
#define TROUPE_CORE_SERIALIZE_ARCHIVE_H_

#include <algorithm>
#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/queue.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/stack.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <cstring>
#include <deque>
#include <forward_list>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/base/limits.h"
#include "core/serialize/cereal_memory.h"
#include "core/serialize/copy_bytes.h"
#include "core/serialize/shared_objects.h"
#include "core/serialize/traits.h"
#include "core/serialize/value_path.h"

namespace troupe::serialize {

struct ArchiveError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr int kMaxDepth = 2000;
inline constexpr size_t kAlignBytes = 64;  // of data that is at least that long

constexpr size_t PaddingAt(size_t offset, size_t size) {
  return size < kAlignBytes ? 0 : (kAlignBytes - offset % kAlignBytes) % kAlignBytes;
}

inline void CheckDepth(int levels) {
  if (levels > kMaxDepth)
    throw ArchiveError("it is nested more than " + std::to_string(kMaxDepth) + " levels deep");
}

class OutputArchive : public cereal::OutputArchive<OutputArchive> {
 public:
  // Empty `out`: measures. `refs` may be null while measuring. `own_levels`: ValueType's.
  OutputArchive(std::span<std::byte> out, size_t offset, std::vector<ObjectId>* refs,
                int own_levels = 0)
      : cereal::OutputArchive<OutputArchive>(this),
        out_(out),
        offset_(offset),
        refs_(refs),
        own_levels_(own_levels) {}

  void Write(const void* data, size_t size) {
    const size_t padding = PaddingAt(offset_, size);
    if (!out_.empty()) {
      if (size + padding > out_.size() - offset_)
        throw ArchiveError("the value grew while it was being written");
      std::memset(out_.data() + offset_, 0, padding);
      CopyBytes(out_.data() + offset_ + padding, data, size);
    }
    offset_ += padding + size;
  }
  void WriteRef(ObjectId id) {
    if (refs_ != nullptr) refs_->push_back(id);
    const uint32_t index = ref_count_++;
    Write(&index, sizeof(index));
  }
  // Around each part of the value. One that writes nothing gets a byte, so that a count of elements
  // is bounded by the bytes.
  template <typename T>
  void Enter() {
    path_.Enter<T>();
    CheckDepth(path_.depth() - own_levels_);
    entered_at_ = offset_;
  }
  void Leave() {
    if (offset_ == entered_at_) {  // an inner part that was entered since has moved it
      const std::byte nothing{};
      Write(&nothing, 1);
    }
    path_.Leave();
  }
  ValuePath& path() { return path_; }
  // cereal's name, and its meaning.
  template <typename T>
  uint32_t registerSharedPointer(const std::shared_ptr<T>& object) {  // NOLINT
    return shared_.IdOf(object);
  }

  size_t offset() const { return offset_; }
  uint32_t ref_count() const { return ref_count_; }

 private:
  std::span<std::byte> out_;
  size_t offset_;
  size_t entered_at_ = 0;  // where the part begins that was entered last
  std::vector<ObjectId>* refs_;
  int own_levels_;
  uint32_t ref_count_ = 0;
  ValuePath path_;
  SharedIds shared_;
};

class InputArchive : public cereal::InputArchive<InputArchive> {
 public:
  InputArchive(std::span<const std::byte> in, size_t offset, std::span<const ObjectId> refs,
               int own_levels = 0)
      : cereal::InputArchive<InputArchive>(this),
        in_(in),
        offset_(offset),
        refs_(refs),
        own_levels_(own_levels) {}

  void Read(void* data, size_t size) {
    if (zeros_) {
      if (size > 0) std::memset(data, 0, size);
      return;
    }
    const size_t padding = PaddingAt(offset_, size);
    if (padding > remaining() || size > remaining() - padding)
      throw ArchiveError("its bytes end too early");
    if (size > 0) std::memcpy(data, in_.data() + offset_ + padding, size);
    offset_ += padding + size;
  }
  ObjectId ReadRef() {
    uint32_t index = 0;
    Read(&index, sizeof(index));
    if (index >= refs_.size()) throw ArchiveError("it names a reference that it does not hold");
    return refs_[index];
  }
  // A count of elements, each of which takes at least a byte that is no other element's: all counts
  // together are bounded too, or each level of a nested value could claim all bytes again.
  void CheckCount(uint64_t count) {
    if (count > remaining() || count > in_.size() - elements_)
      throw ArchiveError("it claims more elements than it has bytes");
    elements_ += static_cast<size_t>(count);
  }
  // For how many of `count` elements, of so many bytes in memory, there may be room before they are
  // read. What is large in memory can be small in bytes, and a count is only a claim.
  size_t RoomFor(size_t count, size_t element_bytes) {
    const size_t room = std::min(count, (in_.size() - room_bytes_) / element_bytes);
    room_bytes_ += room * element_bytes;
    return room;
  }
  // Around each part of the value: as OutputArchive has them.
  template <typename T>
  void Enter() {
    path_.Enter<T>();
    CheckDepth(path_.depth() - own_levels_);
    entered_at_ = offset_;
  }
  void Leave() {
    if (offset_ == entered_at_) {
      std::byte nothing{};
      Read(&nothing, 1);
    }
    path_.Leave();
  }
  ValuePath& path() { return path_; }

  // cereal's name, and its meaning.
  template <typename T>
  void registerSharedPointer(uint32_t id, const std::shared_ptr<T>& object) {  // NOLINT
    void (*read)(InputArchive&, void*) = nullptr;
    if constexpr (!cereal::traits::has_load_and_construct<T, InputArchive>::value)
      read = [](InputArchive& archive, void* at) { archive(*static_cast<T*>(at)); };
    shared_.Add(id, {object, &typeid(T), [](void* at) { throw static_cast<T*>(at); }, read});
  }
  SharedObjects& shared() { return shared_; }
  // After an error: what was shared is made empty, since what points to itself would stay for ever.
  void EmptyShared() {
    zeros_ = true;
    path_.Clear();
    shared_.Empty(*this);
  }
  // False where there are zeros alone, and no references.
  bool has_references() const { return !zeros_; }

  size_t remaining() const { return in_.size() - offset_; }
  size_t offset() const { return offset_; }
  // To an earlier offset(): the bytes behind it are read again.
  void Rewind(size_t offset) { offset_ = offset; }

 private:
  std::span<const std::byte> in_;
  size_t offset_;
  size_t entered_at_ = 0;
  std::span<const ObjectId> refs_;
  int own_levels_;
  size_t elements_ = 0;
  size_t room_bytes_ = 0;  // given by RoomFor, at most as many as there are bytes
  ValuePath path_;
  bool zeros_ = false;  // whatever is read
  SharedObjects shared_;
};

// --- What cereal asks of an archive.

template <typename T>
requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const T& value) {
  archive.Write(std::addressof(value), sizeof(value));
}
template <typename T>
requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    uint8_t byte = 0;  // any other byte in a bool would be undefined behaviour
    archive.Read(&byte, 1);
    value = byte != 0;
  } else {
    archive.Read(std::addressof(value), sizeof(value));
  }
}

template <typename T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const cereal::BinaryData<T>& data) {
  archive.Write(data.data, static_cast<size_t>(data.size));
}
template <typename T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, cereal::BinaryData<T>& data) {
  archive.Read(data.data, static_cast<size_t>(data.size));
}

template <typename T>
void CEREAL_SERIALIZE_FUNCTION_NAME(OutputArchive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <typename T>
void CEREAL_SERIALIZE_FUNCTION_NAME(InputArchive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}

template <typename T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const cereal::SizeTag<T>& tag) {
  const uint64_t size = tag.size;
  archive.Write(&size, sizeof(size));
}
template <typename T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, cereal::SizeTag<T>& tag) {
  uint64_t size = 0;
  archive.Read(&size, sizeof(size));
  archive.CheckCount(size);
  tag.size = static_cast<std::remove_reference_t<T>>(size);
}

// Before and after each part. NOLINTBEGIN(readability-identifier-naming): cereal's names
template <typename Archive>
concept OurArchive =
    std::is_same_v<Archive, OutputArchive> || std::is_same_v<Archive, InputArchive>;

template <OurArchive Archive, typename T>
void prologue(Archive& archive, const T&) {
  if constexpr (std::is_arithmetic_v<T>) {
    archive.path().Pass();
  } else {
    archive.template Enter<T>();
  }
}
template <OurArchive Archive, typename T>
void epilogue(Archive& archive, const T&) {
  if constexpr (!std::is_arithmetic_v<T>) archive.Leave();
}
// These are no parts of it.
template <OurArchive Archive, typename T>
void prologue(Archive& archive, const cereal::NameValuePair<T>& pair) {
  archive.path().NameNext(pair.name);
}
template <OurArchive Archive, typename T>
void epilogue(Archive&, const cereal::NameValuePair<T>&) {}
template <OurArchive Archive, typename T>
void prologue(Archive&, const cereal::SizeTag<T>&) {}
template <OurArchive Archive, typename T>
void epilogue(Archive&, const cereal::SizeTag<T>&) {}
template <OurArchive Archive, typename T>
void prologue(Archive&, const cereal::BinaryData<T>&) {}
template <OurArchive Archive, typename T>
void epilogue(Archive&, const cereal::BinaryData<T>&) {}
// NOLINTEND

// --- Polymorphic types: registered by a name, per base class.

// A class that is used through pointers to it, and whose derived classes are registered.
template <typename T>
concept PolymorphicBase = std::is_polymorphic_v<T> && !std::is_const_v<T>;

namespace internal {

template <typename Base>
class DerivedClasses {
 public:
  struct Class {
    std::string name;
    const std::type_info* type;
    void (*save)(OutputArchive& archive, const Base& object);
    std::unique_ptr<Base> (*make)();
    void (*load)(InputArchive& archive, void* object);  // a Base
    void (*throw_pointer)(void* object);                // SharedObject's
  };
  static DerivedClasses& Get() {
    static auto* const classes = new DerivedClasses;
    return *classes;
  }
  void Add(Class added) {
    const std::lock_guard<std::mutex> lock(mutex_);
    classes_.push_back(std::move(added));
  }
  // Null where there is none.
  template <typename Predicate>
  const Class* Find(Predicate predicate) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = std::find_if(classes_.begin(), classes_.end(), predicate);
    return it == classes_.end() ? nullptr : &*it;
  }

 private:
  std::mutex mutex_;
  std::deque<Class> classes_;  // stay where they are
};

// Of what is known as a Base.
template <typename Base, typename Derived>
Derived* DerivedAt(void* object) {
  return static_cast<Derived*>(static_cast<Base*>(object));
}
template <typename Base, typename Derived>
typename DerivedClasses<Base>::Class ClassOf(std::string name) {
  return {std::move(name),
          &typeid(Derived),
          [](OutputArchive& archive, const Base& object) {
            archive(static_cast<const Derived&>(object));
          },
          []() { return std::unique_ptr<Base>(cereal::access::construct<Derived>()); },
          [](InputArchive& archive, void* object) { archive(*DerivedAt<Base, Derived>(object)); },
          [](void* object) { throw DerivedAt<Base, Derived>(object); }};
}

std::string PolymorphicError(const std::type_info& base, const std::string& derived);

template <typename Base>
void SavePolymorphic(OutputArchive& archive, const Base* object) {
  std::string name;
  if (object == nullptr) {
    archive(name);
    return;
  }
  const auto* found = DerivedClasses<Base>::Get().Find(
      [&](const auto& known) { return *known.type == typeid(*object); });
  if (found == nullptr) {
    // The base itself needs no registration, if there are objects of it.
    if constexpr (!std::is_abstract_v<Base>) {
      if (typeid(*object) == typeid(Base)) {
        name = "=";
        archive(name, *object);
        return;
      }
    }
    throw ArchiveError(PolymorphicError(typeid(Base), typeid(*object).name()));
  }
  archive(found->name);
  found->save(archive, *object);
}

// The class whose name comes next; null where it is that of a null pointer. Throws ArchiveError
// where it is no class's.
template <typename Base>
const typename DerivedClasses<Base>::Class* LoadClass(InputArchive& archive) {
  std::string name;
  archive(name);
  if (name.empty()) return nullptr;
  if constexpr (!std::is_abstract_v<Base> && DefaultConstructible<Base>) {
    static const auto base = ClassOf<Base, Base>("=");
    if (name == base.name) return &base;
  }
  const auto* found =
      DerivedClasses<Base>::Get().Find([&](const auto& known) { return known.name == name; });
  if (found == nullptr) throw ArchiveError(PolymorphicError(typeid(Base), name));
  return found;
}

}  // namespace internal

// Lets pointers to Base travel that point to a Derived. Names are unique within a Base. To be
// called at namespace scope:
//   const bool registered = RegisterDerived<Shape, Circle>("Circle");
// CEREAL_REGISTER_TYPE is for cereal's own archives and does nothing here: a class that has it
// needs this line besides, and keeps its serialize as it is.
template <typename Base, typename Derived>
bool RegisterDerived(std::string name) {
  static_assert(std::is_polymorphic_v<Base> && std::is_base_of_v<Base, Derived>,
                "RegisterDerived<Base, Derived>: Derived derives from Base, which is polymorphic");
  static_assert(internal::DefaultConstructible<Derived>,
                "a type that travels needs a default constructor: the receiver makes one and fills "
                "it");
  internal::DerivedClasses<Base>::Get().Add(internal::ClassOf<Base, Derived>(std::move(name)));
  return true;
}

// --- What cereal gets wrong: it reads elements of equal keys in reverse.

template <typename K, typename V, typename C, typename A>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::multimap<K, V, C, A>& map) {
  cereal::size_type size = 0;
  archive(cereal::make_size_tag(size));
  map.clear();
  for (; size > 0; --size) {
    K key{};
    V value{};
    archive(cereal::make_map_item(key, value));
    map.emplace_hint(map.end(), std::move(key), std::move(value));
  }
}
template <typename K, typename C, typename A>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::multiset<K, C, A>& set) {
  cereal::size_type size = 0;
  archive(cereal::make_size_tag(size));
  set.clear();
  for (; size > 0; --size) {
    K key{};
    archive(key);
    set.emplace_hint(set.end(), std::move(key));
  }
}

// --- And it writes a byte of an array that has none.

template <typename T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive&, const std::array<T, 0>&) {}
template <typename T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive&, std::array<T, 0>&) {}

// --- And it makes all elements before it reads the first.

template <typename T, typename A>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::vector<T, A>& vector) {
  cereal::size_type size = 0;
  archive(cereal::make_size_tag(size));
  const auto count = static_cast<size_t>(size);
  vector.clear();
  if constexpr (std::is_arithmetic_v<T>) {
    if (count > archive.remaining() / sizeof(T)) throw ArchiveError("its bytes end too early");
    vector.resize(count);
    archive(cereal::binary_data(vector.data(), count * sizeof(T)));
  } else {
    vector.reserve(archive.RoomFor(count, sizeof(T)));
    while (vector.size() < count) {
      if (vector.size() == vector.capacity())
        vector.reserve(std::min(count, std::max(size_t{1}, 2 * vector.size())));
      archive(vector.emplace_back());
    }
  }
}
// One bit in memory, one byte here.
template <typename A>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::vector<bool, A>& vector) {
  cereal::size_type size = 0;
  archive(cereal::make_size_tag(size));
  vector.resize(static_cast<size_t>(size));
  for (auto&& bit : vector) {
    bool value = false;
    archive(value);
    bit = value;
  }
}

namespace internal {

template <typename C>
void LoadOneByOne(InputArchive& archive, C& container) {
  cereal::size_type size = 0;
  archive(cereal::make_size_tag(size));
  container.clear();
  for (; size > 0; --size) archive(container.emplace_back());
}

}  // namespace internal

template <typename T, typename A>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::deque<T, A>& deque) {
  internal::LoadOneByOne(archive, deque);
}
template <typename T, typename A>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::list<T, A>& list) {
  internal::LoadOneByOne(archive, list);
}
template <typename T, typename A>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::forward_list<T, A>& list) {
  cereal::size_type size = 0;
  archive(cereal::make_size_tag(size));
  list.clear();
  for (auto last = list.before_begin(); size > 0; --size) {
    last = list.emplace_after(last);
    archive(*last);
  }
}

// --- What we add: references, polymorphic pointers, and aggregates.

template <Reference T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const T& value) {
  archive.WriteRef(RefTraits<T>::Id(value));
}
template <Reference T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, T& value) {
  if (archive.has_references()) value = RefTraits<T>::Make(archive.ReadRef());
}

// What a pointer to a base class points to travels by the name under which it is registered.
template <PolymorphicBase T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const std::unique_ptr<T>& pointer) {
  internal::SavePolymorphic<T>(archive, pointer.get());
}
template <PolymorphicBase T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::unique_ptr<T>& pointer) {
  pointer = nullptr;
  if (const auto* its_class = internal::LoadClass<T>(archive)) {
    pointer = its_class->make();
    its_class->load(archive, pointer.get());
  }
}
template <PolymorphicBase T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const std::shared_ptr<T>& pointer) {
  const uint32_t id = archive.registerSharedPointer(pointer);
  archive(id);
  if ((id & kNewObject) != 0) internal::SavePolymorphic<T>(archive, pointer.get());
}
template <PolymorphicBase T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::shared_ptr<T>& pointer) {
  uint32_t id = 0;
  archive(id);
  if ((id & kNewObject) == 0) {
    pointer = archive.shared().Find<T>(id);
    return;
  }
  pointer = nullptr;
  if (const auto* its_class = internal::LoadClass<T>(archive)) {
    pointer = its_class->make();
    archive.shared().Add(id, {pointer, &typeid(T), its_class->throw_pointer, its_class->load});
    its_class->load(archive, pointer.get());
  }
}

// cereal would take any object of that number for a T.
template <typename T>
requires(!std::is_polymorphic_v<T>) void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive,
                                                                   std::shared_ptr<T>& pointer) {
  const size_t begin = archive.offset();
  uint32_t id = 0;
  archive(id);
  if ((id & kNewObject) == 0) {
    pointer = archive.shared().Find<T>(id);
  } else {
    archive.Rewind(begin);
    archive(cereal::memory_detail::make_ptr_wrapper(pointer));
  }
}

// It travels as a std::shared_ptr does, which keeps the object until the whole value is read.
template <typename T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const std::weak_ptr<T>& pointer) {
  archive(pointer.lock());
}
template <typename T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::weak_ptr<T>& pointer) {
  std::shared_ptr<T> object;
  archive(object);
  pointer = object;
}

template <typename T>
concept PlainAggregate =
    std::is_class_v<T> && std::is_aggregate_v<T> && !Reference<T> &&
    !internal::IsStdArray<std::remove_cv_t<T>>::value && !std::is_same_v<T, std::monostate> &&
    !internal::HasMemberFunctions<T> && !internal::HasFreeSave<T> && !internal::HasOwnSerialize<T>;

// Found through the archive's namespace. A type's own function is more specialised, and wins.
template <OurArchive Archive, typename T>
requires PlainAggregate<T>
void CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive, T& value) {
  if constexpr (FieldCount<T>() > 0)
    std::apply([&](auto&... field) { archive(field...); }, Fields(value));
}

}  // namespace troupe::serialize

CEREAL_SETUP_ARCHIVE_TRAITS(troupe::serialize::InputArchive, troupe::serialize::OutputArchive)

#endif  // TROUPE_CORE_SERIALIZE_ARCHIVE_H_
