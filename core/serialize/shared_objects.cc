#include "core/serialize/shared_objects.h"

#include <cxxabi.h>

#include <map>
#include <typeindex>
#include <unordered_map>
#include <utility>

#include "core/serialize/archive.h"

namespace troupe::serialize {

struct SharedIds::State {
  struct Numbered {
    uint32_t id;
    std::shared_ptr<const void> object;  // lives on, or its address would be another's
  };
  std::map<std::pair<const void*, std::type_index>, Numbered> objects;
};

SharedIds::SharedIds() = default;
SharedIds::~SharedIds() = default;

uint32_t SharedIds::IdOf(std::shared_ptr<const void> object, const void* address,
                         const std::type_info& type) {
  if (state_ == nullptr) state_ = std::make_unique<State>();
  const auto next = static_cast<uint32_t>(state_->objects.size()) + 1;
  const auto [it, is_new] = state_->objects.try_emplace({address, std::type_index(type)});
  if (!is_new) return it->second.id;
  if ((next & kNewObject) != 0) throw ArchiveError("it shares more than 2^31 objects");
  it->second = {next, std::move(object)};
  return next | kNewObject;
}

struct SharedObjects::State {
  std::unordered_map<uint32_t, SharedObject> objects;
};

SharedObjects::SharedObjects() = default;
SharedObjects::~SharedObjects() = default;

void SharedObjects::Add(uint32_t id, SharedObject object) {
  if (state_ == nullptr) state_ = std::make_unique<State>();
  if (!state_->objects.try_emplace(id & ~kNewObject, std::move(object)).second)
    throw ArchiveError("it has two objects of one number");
}

const SharedObject& SharedObjects::At(uint32_t id) const {
  if (state_ != nullptr) {
    if (const auto it = state_->objects.find(id); it != state_->objects.end()) return it->second;
  }
  throw ArchiveError("it names a shared object that it does not hold");
}

void SharedObjects::ThrowOtherType() {
  throw ArchiveError("it names a shared object of another type");
}

void SharedObjects::Empty(InputArchive& zeros) {
  if (state_ == nullptr) return;
  for (auto& [id, shared] : state_->objects) {
    if (shared.read == nullptr) continue;
    try {
      shared.read(zeros, shared.object.get());
    } catch (const abi::__forced_unwind&) {  // the thread is ended
      throw;
    } catch (...) {
      // A class that takes no zeros keeps what it holds; the value's own error is told in any case.
    }
  }
}

}  // namespace troupe::serialize
