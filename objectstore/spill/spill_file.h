// SpillFile is a file of objects that were moved out of memory.
//
// It has no name: it is made by O_TMPFILE, or unlinked at once where the file system has no such
// files, so that nothing is left behind whoever is killed. What is written has a checksum (XXH3);
// what is read is compared with it before anybody sees it.
// Where it saves an eighth or more, an object is compressed (LZ4), in blocks of 512 KiB: before
// each is its number of bytes in 4; one that cannot be compressed is kept as it is. Samples of the
// object are tried first, so that what cannot be compressed costs little.
//
// Errors: Unavailable naming the directory and the system's reason; DataLoss where the bytes are
// not those that were written. Thread-safety: different parts may be written, read and punched at
// the same time.
#ifndef TROUPE_OBJECTSTORE_SPILL_SPILL_FILE_H_
#define TROUPE_OBJECTSTORE_SPILL_SPILL_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"

namespace troupe::objectstore {

class SpillFile {
 public:
  // A new, empty file in the directory.
  static absl::StatusOr<SpillFile> Create(const std::string& directory);

  // What is in the file of an object: where `size` is less than the object's, it is compressed.
  struct Copy {
    uint64_t size = 0;
    uint64_t checksum = 0;  // of those bytes
  };
  // Copies `size` bytes at `from` of the descriptor to `at` of this file, where it takes no more
  // than that.
  absl::StatusOr<Copy> Write(int from_fd, uint64_t from, uint64_t size, uint64_t at) const;
  // The other way. Errors: DataLoss, and ResourceExhausted where `to_fd` cannot take them.
  absl::Status Read(int to_fd, uint64_t to, uint64_t size, uint64_t at, const Copy& copy) const;
  // Gives the blocks of a part back, where the file system can.
  void Punch(uint64_t at, uint64_t bytes) const;

  int fd() const { return fd_.get(); }

 private:
  SpillFile(std::string directory, UniqueFd fd)
      : directory_(std::move(directory)), fd_(std::move(fd)) {}
  absl::Status Failure(const char* what) const;
  absl::Status Lost(const char* how) const;
  absl::StatusOr<Copy> WritePlain(int from_fd, uint64_t from, uint64_t size, uint64_t at) const;
  // None where it does not pay, or stops paying on the way.
  absl::StatusOr<std::optional<Copy>> WriteCompressed(int from_fd, uint64_t from, uint64_t size,
                                                      uint64_t at) const;

  std::string directory_;
  UniqueFd fd_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_SPILL_SPILL_FILE_H_
