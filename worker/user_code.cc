#include "worker/user_code.h"

#include <cxxabi.h>

#include <exception>
#include <typeinfo>

#include "worker/registered_exceptions.h"
#include "worker/thrown_stack.h"

namespace troupe::worker {

std::optional<ErrorInfo> CallUserCode(TaskEntry entry, TaskCall& call) {
  return CallUserCode([&] { entry(call); });
}

std::optional<ErrorInfo> CallUserCode(absl::FunctionRef<void()> code,
                                      absl::FunctionRef<void(const ErrorInfo&)> in_handler) {
  ErrorInfo thrown{.kind = ErrorKind::kTaskError};
  const RecordThrows record;
  try {
    code();
    return std::nullopt;
  } catch (const std::exception& e) {
    thrown.message = e.what();
    thrown.exception_type = DemangledTypeName(typeid(e));
    thrown.payload = EncodeRegistered(thrown.exception_type, e);
    thrown.stack = StackOfThrown(dynamic_cast<const void*>(&e));
    in_handler(thrown);
  } catch (abi::__forced_unwind&) {
    throw;  // the thread is being cancelled
  } catch (...) {
    thrown.message = "something that is no std::exception was thrown";
    const std::type_info* type = abi::__cxa_current_exception_type();
    if (type != nullptr) thrown.exception_type = DemangledTypeName(*type);
    in_handler(thrown);
  }
  return thrown;
}

}  // namespace troupe::worker
