// What std::shared_ptr points to travels once, however many name it, in circles too.
//
// The writer numbers the objects as it meets them; what one holds follows its first number. The
// reader makes an object with its number, so that what it holds may name it. Numbers can be
// damaged: one that names an object of another type is an error, as is one that names none. A
// pointer to a base class of the object is given, as in the value that was written.
//
// Circles of std::shared_ptr free themselves of nothing: whoever holds such a value takes it apart,
// and SharedObjects::Empty does where a value could not be read to its end.
#ifndef TROUPE_CORE_SERIALIZE_SHARED_OBJECTS_H_
#define TROUPE_CORE_SERIALIZE_SHARED_OBJECTS_H_

#include <cstdint>
#include <memory>
#include <type_traits>
#include <typeinfo>

namespace troupe::serialize {

class InputArchive;

// Set in the number of an object that is met for the first time; 0 is a null pointer's.
inline constexpr uint32_t kNewObject = 0x8000'0000;

// The writer's half.
class SharedIds {
 public:
  SharedIds();
  ~SharedIds();

  template <typename T>
  uint32_t IdOf(const std::shared_ptr<T>& object) {
    if (object == nullptr) return 0;
    // Not by its address alone, which its first field has, too.
    const auto& target = *object;
    if constexpr (std::is_polymorphic_v<T>) {
      return IdOf(object, dynamic_cast<const void*>(&target), typeid(target));
    } else {
      return IdOf(object, &target, typeid(T));
    }
  }

 private:
  struct State;

  uint32_t IdOf(std::shared_ptr<const void> object, const void* address,
                const std::type_info& type);

  std::unique_ptr<State> state_;  // null until there is an object
};

// An object that is read.
struct SharedObject {
  std::shared_ptr<void> object;
  const std::type_info* type;  // of the pointer by which it was met
  // Throws a pointer to it, of its own class: whoever catches one to a base class gets that.
  void (*throw_pointer)(void* object);
  // Reads into it once more; null where that cannot be.
  void (*read)(InputArchive& archive, void* object);
};

// The reader's half.
class SharedObjects {
 public:
  SharedObjects();
  ~SharedObjects();

  // Throws ArchiveError where the number is taken.
  void Add(uint32_t id, SharedObject object);
  // Null for the number 0. Throws ArchiveError where there is none, or one of another type.
  template <typename T>
  std::shared_ptr<T> Find(uint32_t id) const {
    if (id == 0) return nullptr;
    const SharedObject& found = At(id);
    if (*found.type == typeid(T)) return std::static_pointer_cast<T>(found.object);
    try {
      found.throw_pointer(found.object.get());
    } catch (T* pointer) {
      return std::shared_ptr<T>(found.object, pointer);
    } catch (...) {
    }
    ThrowOtherType();
  }
  // Reads all of them from an archive that has nothing but zeros: they point to nobody any more.
  void Empty(InputArchive& zeros);

 private:
  struct State;

  const SharedObject& At(uint32_t id) const;
  [[noreturn]] static void ThrowOtherType();

  std::unique_ptr<State> state_;  // null until there is an object
};

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_SHARED_OBJECTS_H_
