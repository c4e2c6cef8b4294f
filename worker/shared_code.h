// SharedCode is code that comes by value: the bytes of a shared object, whose functions are called
// by the names that it registers (RegisterFunction at its namespace scope).
//
// A process loads each once. It keeps a sealed copy of the bytes, which nobody can write to; what
// is opened is the copy, and only if its SHA-256 is the one that the caller has named. The names of
// one shared object are its own: two versions of it may be in use at the same time. Thread-safe.
#ifndef TROUPE_WORKER_SHARED_CODE_H_
#define TROUPE_WORKER_SHARED_CODE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/error.h"
#include "worker/named_functions.h"

namespace troupe::worker {

// 64 hexadecimal digits, as sha256sum prints them.
std::string Sha256(std::span<const std::byte> bytes);

// The functions of the shared object with this hash, whose bytes these are; `path` is for people:
// where the caller has it. They stay loaded.   Errors: InvalidArgument for other bytes,
// BuildMismatch where it does not fit this program, with the dynamic linker's reason,
// ResourceExhausted.
std::variant<const NamedFunctions*, ErrorInfo> FunctionsOfSharedCode(
    std::string_view path, const std::string& sha256, std::span<const std::byte> bytes);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_SHARED_CODE_H_
