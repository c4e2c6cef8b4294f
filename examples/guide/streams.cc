// The programs of docs/guide.md: mapping, streams, coroutines, packing.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sdk/troupe.h"

namespace {

int Square(int x) { return x * x; }

void Mapping() {
  std::vector<int> numbers(1000);
  for (int i = 0; i < 1000; ++i) numbers[static_cast<size_t>(i)] = i;
  long sum = 0;
  for (auto [i, y] : troupe::Map(Square, numbers)) sum += y;  // in order; short calls share a task
  std::printf("the squares add up to %ld\n", sum);
  const long longs =
      troupe::MapReduce([](int x) { return long{x} * x; }, std::plus<long>(), numbers);
  std::printf("and again to %ld\n", longs);
}

// A function that returns a Generator gives its results one by one.
troupe::Generator<std::string> Words(std::string text) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    co_yield text.substr(begin, end - begin);
    begin = end + 1;
  }
}

void Streams() {
  for (const troupe::ObjectRef<std::string> word : troupe::Task(Words).Remote("one two three"))
    std::printf("%s\n", troupe::Get(word).c_str());  // while the task goes on
}

// A coroutine waits for references without holding up others.
troupe::Async<int> SumOfSquares(int a, int b) {
  const troupe::ObjectRef<int> first = troupe::Task(Square).Remote(a);
  const troupe::ObjectRef<int> second = troupe::Task(Square).Remote(b);
  const int x = co_await first;
  co_return x + co_await second;
}

void Coroutines() {
  std::vector<troupe::Async<int>> sums;
  for (int i = 0; i < 3; ++i) sums.push_back(SumOfSquares(i, i + 1));
  for (const int sum : troupe::RunAll(std::move(sums))) std::printf("%d\n", sum);
}

void Packing() {
  const std::string task = troupe::PackTask(Square, 12);  // bytes: to a queue, a file
  const std::string result = troupe::ExecutePacked(task);
  std::printf("12 squared is %d\n", troupe::UnpackResult<int>(result));
}

}  // namespace

int main() {
  const troupe::Cluster cluster = troupe::Init();
  Mapping();
  Streams();
  Coroutines();
  Packing();
}
