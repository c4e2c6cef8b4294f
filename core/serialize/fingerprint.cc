#include "core/serialize/fingerprint.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

namespace troupe::serialize::internal {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<uint64_t, std::string> texts;
};

Registry& TheRegistry() {
  static Registry* const registry = new Registry;  // values may be encoded while the process exits
  return *registry;
}

thread_local std::vector<std::string_view> types_being_described;

}  // namespace

uint64_t RegisterType(const std::string& structure, std::string_view name) {
  // FNV-1a, then mixed: few bits differ between short structures.
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : structure) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash ^= hash >> 32;
  hash *= 0x9E3779B97F4A7C15;
  hash ^= hash >> 29;
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  // For people: deeply nested structures are cut.
  constexpr size_t kMostShown = 400;
  std::string text = ReadableName(name);
  if (const std::string shown = ReadableName(structure); shown != text) {
    text += ' ';
    text += shown.size() <= kMostShown ? shown : shown.substr(0, kMostShown) + "...";
  }
  registry.texts.emplace(hash, std::move(text));
  return hash;
}

std::string TextOf(uint64_t fingerprint) {
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  const auto it = registry.texts.find(fingerprint);
  return it == registry.texts.end() ? "" : it->second;
}

bool BeginType(std::string_view name) {
  auto& types = types_being_described;
  if (std::find(types.begin(), types.end(), name) != types.end()) return false;
  types.push_back(name);
  return true;
}

void EndType() { types_being_described.pop_back(); }

}  // namespace troupe::serialize::internal
