// The programs of docs/guide.md: tasks.
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "sdk/troupe.h"

namespace {

// A task is an ordinary function. Its parameters are values or const references.
double Mean(const std::vector<double>& xs) {
  return std::accumulate(xs.begin(), xs.end(), 0.0) / static_cast<double>(xs.size());
}
double Difference(double a, double b) { return a - b; }

void FirstTask() {
  const troupe::ObjectRef<double> mean =
      troupe::Task(Mean).Remote(std::vector<double>{1, 2, 3});  // returns at once
  std::printf("the mean is %g\n", troupe::Get(mean));           // waits
}

void ReferencesAreArguments() {
  const auto data = troupe::Put(std::vector<double>(1'000'000, 1.5));  // stored once
  const auto a = troupe::Task(Mean).Remote(data);                      // 16 bytes travel
  const auto b = troupe::Task(Mean).Remote(data);
  const auto difference = troupe::Task(Difference).Remote(a, b);  // runs when both are there
  std::printf("the difference is %g\n", troupe::Get(difference));
}

void WhatALambdaCaptures() {
  const double factor = 3;
  // A lambda that captures does not compile: what it needs is bound, so that it can travel.
  const auto scale = troupe::Bind([](double f, double x) { return f * x; }, factor);
  std::printf("scaled: %g\n", troupe::Get(troupe::Task(scale).Remote(14.0)));
}

std::tuple<int, std::string> Parse(const std::string& line) {
  const size_t space = line.find(' ');
  if (space == std::string::npos) throw std::invalid_argument("no number in \"" + line + "\"");
  return {std::stoi(line.substr(space + 1)), line.substr(0, space)};
}

void SeveralResults() {
  const auto [age, name] = troupe::Task(Parse).Returns<int, std::string>().Remote("Ada 36");
  std::printf("%s is %d\n", troupe::Get(name).c_str(), troupe::Get(age));
}

void Errors() {
  const auto wrong =
      troupe::Task(Parse).Options({.name = "parse", .timeout = absl::Seconds(5)}).Remote("Ada");
  try {
    (void)troupe::Get(wrong);
  } catch (const troupe::TaskError& e) {
    // What was thrown, where, in which attempt, in which process.
    std::printf("%s: %s\n", e.info().exception_type.c_str(), e.info().message.c_str());
  }
}

void AsTheyComplete() {
  std::vector<troupe::ObjectRef<double>> means;
  for (int n = 1; n <= 4; ++n)
    means.push_back(troupe::Task(Mean).Remote(std::vector<double>(1000, n)));
  double sum = 0;
  for (auto [index, mean] : troupe::AsCompleted(means)) sum += troupe::Get(mean);
  std::printf("the means add up to %g\n", sum);
}

}  // namespace

int main() {
  const troupe::Cluster cluster = troupe::Init();
  FirstTask();
  ReferencesAreArguments();
  WhatALambdaCaptures();
  SeveralResults();
  Errors();
  AsTheyComplete();
}
