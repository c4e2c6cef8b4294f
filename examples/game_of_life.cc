// Conway's game of life on a torus. The board is cut into bands; a band of the next generation is a
// task that takes references to three bands of this one. The whole game is submitted at once.
//
//   bazel run -c opt //examples:game_of_life -- [GENERATIONS [WIDTH [BANDS]]]
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

constexpr size_t kRows = 32;  // of a band
using Cells = std::vector<uint8_t>;

// bands: the one above, the band itself, the one below.
Cells Next(const std::vector<Cells>& bands, size_t width) {
  const auto row = [&](size_t r) {  // counted from the last row of the band above
    if (r == 0) return bands[0].data() + (kRows - 1) * width;
    if (r == kRows + 1) return bands[2].data();
    return bands[1].data() + (r - 1) * width;
  };
  Cells next(kRows * width);
  for (size_t r = 1; r <= kRows; ++r) {
    for (size_t x = 0; x < width; ++x) {
      const size_t left = (x + width - 1) % width, right = (x + 1) % width;
      int neighbours = row(r)[left] + row(r)[right];
      for (const size_t other : {r - 1, r + 1})
        neighbours += row(other)[left] + row(other)[x] + row(other)[right];
      next[(r - 1) * width + x] = neighbours == 3 || (neighbours == 2 && row(r)[x] != 0) ? 1 : 0;
    }
  }
  return next;
}

int64_t Alive(const std::vector<Cells>& bands) {
  int64_t alive = 0;
  for (const Cells& band : bands) alive = std::accumulate(band.begin(), band.end(), alive);
  return alive;
}

}  // namespace

int main(int argc, char** argv) {
  const auto generations = static_cast<int>(
      examples::NumberArgument(argc, argv, 1, "number of generations", 50, 0, 1'000'000));
  const auto width =
      static_cast<size_t>(examples::NumberArgument(argc, argv, 2, "width", 1024, 3, 1'000'000));
  const auto count =
      static_cast<size_t>(examples::NumberArgument(argc, argv, 3, "number of bands", 8, 1, 10'000));
  const troupe::Cluster cluster = troupe::Init();
  std::mt19937_64 random(7);
  std::vector<Cells> start(count, Cells(kRows * width));
  for (Cells& band : start) {
    for (uint8_t& cell : band) cell = random() % 3 == 0 ? 1 : 0;
  }

  const auto parallel = examples::Timed([&] {
    std::vector<troupe::ObjectRef<Cells>> bands;
    for (const Cells& band : start) bands.push_back(troupe::Put(band));
    for (int generation = 0; generation < generations; ++generation) {
      std::vector<troupe::ObjectRef<Cells>> next;
      for (size_t b = 0; b < count; ++b) {
        const std::vector<troupe::ObjectRef<Cells>> three = {bands[(b + count - 1) % count],
                                                             bands[b], bands[(b + 1) % count]};
        next.push_back(troupe::Task(Next).Remote(three, width));
      }
      bands = std::move(next);
    }
    return troupe::Get(bands);
  });
  const auto serial = examples::Timed([&] {
    std::vector<Cells> bands = start;
    for (int generation = 0; generation < generations; ++generation) {
      std::vector<Cells> next;
      for (size_t b = 0; b < count; ++b)
        next.push_back(
            Next({bands[(b + count - 1) % count], bands[b], bands[(b + 1) % count]}, width));
      bands = std::move(next);
    }
    return bands;
  });
  std::printf("%zu x %zu cells, %d generations: %lld are alive\n", width, count * kRows,
              generations, static_cast<long long>(Alive(parallel.result)));
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
