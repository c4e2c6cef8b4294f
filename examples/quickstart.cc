// A tour of Troupe: tasks, references, an actor, an error, and then real work.
//
//   ./bazelw run //examples:quickstart              counts the words of Debian's licence texts
//   ./bazelw run //examples:quickstart -- FILE...   counts the words of these files
#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "examples/comparison.h"
#include "examples/words.h"
#include "sdk/troupe.h"

namespace {

int Square(int x) { return x * x; }

int Sum(const std::vector<int>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0);
}

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Reciprocal(double x) {
  if (x == 0) throw std::domain_error("0 has no reciprocal");
  return 1 / x;
}

// An actor: an object in a process of its own.
class Counter {
 public:
  explicit Counter(int start) : count_(start) {}
  int Add(int by) { return count_ += by; }

 private:
  int count_;
};

void Tasks() {
  const troupe::ObjectRef<int> nine = troupe::Task(Square).Remote(3);
  std::cout << "tasks: 3 squared is " << troupe::Get(nine) << "\n";

  // References are arguments, too: Sum begins when all squares are there. Nothing waits here.
  std::vector<troupe::ObjectRef<int>> squares;
  for (int i = 1; i <= 10; ++i) squares.push_back(troupe::Task(Square).Remote(i));
  const troupe::ObjectRef<int> sum = troupe::Task(Sum).Remote(squares);
  std::cout << "tasks: the sum of ten squares is " << troupe::Get(sum) << "\n";
}

void References() {
  // 8 MB go to shared memory once; 16 bytes travel to each task.
  const auto values = troupe::Put(std::vector<double>(1'000'000, 1.5));
  std::cout << "references: the mean is " << troupe::Get(troupe::Task(Mean).Remote(values)) << "\n";
}

void Actors() {
  const auto counter = troupe::Actor<Counter>(10).Remote();
  const auto eleven = counter.Task(&Counter::Add).Remote(1);
  const auto twenty_two = counter.Task(&Counter::Add).Remote(eleven);  // in order
  std::cout << "actors: 10 + 1 = " << troupe::Get(eleven) << ", and that twice is "
            << troupe::Get(twenty_two) << "\n";
}

void Errors() {
  // The second task is never run: its argument has failed, and so has it.
  const auto failed = troupe::Task(Reciprocal).Remote(troupe::Task(Reciprocal).Remote(0.0));
  try {
    std::cout << troupe::Get(failed) << "\n";
  } catch (const troupe::TaskError& error) {
    std::cout << "errors: " << error.what() << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  const troupe::Cluster cluster = troupe::Init();
  std::cout << (cluster.embedded() ? "an embedded cluster" : cluster.address()) << " with "
            << cluster.cpus() << " CPUs\n";
  Tasks();
  References();
  Actors();
  Errors();

  const std::vector<std::string> files = examples::FilesOf(argc, argv);
  const auto parallel = examples::Timed([&] {
    std::vector<troupe::ObjectRef<examples::WordCounts>> counts;
    for (const std::string& file : files)
      counts.push_back(troupe::Task(examples::CountWordsInFile).Remote(file));
    examples::WordCounts all;
    for (const auto& one : counts) all = examples::Merge(std::move(all), troupe::Get(one));
    return all;
  });
  const auto serial = examples::Timed([&] {
    examples::WordCounts all;
    for (const std::string& file : files)
      all = examples::Merge(std::move(all), examples::CountWordsInFile(file));
    return all;
  });
  std::cout << "the most frequent words of " << files.size() << " files:\n";
  examples::PrintMostFrequent(parallel.result, 3);
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
