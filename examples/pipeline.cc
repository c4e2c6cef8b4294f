// A pipeline of three actors, each in a process of its own, that work at the same time on
// consecutive frames. Frames are large and travel by reference: each stage reads the one before it
// in place.
//
//   bazel run -c opt //examples:pipeline -- [FRAMES [PIXELS_PER_SIDE]]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <span>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

using Frame = std::vector<float>;

// Renders frames of a pattern that moves.
class Camera {
 public:
  explicit Camera(size_t side) : side_(side) {}
  Frame Next() {
    Frame frame(side_ * side_);
    for (size_t y = 0; y < side_; ++y) {
      for (size_t x = 0; x < side_; ++x)
        frame[y * side_ + x] = static_cast<float>((x * 7 + y * 13 + number_ * 31) % 251);
    }
    ++number_;
    return frame;
  }

 private:
  size_t side_;
  size_t number_ = 0;
};

// Averages each pixel with its neighbours of the same row.
class Blur {
 public:
  Frame Apply(std::span<const float> frame) {
    Frame blurred(frame.size());
    for (size_t i = 0; i < frame.size(); ++i) {
      const float left = frame[i == 0 ? i : i - 1];
      const float right = frame[i + 1 == frame.size() ? i : i + 1];
      blurred[i] = (left + frame[i] + right) / 3;
    }
    return blurred;
  }
};

// Says how much a frame differs from the one before it: a stage with a memory.
class MotionDetector {
 public:
  double Difference(std::span<const float> frame) {
    double difference = 0;
    for (size_t i = 0; i < before_.size(); ++i)
      difference += static_cast<double>(std::abs(frame[i] - before_[i]));
    before_.assign(frame.begin(), frame.end());
    return difference;
  }

 private:
  Frame before_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto frames = static_cast<size_t>(
      examples::NumberArgument(argc, argv, 1, "number of frames", 100, 1, 1'000'000));
  const auto side = static_cast<size_t>(
      examples::NumberArgument(argc, argv, 2, "number of pixels per side", 512, 1, 16'384));
  const troupe::Cluster cluster = troupe::Init();

  const auto parallel = examples::Timed([&] {
    const auto camera = troupe::Actor<Camera>(side).Remote();
    const auto blur = troupe::Actor<Blur>().Remote();
    const auto detector = troupe::Actor<MotionDetector>().Remote();
    // A few frames are under way at a time; their references go, and with them their memory, as
    // soon as the last stage has read them.
    constexpr size_t kUnderWay = 8;
    std::deque<troupe::ObjectRef<double>> under_way;
    std::vector<double> differences;
    for (size_t i = 0; i < frames; ++i) {
      const auto frame = camera.Task(&Camera::Next).Remote();
      const auto blurred = blur.Task(&Blur::Apply).Remote(frame);
      under_way.push_back(detector.Task(&MotionDetector::Difference).Remote(blurred));
      if (under_way.size() < kUnderWay) continue;
      differences.push_back(troupe::Get(under_way.front()));
      under_way.pop_front();
    }
    for (const auto& rest : under_way) differences.push_back(troupe::Get(rest));
    return differences;
  });
  const auto serial = examples::Timed([&] {
    Camera camera(side);
    Blur blur;
    MotionDetector detector;
    std::vector<double> differences;
    for (size_t i = 0; i < frames; ++i)
      differences.push_back(detector.Difference(blur.Apply(camera.Next())));
    return differences;
  });
  const double most = *std::max_element(parallel.result.begin(), parallel.result.end());
  std::printf(
      "%zu frames of %zu x %zu pixels through three stages: %.0f frames/s; "
      "the largest difference is %.1f\n",
      frames, side, side, static_cast<double>(frames) / parallel.seconds, most);
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
