// TROUPE_CHECK stops the process when Troupe itself has a bug. It is on in every build mode.
//
// Input from another process or from a user is never CHECKed: it is validated, and gets a Status.
//
//   TROUPE_CHECK(it != tasks_.end(), "a running task that is not in the table");
#ifndef TROUPE_CORE_BASE_CHECK_H_
#define TROUPE_CORE_BASE_CHECK_H_

namespace troupe::internal {

// Prints "file:line: check failed: condition: message" and the errno text where one is set, then
// aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              const char* message);

}  // namespace troupe::internal

#define TROUPE_CHECK(condition, message)                \
  (__builtin_expect(static_cast<bool>(condition), true) \
       ? static_cast<void>(0)                           \
       : ::troupe::internal::CheckFailed(__FILE__, __LINE__, #condition, message))

#endif  // TROUPE_CORE_BASE_CHECK_H_
