// Which learning rate and regularisation fit a line best? Each combination is a task; the most
// promising ones go first (priority); those that diverge throw, and are left out; a bar shows how
// far it is (Progress).
//
// And which is the highest rate at which no fifth of the data diverges? A Map for each rate,
// from the highest down: fail_fast, so that the first fifth that diverges ends it, and nobody
// computes the others.
//
//   bazel run -c opt //examples:hyperparameter_search -- [RATES [POINTS]]
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <tuple>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

class Diverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
[[maybe_unused]] const bool registered = troupe::RegisterException<Diverged>();

// The mean squared error after some steps of gradient descent on y = a x + b.
double Fit(std::span<const double> points, double rate, double regularisation) {
  double a = 0, b = 0;
  const auto n = static_cast<double>(points.size() / 2);
  double error = 0;
  for (int step = 0; step < 40; ++step) {
    double gradient_a = 2 * regularisation * a, gradient_b = 0;
    error = 0;
    for (size_t i = 0; i < points.size(); i += 2) {
      const double off = a * points[i] + b - points[i + 1];
      gradient_a += 2 * off * points[i] / n;
      gradient_b += 2 * off / n;
      error += off * off / n;
    }
    a -= rate * gradient_a;
    b -= rate * gradient_b;
    if (!(error < 1e9)) throw Diverged("a rate of " + std::to_string(rate) + " is too high");
  }
  return error;
}

constexpr size_t kFolds = 5;

double FitFold(double rate, std::span<const double> points) { return Fit(points, rate, 0); }

struct Best {
  double rate = 0, regularisation = 0, error = 1e300;
  int diverged = 0;
  double highest_stable_rate = 0;
  friend bool operator==(const Best&, const Best&) = default;
};
// The same whichever comes first.
void Take(Best* best, double rate, double regularisation, double error) {
  if (std::tuple(error, rate, regularisation) <
      std::tuple(best->error, best->rate, best->regularisation)) {
    best->rate = rate;
    best->regularisation = regularisation;
    best->error = error;
  }
}

// The first of the rates, from the last down, for which `fits` says so; 0: none.
template <typename F>
double HighestStable(const std::vector<double>& rates, F fits) {
  const auto it = std::find_if(rates.rbegin(), rates.rend(), fits);
  return it == rates.rend() ? 0 : *it;
}

}  // namespace

int main(int argc, char** argv) {
  const auto rates = static_cast<int>(
      examples::NumberArgument(argc, argv, 1, "number of learning rates", 20, 1, 10'000));
  const auto count = static_cast<size_t>(
      examples::NumberArgument(argc, argv, 2, "number of points", 20'000, 1, 100'000'000));
  const troupe::Cluster cluster = troupe::Init();
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(0, 0.1);
  std::vector<double> points;
  for (size_t i = 0; i < count; ++i) {
    const double x = static_cast<double>(i) / static_cast<double>(count);
    points.insert(points.end(), {x, 3 * x + 1 + noise(random)});
  }
  std::vector<std::vector<double>> folds(kFolds);
  for (size_t i = 0; i < points.size(); i += 2)
    folds[i / 2 % kFolds].insert(folds[i / 2 % kFolds].end(), {points[i], points[i + 1]});
  std::vector<double> all_rates;
  std::vector<std::tuple<double, double>> combinations;
  for (int i = 1; i <= rates; ++i) {
    all_rates.push_back(2.0 * i / rates);
    for (const double regularisation : {0.0, 0.001, 0.1})
      combinations.emplace_back(all_rates.back(), regularisation);
  }

  const auto parallel = examples::Timed([&] {
    const troupe::ObjectRef<std::vector<double>> stored = troupe::Put(points);
    std::vector<troupe::ObjectRef<double>> errors;
    for (const auto& [rate, regularisation] : combinations) {
      const bool promising = rate > 0.5 && rate < 1;
      errors.push_back(troupe::Task(Fit)
                           .Options({.name = "fit", .priority = promising ? 1 : 0})
                           .Remote(stored, rate, regularisation));
    }
    Best best;
    troupe::Progress progress("combinations", combinations.size());
    for (auto [index, error] : troupe::AsCompleted(errors)) {
      progress.Add(1);
      const auto& [rate, regularisation] = combinations[index];
      try {
        Take(&best, rate, regularisation, troupe::Get(error));
      } catch (const Diverged&) {
        ++best.diverged;
      }
    }
    std::vector<troupe::ObjectRef<std::vector<double>>> stored_folds;
    for (const std::vector<double>& fold : folds) stored_folds.push_back(troupe::Put(fold));
    best.highest_stable_rate = HighestStable(all_rates, [&](double rate) {
      try {
        (void)troupe::Map(troupe::Bind(FitFold, rate), stored_folds,
                          {.name = "fold", .on_error = troupe::OnError::kFailFast, .chunk = 1})
            .ToVector();
        return true;
      } catch (const Diverged&) {
        return false;
      }
    });
    return best;
  });
  const auto serial = examples::Timed([&] {
    Best best;
    for (const auto& [rate, regularisation] : combinations) {
      try {
        Take(&best, rate, regularisation, Fit(points, rate, regularisation));
      } catch (const Diverged&) {
        ++best.diverged;
      }
    }
    best.highest_stable_rate = HighestStable(all_rates, [&](double rate) {
      try {
        for (const std::vector<double>& fold : folds) (void)FitFold(rate, fold);
        return true;
      } catch (const Diverged&) {
        return false;
      }
    });
    return best;
  });
  const Best& best = parallel.result;
  std::printf("of %zu combinations, %d diverge; best: rate %.3f, regularisation %.3f, error %.5f\n",
              combinations.size(), best.diverged, best.rate, best.regularisation, best.error);
  std::printf("up to a rate of %.3f no fifth of the data diverges\n", best.highest_stable_rate);
  return examples::Verdict(best == serial.result, parallel.seconds, serial.seconds);
}
