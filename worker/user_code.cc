#include "worker/user_code.h"

#include <cxxabi.h>

#include <exception>
#include <string>
#include <string_view>
#include <typeinfo>

#include "absl/strings/str_cat.h"
#include "worker/registered_exceptions.h"
#include "worker/thrown_stack.h"

namespace troupe::worker {
namespace {

// What std::throw_with_nested has thrown is of a class of the library's around the user's.
std::string TypeNameOf(const std::type_info& type) {
  std::string name = DemangledTypeName(type);
  constexpr std::string_view kWrapper = "std::_Nested_exception<";
  if (name.starts_with(kWrapper))
    name = name.substr(kWrapper.size(), name.size() - kWrapper.size() - 1);
  return name;
}

// "; caused by std::system_error: no such file; caused by ..." of what is nested inside.
void AppendCauses(const std::exception& e, int depth, std::string* message) {
  constexpr int kMostShown = 16;  // nobody has so many, unless in a circle
  if (depth > kMostShown) return;
  try {
    std::rethrow_if_nested(e);
  } catch (const std::exception& cause) {
    absl::StrAppend(message, "; caused by ", TypeNameOf(typeid(cause)), ": ", cause.what());
    AppendCauses(cause, depth + 1, message);
  } catch (...) {
    absl::StrAppend(message, "; caused by something that is no std::exception");
  }
}

}  // namespace

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
    thrown.exception_type = TypeNameOf(typeid(e));
    thrown.payload = EncodeRegistered(thrown.exception_type, e);
    thrown.stack = StackOfThrown(dynamic_cast<const void*>(&e));
    AppendCauses(e, 1, &thrown.message);
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
