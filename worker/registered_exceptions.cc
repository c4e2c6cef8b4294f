#include "worker/registered_exceptions.h"

#include <cxxabi.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "core/base/limits.h"

namespace troupe::worker {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, ExceptionCodec> codecs;
};

Registry& TheRegistry() {
  static auto* const registry = new Registry;  // tasks may fail while the process exits
  return *registry;
}

const ExceptionCodec* Find(const std::string& type_name) {
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  const auto it = registry.codecs.find(type_name);
  return it == registry.codecs.end() ? nullptr : &it->second;  // entries never go
}

}  // namespace

std::string DemangledTypeName(const std::type_info& type) {
  int status = 0;
  char* text = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string name = status == 0 && text != nullptr ? text : type.name();
  std::free(text);
  return name;
}

void RegisterException(const std::type_info& type, ExceptionCodec codec) {
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  registry.codecs.emplace(DemangledTypeName(type), std::move(codec));
}

std::string EncodeRegistered(const std::string& type_name, const std::exception& exception) {
  const ExceptionCodec* codec = Find(type_name);
  if (codec == nullptr) return {};
  std::string payload = codec->encode(exception);
  if (payload.size() > Limits::kMaxInlineValueBytes) payload.clear();
  return payload;
}

void RethrowRegistered(const std::string& type_name, std::string_view payload) {
  if (const ExceptionCodec* codec = Find(type_name)) codec->rethrow(payload);
}

}  // namespace troupe::worker
