// ChunkSizer decides how many items of a Map go into one task, from how long the last ones took and
// how large their results were.
//
// Short calls go many to a task, or the road would cost more than the work; long ones go alone, so
// that the work spreads, and so do large results. The size grows at most eightfold from one
// measurement to the next, and shrinks towards the end of an input of known size, so that all
// workers end together. Pure: no clock. Not thread-safe.
#ifndef TROUPE_SDK_CHUNK_SIZER_H_
#define TROUPE_SDK_CHUNK_SIZER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace troupe {

class ChunkSizer {
 public:
  static constexpr int64_t kTargetNanos = 4'000'000;

  // `fixed`: 0 to measure. `most`: items, as far as memory allows; `most_bytes`: of their results.
  ChunkSizer(size_t fixed, size_t most, size_t workers, size_t most_bytes = SIZE_MAX)
      : fixed_(fixed),
        most_(std::max<size_t>(1, most)),
        workers_(std::max<size_t>(1, workers)),
        most_bytes_(most_bytes) {}

  // How many the next chunk takes. `left`: of the input, SIZE_MAX where that is unknown.
  size_t Next(size_t left) const {
    if (fixed_ > 0) return fixed_;
    size_t size = size_;
    if (left != SIZE_MAX) size = std::min(size, left / (2 * workers_));
    return std::clamp<size_t>(size, 1, most_);
  }
  // A chunk of so many took so long, and its results took so many bytes.
  void Measured(size_t items, int64_t nanos, size_t bytes = 0) {
    if (fixed_ > 0 || items == 0) return;
    const double each =
        static_cast<double>(std::max<int64_t>(nanos, 1)) / static_cast<double>(items);
    each_ = each_ == 0 ? each : (each_ + each) / 2;
    const double bytes_each = static_cast<double>(bytes) / static_cast<double>(items);
    bytes_each_ = std::max(bytes_each, (bytes_each_ + bytes_each) / 2);
    double fitting = static_cast<double>(kTargetNanos) / each_;
    if (bytes_each_ > 0)
      fitting = std::min(fitting, static_cast<double>(most_bytes_) / bytes_each_);
    const double grown = 8.0 * static_cast<double>(std::max(size_, items));
    size_ =
        static_cast<size_t>(std::clamp(std::min(fitting, grown), 1.0, static_cast<double>(most_)));
  }

 private:
  size_t fixed_;
  size_t most_;
  size_t workers_;
  size_t most_bytes_;
  size_t size_ = 1;
  double each_ = 0;        // nanoseconds an item takes, lately
  double bytes_each_ = 0;  // of its result
};

}  // namespace troupe

#endif  // TROUPE_SDK_CHUNK_SIZER_H_
