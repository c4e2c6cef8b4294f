// Runs before the user's main, by the linker's --wrap=main: a process that was started as node or
// worker never reaches it. User statics are initialised by now, which ELF constructors could not
// promise; nobody writes an `if main` guard.
#include <cstdio>
#include <string>

#include "sdk/errors.h"
#include "sdk/internal/roles.h"

extern "C" int __real_main(int argc, char** argv,
                           char** environment);  // NOLINT: the linker's names

extern "C" int __wrap_main(int argc, char** argv, char** environment) {  // NOLINT
  if (const std::optional<int> exit_code = troupe::internal::PlayRole()) return *exit_code;
  std::string error;
  if (!troupe::internal::TakeRuntimeFlags(&argc, argv, &error)) {
    std::fprintf(stderr, "troupe: %s\n", error.c_str());
    return 2;
  }
  troupe::internal::SetMainHasBegun();
  try {
    return __real_main(argc, argv, environment);
  } catch (const troupe::Error& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "troupe: %s\n", e.what());
    if (!e.stack().empty()) std::fprintf(stderr, "thrown in\n%s", e.stack().c_str());
    return 1;
  }
}
