// SpillFile is a file of objects that were moved out of memory.
//
// It has no name: it is made by O_TMPFILE, or unlinked at once where the file system has no such
// files, so that nothing is left behind whoever is killed. What is written has a checksum (XXH3);
// what is read is compared with it before anybody sees it.
//
// Errors: Unavailable naming the directory and the system's reason; DataLoss where the bytes are
// not those that were written. Thread-safety: different parts may be written, read and punched at
// the same time.
#ifndef TROUPE_OBJECTSTORE_SPILL_SPILL_FILE_H_
#define TROUPE_OBJECTSTORE_SPILL_SPILL_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"

namespace troupe::objectstore {

class SpillFile {
 public:
  // A new, empty file in the directory.
  static absl::StatusOr<SpillFile> Create(const std::string& directory);

  // Copies `size` bytes at `from` of the descriptor to `at` of this file; their checksum.
  absl::StatusOr<uint64_t> Write(int from_fd, uint64_t from, uint64_t size, uint64_t at) const;
  // The other way. Errors: DataLoss, and ResourceExhausted where `to_fd` cannot take them.
  absl::Status Read(int to_fd, uint64_t to, uint64_t size, uint64_t at, uint64_t checksum) const;
  // Gives the blocks of a part back, where the file system can.
  void Punch(uint64_t at, uint64_t bytes) const;

  int fd() const { return fd_.get(); }

 private:
  SpillFile(std::string directory, UniqueFd fd)
      : directory_(std::move(directory)), fd_(std::move(fd)) {}
  absl::Status Failure(const char* what) const;

  std::string directory_;
  UniqueFd fd_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_SPILL_SPILL_FILE_H_
