// Lloyd's k-means. The points lie in the store in parts; an actor holds the centres; each round,
// tasks assign the points of a part to the nearest centres, and the actor moves the centres to the
// means.
//
//   bazel run -c opt //examples:kmeans -- [POINTS [CENTRES [ROUNDS]]]
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

struct Point {
  double x = 0;
  double y = 0;
};

// The points of one part that are nearest to one centre.
struct Cluster {
  double sum_x = 0;
  double sum_y = 0;
  int64_t count = 0;
};

constexpr size_t kParts = 8;

// `coordinates` are x and y in turn.
std::vector<Cluster> Assign(std::span<const double> coordinates,
                            const std::vector<Point>& centres) {
  std::vector<Cluster> clusters(centres.size());
  for (size_t i = 0; i < coordinates.size(); i += 2) {
    size_t nearest = 0;
    double nearest_distance = std::numeric_limits<double>::infinity();
    for (size_t c = 0; c < centres.size(); ++c) {
      const double dx = coordinates[i] - centres[c].x;
      const double dy = coordinates[i + 1] - centres[c].y;
      const double distance = dx * dx + dy * dy;
      if (distance < nearest_distance) {
        nearest = c;
        nearest_distance = distance;
      }
    }
    clusters[nearest].sum_x += coordinates[i];
    clusters[nearest].sum_y += coordinates[i + 1];
    ++clusters[nearest].count;
  }
  return clusters;
}

class Centres {
 public:
  explicit Centres(std::vector<Point> centres) : centres_(std::move(centres)) {}

  // The means of all parts' clusters; a centre without points stays.
  std::vector<Point> Move(const std::vector<std::vector<Cluster>>& parts) {
    for (size_t c = 0; c < centres_.size(); ++c) {
      Cluster all;
      for (const std::vector<Cluster>& part : parts) {
        all.sum_x += part[c].sum_x;
        all.sum_y += part[c].sum_y;
        all.count += part[c].count;
      }
      const auto count = static_cast<double>(all.count);
      if (all.count > 0) centres_[c] = {all.sum_x / count, all.sum_y / count};
    }
    return centres_;
  }
  std::vector<Point> Get() const { return centres_; }

 private:
  std::vector<Point> centres_;
};

// Around `centres` points on a circle.
std::vector<double> RandomCoordinates(size_t points, size_t centres) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> spread(0, 0.2);
  std::vector<double> coordinates;
  for (size_t i = 0; i < points; ++i) {
    const double angle = 2 * M_PI * static_cast<double>(i % centres) / static_cast<double>(centres);
    coordinates.push_back(std::cos(angle) + spread(random));
    coordinates.push_back(std::sin(angle) + spread(random));
  }
  return coordinates;
}

}  // namespace

int main(int argc, char** argv) {
  const auto points = static_cast<size_t>(
      examples::NumberArgument(argc, argv, 1, "number of points", 400'000, 1, 100'000'000));
  const auto centres =
      static_cast<size_t>(examples::NumberArgument(argc, argv, 2, "number of centres", 8, 1, 1000));
  const auto rounds =
      static_cast<int>(examples::NumberArgument(argc, argv, 3, "number of rounds", 10, 1, 10'000));
  const troupe::Cluster cluster = troupe::Init();

  const std::vector<double> coordinates = RandomCoordinates(points, centres);
  std::vector<std::vector<double>> parts(kParts);
  for (size_t i = 0; i < points; ++i) {
    std::vector<double>& part = parts[i % kParts];
    part.insert(part.end(), {coordinates[2 * i], coordinates[2 * i + 1]});
  }
  std::vector<Point> start(centres);
  for (size_t c = 0; c < centres && c < points; ++c)
    start[c] = {coordinates[2 * c], coordinates[2 * c + 1]};

  const auto parallel = examples::Timed([&] {
    std::vector<troupe::ObjectRef<std::vector<double>>> stored;
    for (const std::vector<double>& part : parts) stored.push_back(troupe::Put(part));
    const auto actor = troupe::Actor<Centres>(start).Remote();
    auto current = actor.Task(&Centres::Get).Remote();
    // The whole computation is submitted without a wait: references hold it together.
    for (int round = 0; round < rounds; ++round) {
      std::vector<troupe::ObjectRef<std::vector<Cluster>>> clusters;
      for (const auto& part : stored)
        clusters.push_back(troupe::Task(Assign).Remote(part, current));
      current = actor.Task(&Centres::Move).Remote(clusters);
    }
    return troupe::Get(current);
  });
  const auto serial = examples::Timed([&] {
    Centres all(start);
    for (int round = 0; round < rounds; ++round) {
      std::vector<std::vector<Cluster>> clusters;
      for (const std::vector<double>& part : parts) clusters.push_back(Assign(part, all.Get()));
      all.Move(clusters);
    }
    return all.Get();
  });

  std::printf("%zu points, %zu centres, %d rounds:\n", points, centres, rounds);
  bool agree = parallel.result.size() == serial.result.size();
  for (size_t c = 0; c < parallel.result.size(); ++c) {
    const Point& centre = parallel.result[c];
    if (c < 8) std::printf("  centre %zu at (%.4f, %.4f)\n", c, centre.x, centre.y);
    agree &= centre.x == serial.result[c].x && centre.y == serial.result[c].y;
  }
  return examples::Verdict(agree, parallel.seconds, serial.seconds);
}
