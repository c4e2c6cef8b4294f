#include "sdk/function_registry.h"

#include "absl/strings/str_cat.h"
#include "worker/code_reference.h"

namespace troupe {
namespace {

struct PackedFunction {
  std::string build_id;
  uint64_t entry = 0;
  std::string name;
  std::string callable;
  std::string signature;
  std::vector<std::string> bound;
};

}  // namespace

std::shared_ptr<const worker::NamedFunction> FunctionRegistry::Find(std::string_view name) const {
  auto function = functions_.Find(name);
  if (function == nullptr) internal::Throw(functions_.UnknownError(name));
  return function;
}

std::string FunctionRegistry::Pack(std::string_view name, const std::string& parameters,
                                   std::vector<std::string> arguments) const {
  const auto function = Find(name);
  const std::string& signature = function->signature;
  const size_t begin = signature.size() - std::min(signature.size(), parameters.size());
  if (signature.compare(begin, std::string::npos, parameters) != 0) {
    internal::Throw(ErrorKind::kTypeMismatch,
                    absl::StrCat("\"", ToAbsl(name), "\" is registered as ", signature,
                                 " and was called with ", parameters));
  }
  internal::PackedCall call;
  call.function = std::string(name);
  call.signature = signature;
  call.arguments = std::move(arguments);
  return internal::PackCall(std::move(call));
}

std::string FunctionRegistry::PackFunction(std::string_view name) const {
  const auto function = Find(name);
  if (function->entry == nullptr)
    internal::Throw(ErrorKind::kNotSerializable, "a method of a class that cannot travel");
  const PackedFunction packed{
      worker::BuildId(),   internal::OffsetOrThrow(reinterpret_cast<const void*>(function->entry)),
      std::string(name),   function->callable,
      function->signature, function->bound};
  const std::string body = internal::EncodeDetached(packed);
  serialize::PackWriter writer(serialize::PackKind::kFunction, name, body.size());
  std::memcpy(writer.body().data(), body.data(), body.size());
  return std::move(writer).Finish();
}

std::string FunctionRegistry::Load(std::string_view packed_function) {
  const auto view = serialize::OpenPacked(packed_function, serialize::PackKind::kFunction);
  if (!view.ok())
    internal::Throw(ErrorKind::kInvalidArgument, std::string(ToStd(view.status().message())));
  PackedFunction packed = internal::ValueOrThrow(internal::DecodeDetached<PackedFunction>(
      std::string(reinterpret_cast<const char*>(view->body.data()), view->body.size())));
  if (packed.build_id != worker::BuildId()) {
    internal::Throw(ErrorKind::kBuildMismatch,
                    absl::StrCat("the function \"", packed.name,
                                 "\" was packed by another build: register it there"));
  }
  worker::NamedFunction function;
  function.entry = reinterpret_cast<worker::TaskEntry>(internal::AddressOrThrow(packed.entry));
  function.callable = std::move(packed.callable);
  function.signature = std::move(packed.signature);
  function.bound = std::move(packed.bound);
  functions_.Add(packed.name, std::move(function));
  return packed.name;
}

}  // namespace troupe
