// A film that is larger than memory: a task decodes frames of 4 MiB and yields them as a stream;
// for each, another task finds the brightness where the frame lies. The stream is held back by what
// was taken, so that a store of 256 MiB is enough for 1,000 frames, 4 GB.
//
//   bazel run -c opt //examples:video_frames -- [FRAMES]
#include <cstdint>
#include <cstdio>
#include <deque>
#include <span>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

constexpr size_t kPixels = size_t{1} << 20;  // of 4 bytes
constexpr size_t kAhead = 8;                 // frames whose brightness is being found

void Draw(int64_t number, std::vector<float>* frame) {
  frame->resize(kPixels);
  for (size_t i = 0; i < kPixels; ++i)
    (*frame)[i] = static_cast<float>((i * 31 + static_cast<size_t>(number) * 977) % 256);
}

troupe::Generator<std::vector<float>> Decode(int64_t frames) {
  std::vector<float> frame;
  for (int64_t number = 0; number < frames; ++number) {
    Draw(number, &frame);
    co_yield frame;
  }
}

double Brightness(std::span<const float> pixels) {
  double sum = 0;
  for (const float pixel : pixels) sum += static_cast<double>(pixel);
  return sum / static_cast<double>(pixels.size());
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
