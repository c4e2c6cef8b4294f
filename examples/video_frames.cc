// A film that is larger than memory: a task decodes frames of 4 MiB and yields them as a stream;
// for each, another task finds the brightness where the frame lies. The stream is held back by what
// was taken, so that a store of 256 MiB is enough for 1,000 frames, 4 GB.
//
//   bazel run -c opt //examples:video_frames -- [FRAMES]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <span>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

constexpr size_t kRows = 1024;
constexpr size_t kPixels = kRows * 1024;  // of 4 bytes
constexpr size_t kAhead = 8;              // frames whose brightness is being found

// Each row is the same noise, which begins elsewhere in each.
class Camera {
 public:
  Camera() {
    for (size_t i = 0; i < kNoise; ++i) noise_[i] = static_cast<float>(i * 31 % 257);
  }
  void Draw(int64_t number, std::vector<float>* frame) const {
    constexpr size_t kRow = kPixels / kRows;
    frame->resize(kPixels);
    for (size_t row = 0; row < kRows; ++row) {
      const size_t begin = (row * 31 + static_cast<size_t>(number) * 977) % (kNoise - kRow);
      std::copy_n(noise_.begin() + begin, kRow, frame->begin() + row * kRow);
    }
  }

 private:
  static constexpr size_t kNoise = 8 * 1024;
  std::vector<float> noise_ = std::vector<float>(kNoise);
};

troupe::Generator<std::vector<float>> Decode(int64_t frames) {
  const Camera camera;
  std::vector<float> frame;
  for (int64_t number = 0; number < frames; ++number) {
    camera.Draw(number, &frame);
    co_yield frame;
  }
}

// By each 16th pixel, which is one of each line of the cache.
double Brightness(std::span<const float> pixels) {
  double sum = 0;
  for (size_t i = 0; i < pixels.size(); i += 16) sum += static_cast<double>(pixels[i]);
  return 16 * sum / static_cast<double>(pixels.size());
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t frames =
      examples::NumberArgument(argc, argv, 1, "number of frames", 1'000, 0, 1'000'000);
  const troupe::Cluster cluster = troupe::Init({.object_store_memory = int64_t{256} << 20});

  const auto parallel = examples::Timed([&] {
    std::vector<double> brightness;
    std::deque<troupe::ObjectRef<double>> pending;
    for (const troupe::ObjectRef<std::vector<float>> frame :
         troupe::Task(Decode).Window(kAhead).Remote(frames)) {
      pending.push_back(troupe::Task(Brightness).Remote(frame));
      if (pending.size() < kAhead) continue;
      brightness.push_back(troupe::Get(pending.front()));
      pending.pop_front();
    }
    for (const auto& ref : pending) brightness.push_back(troupe::Get(ref));
    return brightness;
  });
  const auto serial = examples::Timed([&] {
    std::vector<double> brightness;
    for (const std::vector<float>& frame : Decode(frames)) brightness.push_back(Brightness(frame));
    return brightness;
  });
  std::printf("%lld frames of 4 MiB through a store of 256 MiB\n", static_cast<long long>(frames));
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
