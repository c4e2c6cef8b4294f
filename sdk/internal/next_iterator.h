// Makes a range of what has a Next() that gives nothing at its end. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_NEXT_ITERATOR_H_
#define TROUPE_SDK_INTERNAL_NEXT_ITERATOR_H_

#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

namespace troupe::internal {

// What begin() of such a range returns; its end() is std::default_sentinel. Each item is given
// once.
template <typename Range, typename T>
class NextIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using pointer = const value_type*;
  using reference = value_type;

  explicit NextIterator(Range* range) : range_(range), item_(range->Next()) {}
  value_type operator*() { return std::move(*item_); }
  NextIterator& operator++() {
    item_.reset();  // its value may go before the next one comes
    item_ = range_->Next();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const NextIterator& it, std::default_sentinel_t) {
    return !it.item_.has_value();
  }

 private:
  Range* range_;
  std::optional<value_type> item_;
};

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_NEXT_ITERATOR_H_
