// What the tests of Map and of the reductions hand over: functions, inputs that are read as they
// are asked for, and ends that come early.
#ifndef TROUPE_TESTS_INTEGRATION_MAPPING_H_
#define TROUPE_TESTS_INTEGRATION_MAPPING_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sdk/troupe.h"
#include "tests/integration/conditions.h"

namespace troupe::testing {

inline int Square(int x) { return x * x; }
inline int FailsOnThirteen(int x) {
  if (x == 13) throw std::invalid_argument("13 brings no luck");
  return x;
}
inline std::string Joined(const std::string& a, const std::string& b) { return a + b; }

// Ends only when it is told to.
inline int UntilStopped() {
  const std::stop_token stop = troupe::CurrentTask().stop_token();
  while (!stop.stop_requested()) std::this_thread::yield();
  return 0;
}
// The first item fails as soon as another one runs, and those end only when they are told to.
inline int FirstFails(const std::string& another_runs, int i) {
  if (i > 0) {
    Touch(another_runs);
    return UntilStopped();
  }
  Eventually([&] { return Exists(another_runs); });
  throw std::invalid_argument("the first item");
}

// make(0), make(1), ... make(count - 1), each when it is asked for.
template <typename F>
class Lazy {
 public:
  class Iterator {
   public:
    using value_type = std::invoke_result_t<const F&, int>;
    using difference_type = std::ptrdiff_t;
    Iterator(const F* make, int end) : make_(make), end_(end) {}
    value_type operator*() const { return (*make_)(at_); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    void operator++(int) { ++at_; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) {
      return it.at_ == it.end_;
    }

   private:
    const F* make_;
    int end_;
    int at_ = 0;
  };
  Lazy(int count, F make) : count_(count), make_(std::move(make)) {}
  Iterator begin() const { return Iterator(&make_, count_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  int count_;
  F make_;
};
// The input breaks off at its fifth item.
inline int Breaking(int i) {
  if (i == 4) throw std::out_of_range("the input breaks off");
  return i;
}

// The numbers from 1, without an end; how far it was read is seen from outside.
class Naturals {
 public:
  class Iterator {
   public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(int* read) : read_(read) {}
    int operator*() const { return *read_; }
    Iterator& operator++() {
      ++*read_;
      return *this;
    }
    void operator++(int) { ++*read_; }
    friend bool operator==(const Iterator&, std::default_sentinel_t) { return false; }

   private:
    int* read_;
  };
  Iterator begin() { return Iterator(&read_); }
  std::default_sentinel_t end() const { return {}; }
  int read() const { return read_; }

 private:
  int read_ = 1;
};

inline std::vector<int> UpTo(int n) {
  std::vector<int> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

class MappingTest : public ::testing::Test {
 protected:
  // A task gets both CPUs: nothing of what was cancelled runs.
  static void ExpectFreeWorkers() {
    const troupe::ObjectRef<int> nine = troupe::Task(Square).Options({.cpus = 2}).Remote(3);
    EXPECT_EQ(troupe::Get(nine, absl::Minutes(1)), 9);
  }

  troupe::Cluster cluster_ = troupe::Init({.workers = 2});
};

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_MAPPING_H_
