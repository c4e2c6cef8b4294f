// What a process that was started by Troupe does instead of main, and the flags that main does not
// see.
//
// The role comes in one environment variable, which is unset at once, and one inherited socket
// (core/loop/process.h):
//   TROUPE_ROLE=node cpus=2 store=1073741824 ring=1048576 spill=/var/tmp quota=1073741824
//   TROUPE_ROLE=worker nonce=1234
#ifndef TROUPE_SDK_INTERNAL_ROLES_H_
#define TROUPE_SDK_INTERNAL_ROLES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "scheduler/server/node.h"

namespace troupe::internal {

// Values of --troupe_* flags.
struct RuntimeFlags {
  std::optional<std::string> address;
  std::optional<bool> in_process;
  std::optional<int> workers;
  std::optional<int64_t> object_store_memory;
  std::optional<std::string> spill_dir;  // several by commas
  std::optional<int64_t> spill_quota;
};
RuntimeFlags& Flags();

// Takes --troupe_* flags out of argv. False, with a sentence, where one is unknown or its value is
// none.
bool TakeRuntimeFlags(int* argc, char** argv, std::string* error);

// A text as one word of TROUPE_ROLE, and back.
std::string EscapeSetting(std::string_view text);
std::string UnescapeSetting(std::string_view word);

// What a node is told, as in TROUPE_ROLE: "cpus=2 store=1073741824".
scheduler::NodeOptions NodeOptionsOf(std::string_view settings);

// Where this process has a role: plays it, and returns its exit code.
std::optional<int> PlayRole();

// True once main has begun: before, statics are still being initialised.
bool MainHasBegun();
void SetMainHasBegun();

void AddWorkerStartFunction(std::function<void()> f);
void RunWorkerStartFunctions();

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_ROLES_H_
