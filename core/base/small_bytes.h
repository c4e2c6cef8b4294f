// SmallBytes owns a few bytes, most often without an allocation: up to kInPlace lie in the object
// itself. A number with the header of a stored value does (24 bytes); in std::string it does not.
//
// Not copied. Not thread-safe.
//
//   SmallBytes value(bytes);
//   Use(value.bytes());
#ifndef TROUPE_CORE_BASE_SMALL_BYTES_H_
#define TROUPE_CORE_BASE_SMALL_BYTES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace troupe {

class SmallBytes {
 public:
  static constexpr size_t kInPlace = 31;

  explicit SmallBytes(std::span<const std::byte> bytes) {
    std::byte* to = place_.data();
    if (bytes.size() > kInPlace) {
      const Apart apart{new std::byte[bytes.size()], bytes.size()};
      to = apart.data;
      std::memcpy(place_.data(), &apart, sizeof(apart));
      size_ = kApart;
    } else {
      size_ = static_cast<uint8_t>(bytes.size());
    }
    std::copy(bytes.begin(), bytes.end(), to);
  }
  explicit SmallBytes(std::string_view text) : SmallBytes(std::as_bytes(std::span(text))) {}
  SmallBytes(SmallBytes&& other) noexcept
      : place_(other.place_), size_(std::exchange(other.size_, uint8_t{0})) {}
  SmallBytes& operator=(SmallBytes&& other) noexcept {
    std::swap(place_, other.place_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SmallBytes() {
    if (size_ == kApart) delete[] apart().data;
  }

  // Valid until this is moved or destroyed.
  std::span<const std::byte> bytes() const {
    if (size_ != kApart) return std::span(place_).first(size_);
    return {apart().data, apart().size};
  }
  size_t size() const { return size_ == kApart ? apart().size : size_; }

 private:
  static constexpr uint8_t kApart = 0xFF;
  struct Apart {
    std::byte* data;
    size_t size;
  };
  Apart apart() const {
    Apart apart;
    std::memcpy(&apart, place_.data(), sizeof(apart));
    return apart;
  }

  std::array<std::byte, kInPlace> place_ = {};
  uint8_t size_;  // kApart: what is in `place_` is an Apart
};
static_assert(sizeof(SmallBytes) == 32);

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_SMALL_BYTES_H_
