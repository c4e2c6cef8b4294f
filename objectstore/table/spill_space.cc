#include "objectstore/table/spill_space.h"

#include <algorithm>
#include <limits>

#include "core/base/check.h"

namespace troupe::objectstore {
namespace {

constexpr uint64_t kPageBytes = 4096;

uint64_t Pages(uint64_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes; }

}  // namespace

SpillSpace::SpillSpace(std::vector<Directory> directories, uint64_t file_bytes)
    : file_bytes_(file_bytes) {
  for (Directory& directory : directories)
    directories_.push_back({.directory = std::move(directory)});
}

std::optional<SpillSlot> SpillSpace::Allocate(uint64_t size, int64_t now_nanos) {
  const uint64_t bytes = Pages(size);
  for (size_t tried = 0; tried < directories_.size(); ++tried) {
    const size_t index = turn_++ % directories_.size();
    State& state = directories_[index];
    if (state.retry_nanos > now_nanos || bytes > state.directory.quota_bytes ||
        state.used > state.directory.quota_bytes - bytes) {
      continue;
    }
    if (state.current == SpillFileId::kNone) {
      state.current = SpillFileId(next_file_++);
      files_[state.current].directory = index;
    }
    File& file = files_.at(state.current);
    const SpillSlot slot{state.current, file.end, size};
    file.slots.emplace(file.end, bytes);
    file.end += bytes;
    if (file.end >= file_bytes_) state.current = SpillFileId::kNone;
    state.used += bytes;
    used_ += bytes;
    return slot;
  }
  return std::nullopt;
}

void SpillSpace::Shrink(const SpillSlot& slot, uint64_t bytes) {
  const auto file = files_.find(slot.file);
  TROUPE_CHECK(file != files_.end() && bytes < slot.size, "a slot shrinks to nothing");
  const auto it = file->second.slots.find(slot.offset);
  TROUPE_CHECK(it != file->second.slots.end() && it->second == Pages(slot.size),
               "a slot shrinks that was not allocated");
  const uint64_t given_back = it->second - Pages(slot.size - bytes);
  it->second -= given_back;
  directories_[file->second.directory].used -= given_back;
  used_ -= given_back;
}

void SpillSpace::Free(const SpillSlot& slot) {
  const auto file = files_.find(slot.file);
  TROUPE_CHECK(file != files_.end(), "a slot is freed in a file that does not exist");
  const auto it = file->second.slots.find(slot.offset);
  TROUPE_CHECK(it != file->second.slots.end() && it->second == Pages(slot.size),
               "a slot is freed that was not allocated");
  State& state = directories_[file->second.directory];
  state.used -= it->second;
  used_ -= it->second;
  const uint64_t bytes = it->second;
  file->second.slots.erase(it);
  if (!file->second.slots.empty()) {
    holes_.push_back({slot.file, slot.offset, bytes});
    return;
  }
  if (state.current == slot.file) state.current = SpillFileId::kNone;
  dropped_.push_back(slot.file);
  files_.erase(file);
}

void SpillSpace::Failed(SpillFileId file, int64_t now_nanos, int64_t nanos, std::string why) {
  const auto it = files_.find(file);
  TROUPE_CHECK(it != files_.end(), "writing has failed to a file that does not exist");
  State& state = directories_[it->second.directory];
  state.retry_nanos = now_nanos + nanos;
  // The next try begins a new file: this one may be what is wrong.
  if (state.current == file) state.current = SpillFileId::kNone;
  last_failure_ = std::move(why);
}

int64_t SpillSpace::NextRetry(int64_t now_nanos) const {
  int64_t next = std::numeric_limits<int64_t>::max();
  for (const State& state : directories_) {
    if (state.retry_nanos > now_nanos) next = std::min(next, state.retry_nanos);
  }
  return next;
}

const std::string& SpillSpace::DirectoryOf(SpillFileId file) const {
  return directories_[files_.at(file).directory].directory.path;
}

uint64_t SpillSpace::quota() const {
  uint64_t sum = 0;
  for (const State& state : directories_) {
    const uint64_t quota = state.directory.quota_bytes;
    if (quota > UINT64_MAX - sum) return UINT64_MAX;
    sum += quota;
  }
  return sum;
}

void SpillSpace::CheckInvariants() const {
  std::vector<uint64_t> used(directories_.size());
  for (const auto& [id, file] : files_) {
    TROUPE_CHECK(!file.slots.empty(), "a file in which nothing lives");
    uint64_t end = 0;
    for (const auto& [offset, bytes] : file.slots) {
      TROUPE_CHECK(offset >= end, "slots that overlap");
      end = offset + bytes;
      used[file.directory] += bytes;
    }
    TROUPE_CHECK(end <= file.end, "a slot beyond the end of its file");
  }
  uint64_t sum = 0;
  for (size_t i = 0; i < directories_.size(); ++i) {
    const State& state = directories_[i];
    TROUPE_CHECK(used[i] == state.used && used[i] <= state.directory.quota_bytes,
                 "spilled bytes that do not add up, or exceed their quota");
    TROUPE_CHECK(state.current == SpillFileId::kNone || files_.contains(state.current),
                 "a directory whose file does not exist");
    sum += used[i];
  }
  TROUPE_CHECK(sum == used_, "spilled bytes that do not add up");
}

}  // namespace troupe::objectstore
