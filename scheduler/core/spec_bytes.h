// SpecBytes is the message that submitted a task: kept as it came, forwarded, never encoded again.
//
// Copies share the bytes. Thread-safety: a value.
#ifndef TROUPE_SCHEDULER_CORE_SPEC_BYTES_H_
#define TROUPE_SCHEDULER_CORE_SPEC_BYTES_H_

#include <algorithm>
#include <cstddef>
#include <memory>

#include "core/wire/messages.h"

namespace troupe::scheduler {

class SpecBytes {
 public:
  SpecBytes() = default;
  explicit SpecBytes(wire::Bytes message)
      : size_(message.size()), bytes_(std::make_shared_for_overwrite<std::byte[]>(size_)) {
    std::copy(message.begin(), message.end(), bytes_.get());
  }

  wire::Bytes bytes() const { return {bytes_.get(), size_}; }
  size_t size() const { return size_; }

 private:
  size_t size_ = 0;
  std::shared_ptr<std::byte[]> bytes_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_SPEC_BYTES_H_
