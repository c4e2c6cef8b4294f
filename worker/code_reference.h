// A code reference names a function in another process that runs the same executable: its offset in
// the file's image.
//
// Address randomisation moves the whole executable, so the offset from its base is the same in
// every process of one build; the build id in the handshake says that it is one build. Functions in
// shared objects have no such name: those of SharedCode (worker/shared_code.h) are referred to
// within their own process alone. Constant texts are referred to in the same way. Thread-safe.
// Errors: FailedPrecondition, saying what was passed.
#ifndef TROUPE_WORKER_CODE_REFERENCE_H_
#define TROUPE_WORKER_CODE_REFERENCE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace troupe::worker {

// The offset of a function of this executable.
absl::StatusOr<uint64_t> OffsetOfCode(const void* function);
// The function at an offset that another process of this build has sent.
absl::StatusOr<const void*> CodeAtOffset(uint64_t offset);
// While one lives, its thread may refer to code outside of the executable, too: that of a shared
// object which it loads. Such a reference holds in this process, as long as it runs.
class LocalCodeScope {
 public:
  LocalCodeScope();
  ~LocalCodeScope();
  LocalCodeScope(const LocalCodeScope&) = delete;
  LocalCodeScope& operator=(const LocalCodeScope&) = delete;
};

// The offset of a constant text of this executable, such as __builtin_FILE(); 0 of any other.
uint32_t OffsetOfText(const char* text);
// "" for what is the offset of none.
const char* TextAtOffset(uint32_t offset);

// The executable's GNU build id as bytes; empty where the linker wrote none.
const std::string& BuildId();

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_CODE_REFERENCE_H_
