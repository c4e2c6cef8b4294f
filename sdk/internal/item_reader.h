// The items of a range, one after the other. Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_ITEM_READER_H_
#define TROUPE_SDK_INTERNAL_ITEM_READER_H_

#include <iterator>
#include <utility>

namespace troupe::internal {

// A range that waits for its next item (a generator, lines of a socket) is asked for it when there
// is room for it, and not as soon as the one before was read: that one is on its way by then.
template <typename Range>
class ItemReader {
 public:
  using Iterator = decltype(std::begin(std::declval<Range&>()));
  using Sentinel = decltype(std::end(std::declval<Range&>()));

  explicit ItemReader(Range& range) : next_(std::begin(range)), end_(std::end(range)) {}

  // Goes on to the next item, if the last was read. May wait, and throw what the range throws.
  bool AtEnd() {
    if (std::exchange(was_read_, false)) ++next_;
    return next_ == end_;
  }
  // REQUIRES: AtEnd() has just said that there is one.
  decltype(auto) Read() {
    was_read_ = true;
    return *next_;
  }

 private:
  Iterator next_;
  Sentinel end_;
  bool was_read_ = false;
};

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_ITEM_READER_H_
