// A parameter server: an actor holds the weights of a model; workers compute gradients on their
// part of the data; every round uses the weights of the one before it. The server is asynchronous:
// its Apply is a coroutine that takes each gradient when it comes, and while it waits, the server
// answers who asks how far it is.
//
//   bazel run -c opt //examples:parameter_server -- [POINTS [ROUNDS]]
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

constexpr size_t kFeatures = 16;
constexpr size_t kParts = 8;
using Weights = std::vector<double>;

// Of logistic regression. `rows`: kFeatures values and a label of 0 or 1, one after the other.
Weights Gradient(std::span<const double> rows, const Weights& weights) {
  Weights gradient(kFeatures, 0.0);
  for (size_t at = 0; at < rows.size(); at += kFeatures + 1) {
    double score = 0;
    for (size_t i = 0; i < kFeatures; ++i) score += rows[at + i] * weights[i];
    const double off = 1 / (1 + std::exp(-score)) - rows[at + kFeatures];
    for (size_t i = 0; i < kFeatures; ++i) gradient[i] += off * rows[at + i];
  }
  return gradient;
}

class ParameterServer {
 public:
  explicit ParameterServer(double rate) : rate_(rate), weights_(kFeatures, 0.0) {}
  Weights Get() const { return weights_; }
  int Applied() const { return applied_; }
  void Add(const Weights& gradient) {
    for (size_t i = 0; i < kFeatures; ++i) weights_[i] -= rate_ * gradient[i];
    ++applied_;
  }
  // All gradients of a round, in the order of the parts, so that the sums are the serial ones.
  troupe::Async<Weights> Apply(std::vector<troupe::ObjectRef<Weights>> gradients) {
    for (const troupe::ObjectRef<Weights>& gradient : gradients) Add(co_await gradient);
    co_return weights_;
  }

 private:
  double rate_;
  Weights weights_;
  int applied_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const auto points = static_cast<size_t>(
      examples::NumberArgument(argc, argv, 1, "number of points", 80'000, 1, 100'000'000));
  const auto rounds =
      static_cast<int>(examples::NumberArgument(argc, argv, 2, "number of rounds", 20, 1, 100'000));
  const troupe::Cluster cluster = troupe::Init();
  std::mt19937_64 random(7);
  std::normal_distribution<double> value(0, 1);
  std::vector<std::vector<double>> parts(kParts);
  for (size_t p = 0; p < points; ++p) {
    double sum = 0;
    for (size_t i = 0; i < kFeatures; ++i) {
      parts[p % kParts].push_back(value(random));
      sum += parts[p % kParts].back() * (i % 2 == 0 ? 1 : -0.5);
    }
    parts[p % kParts].push_back(sum > 0 ? 1 : 0);
  }
  const double rate = 1.0 / static_cast<double>(points);

  const auto parallel = examples::Timed([&] {
    std::vector<troupe::ObjectRef<std::vector<double>>> stored;
    for (const std::vector<double>& part : parts) stored.push_back(troupe::Put(part));
    const auto server = troupe::Actor<ParameterServer>(rate).Remote();
    troupe::ObjectRef<Weights> weights = server.Task(&ParameterServer::Get).Remote();
    for (int round = 0; round < rounds; ++round) {
      std::vector<troupe::ObjectRef<Weights>> gradients;
      for (const auto& part : stored)
        gradients.push_back(troupe::Task(Gradient).Remote(part, weights));
      weights = server.Task(&ParameterServer::Apply).Remote(gradients);
    }
    const troupe::ObjectRef<int> applied = server.Task(&ParameterServer::Applied).Remote();
    std::printf("all rounds are submitted, and %d of %zu gradients applied\n", troupe::Get(applied),
                static_cast<size_t>(rounds) * kParts);
    return troupe::Get(weights);
  });
  const auto serial = examples::Timed([&] {
    ParameterServer server(rate);
    for (int round = 0; round < rounds; ++round) {
      const Weights weights = server.Get();
      for (const std::vector<double>& part : parts) server.Add(Gradient(part, weights));
    }
    return server.Get();
  });
  std::printf("%zu points, %d rounds: the first weights are %.4f and %.4f\n", points, rounds,
              parallel.result[0], parallel.result[1]);
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
