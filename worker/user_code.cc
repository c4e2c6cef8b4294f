#include "worker/user_code.h"

#include <cxxabi.h>

#include <exception>
#include <typeinfo>

#include "worker/registered_exceptions.h"

namespace troupe::worker {

std::optional<ErrorInfo> CallUserCode(TaskEntry entry, TaskCall& call) {
  ErrorInfo thrown{.kind = ErrorKind::kTaskError};
  try {
    entry(call);
    return std::nullopt;
  } catch (const std::exception& e) {
    thrown.message = e.what();
    thrown.exception_type = DemangledTypeName(typeid(e));
    thrown.payload = EncodeRegistered(thrown.exception_type, e);
  } catch (abi::__forced_unwind&) {
    throw;  // the thread is being cancelled
  } catch (...) {
    thrown.message = "something that is no std::exception was thrown";
    const std::type_info* type = abi::__cxa_current_exception_type();
    if (type != nullptr) thrown.exception_type = DemangledTypeName(*type);
  }
  return thrown;
}

}  // namespace troupe::worker
