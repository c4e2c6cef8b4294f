// SpillSpace divides the disk space for objects that were moved out of memory: directories with
// quotas, files in them, and a slot in a file for each object.
//
// Problem: an object of 20 KiB must not cost a file of its own, and a dropped one must not hold a
// large file for ever. So objects are appended to the directory's current file until that has
// file_bytes; what is freed in a file is punched out of it, and a file in which nothing lives is
// dropped. A directory that could not be written to is left alone for a while. Directories take
// turns, so that several disks work at once.
//
// Pure: the server makes, writes and drops the files that this numbers. Units: bytes; slots start
// at multiples of a page, so that punching them gives their blocks back.
// Invariants: (1) the slots of a file do not overlap; (2) used() is the sum of the slots, each
// rounded up to pages, and is ≤ quota in every directory; (3) a file without slots does not exist.
// Not thread-safe.   After Ray's fused spill files.
#ifndef TROUPE_OBJECTSTORE_TABLE_SPILL_SPACE_H_
#define TROUPE_OBJECTSTORE_TABLE_SPILL_SPACE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::objectstore {

// The number of a file of spilled objects; unique within a node's life.
enum class SpillFileId : uint32_t { kNone = 0 };

struct SpillSlot {
  SpillFileId file = SpillFileId::kNone;
  uint64_t offset = 0;
  uint64_t size = 0;

  friend bool operator==(const SpillSlot&, const SpillSlot&) = default;
};

class SpillSpace {
 public:
  struct Directory {
    std::string path;
    uint64_t quota_bytes = UINT64_MAX;
  };
  explicit SpillSpace(std::vector<Directory> directories, uint64_t file_bytes = uint64_t{64} << 20);

  bool enabled() const { return !directories_.empty(); }

  // A slot for an object, or none where no directory has room now.
  std::optional<SpillSlot> Allocate(uint64_t size, int64_t now_nanos);
  // Its last `bytes` are not needed: from now on it is so much smaller. They were never written.
  // REQUIRES: it was allocated and not freed; something of it is left.
  void Shrink(const SpillSlot& slot, uint64_t bytes);
  // REQUIRES: it was allocated and not freed.
  void Free(const SpillSlot& slot);
  // Writing to the file has failed: its directory is left alone for `nanos`.
  void Failed(SpillFileId file, int64_t now_nanos, int64_t nanos, std::string why);
  // When a directory that had failed may be tried again, or INT64_MAX.
  int64_t NextRetry(int64_t now_nanos) const;
  // Why a directory was not written to, the last time; empty: nothing has failed since.
  const std::string& last_failure() const { return last_failure_; }

  const std::string& DirectoryOf(SpillFileId file) const;
  // Parts of files to be given back since the last call, and files to be dropped.
  std::vector<SpillSlot> TakeHoles() { return std::exchange(holes_, {}); }
  std::vector<SpillFileId> TakeDroppedFiles() { return std::exchange(dropped_, {}); }
  // Whether either has something.
  bool gives_back() const { return !dropped_.empty() || !holes_.empty(); }

  uint64_t used() const { return used_; }
  // Of all directories together; UINT64_MAX: without end.
  uint64_t quota() const;
  size_t file_count() const { return files_.size(); }

  void CheckInvariants() const;

 private:
  struct State {
    Directory directory;
    uint64_t used = 0;
    SpillFileId current = SpillFileId::kNone;  // takes further objects
    int64_t retry_nanos = 0;
  };
  struct File {
    size_t directory = 0;
    uint64_t end = 0;                    // where the next slot begins
    std::map<uint64_t, uint64_t> slots;  // offset → bytes, whole pages
  };

  uint64_t file_bytes_;
  std::vector<State> directories_;
  std::map<SpillFileId, File> files_;
  size_t turn_ = 0;
  uint32_t next_file_ = 1;
  uint64_t used_ = 0;
  std::string last_failure_;
  std::vector<SpillSlot> holes_;
  std::vector<SpillFileId> dropped_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_TABLE_SPILL_SPACE_H_
