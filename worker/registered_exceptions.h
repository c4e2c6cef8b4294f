// Exceptions that arrive as what they were: a registered type is encoded where it is thrown, and
// thrown again where its task's result is asked for.
//
// Each process of a job is the same executable and registers the same types while its statics are
// initialised. What is not registered, or cannot be encoded, arrives as a TaskError. Thread-safe.
#ifndef TROUPE_WORKER_REGISTERED_EXCEPTIONS_H_
#define TROUPE_WORKER_REGISTERED_EXCEPTIONS_H_

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <typeinfo>

namespace troupe::worker {

struct ExceptionCodec {
  // Of exactly the registered type; empty where it cannot be encoded.
  std::function<std::string(const std::exception&)> encode;
  // Throws it; returns where the bytes are none.
  std::function<void(std::string_view payload)> rethrow;
};

void RegisterException(const std::type_info& type, ExceptionCodec codec);

// "std::runtime_error".
std::string DemangledTypeName(const std::type_info& type);
// Empty where the type is not registered.
std::string EncodeRegistered(const std::string& type_name, const std::exception& exception);
// Throws what was encoded; returns where the type is not registered, or the bytes are none of it.
void RethrowRegistered(const std::string& type_name, std::string_view payload);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_REGISTERED_EXCEPTIONS_H_
