// A code reference names a function in another process that runs the same executable: its offset in
// the file's image.
//
// Address randomisation moves the whole executable, so the offset from its base is the same in
// every process of one build; the build id in the handshake says that it is one build. Functions in
// shared objects have no such name. Thread-safe.   Errors: FailedPrecondition, saying what was
// passed.
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
// The executable's GNU build id as bytes; empty where the linker wrote none.
const std::string& BuildId();

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_CODE_REFERENCE_H_
