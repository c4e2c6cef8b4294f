// SpecBytes is the message that submitted a task: kept as it came, forwarded, never encoded again.
//
// Copies share the bytes. Thread-safety: a value.
#ifndef TROUPE_SCHEDULER_CORE_SPEC_BYTES_H_
#define TROUPE_SCHEDULER_CORE_SPEC_BYTES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/check.h"
#include "core/base/free_blocks.h"
#include "core/wire/messages.h"

namespace troupe::scheduler {

class SpecBytes {
 public:
  SpecBytes() = default;
  // REQUIRES: whole words, as every message has.
  explicit SpecBytes(wire::Bytes message)
      : SpecBytes(message.size(), [&](std::span<uint64_t> words) {
          std::copy(message.begin(), message.end(), std::as_writable_bytes(words).begin());
        }) {}
  // Of `size` bytes, which fill(std::span<uint64_t>) writes.
  template <typename Fill>
  SpecBytes(size_t size, Fill fill)
      : word_count_(size / sizeof(uint64_t)),
        words_(std::allocate_shared_for_overwrite<uint64_t[]>(Allocator(), word_count_)) {
    TROUPE_CHECK(this->size() == size, "a message of no whole words");
    fill(std::span(words_.get(), word_count_));
  }

  wire::Bytes bytes() const { return std::as_bytes(std::span(words_.get(), word_count_)); }
  size_t size() const { return word_count_ * sizeof(uint64_t); }

 private:
  // Most messages are small, and as many are there at a time as a client submits ahead.
  using Allocator = RecyclingAllocator<uint64_t, 512, 1024>;

  size_t word_count_ = 0;
  std::shared_ptr<uint64_t[]> words_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_SPEC_BYTES_H_
