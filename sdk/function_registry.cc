#include "sdk/function_registry.h"

#include <span>

#include "absl/strings/str_cat.h"
#include "worker/code_reference.h"

namespace troupe {
namespace internal {

void RegisteredFunction::BeginCall(OutgoingCall& call, bool apart) {
  if (function_->entry == nullptr)
    Throw(ErrorKind::kNotSerializable, "CallNamed: a method of a class that cannot travel");
  if (apart && function_->apart == nullptr)
    Throw(ErrorKind::kInvalidArgument, "Returns: not of a function that came by Load");
  call.SetEntry(apart ? function_->apart : function_->entry);
  const auto callable = std::as_bytes(std::span(function_->callable));
  call.SetCallable({callable.begin(), callable.end()});
  const std::shared_ptr<worker::Session>& session = call.session();
  const std::lock_guard<std::mutex> lock(mutex_);
  stored_.resize(function_->bound.size());
  for (size_t i = 0; i < function_->bound.size(); ++i) {
    const auto encoded = std::as_bytes(std::span(function_->bound[i]));
    if (encoded.size() <= session->max_inline_value_bytes()) {
      call.AddEncoded(encoded);
      continue;
    }
    if (stored_[i].id().is_null() || stored_[i].session() != session)
      stored_[i] = PutEncoded(session, encoded);
    call.AddObject(stored_[i]);
  }
}

}  // namespace internal

std::shared_ptr<const worker::NamedFunction> FunctionRegistry::Find(std::string_view name) const {
  auto function = functions_.Find(name);
  if (function == nullptr) internal::Throw(functions_.UnknownError(name));
  return function;
}

std::shared_ptr<internal::RegisteredFunction> FunctionRegistry::FindToCall(
    const std::string& name, const std::string& signature) const {
  const auto function = Find(name);
  if (function->signature != signature) {
    internal::Throw(ErrorKind::kTypeMismatch,
                    absl::StrCat("\"", name, "\" is registered as ", function->signature,
                                 " and was called as ", signature));
  }
  const std::lock_guard<std::mutex> lock(called_mutex_);
  auto& called = called_[name];
  if (called == nullptr || called->function() != function)
    called = std::make_shared<internal::RegisteredFunction>(function);
  return called;
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
  return internal::PackFunction(
      {worker::BuildId(), internal::OffsetOrThrow(reinterpret_cast<const void*>(function->entry)),
       std::string(name), function->callable, function->signature, function->bound});
}

std::string FunctionRegistry::Load(std::string_view packed_function) {
  internal::PackedFunction packed = internal::OpenFunction(packed_function);
  if (packed.build_id != worker::BuildId()) {
    internal::Throw(
        ErrorKind::kBuildMismatch,
        absl::StrCat("the function \"", packed.name, "\" was packed by build ",
                     internal::BuildText(packed.build_id), " and this is build ",
                     internal::ThisBuild(),
                     ": register it here under that name; tasks packed by name run in any build"));
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
