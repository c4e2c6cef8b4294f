// The programs of docs/guide.md: actors.
#include <cstdio>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sdk/troupe.h"

namespace {

// An actor is an object of an ordinary class, in a process of its own.
class Inventory {
 public:
  explicit Inventory(std::map<std::string, int> stock) : stock_(std::move(stock)) {}
  int Take(const std::string& what, int count) {
    int& left = stock_[what];
    if (left < count)
      throw std::runtime_error("only " + std::to_string(left) + " " + what + " left");
    return left -= count;
  }

 private:
  std::map<std::string, int> stock_;
};

// A handle is a value: tasks get it as an argument.
int Order(const troupe::ActorHandle<Inventory>& inventory, const std::string& what) {
  return troupe::Get(inventory.Task(&Inventory::Take).Remote(what, 1));
}

void CallsInOrder() {
  const auto inventory =
      troupe::Actor<Inventory>(std::map<std::string, int>{{"apples", 5}}).Remote();
  const auto four = inventory.Task(&Inventory::Take).Remote("apples", 1);
  const auto two = inventory.Task(&Inventory::Take).Remote("apples", 2);  // after the first
  std::printf("%d, then %d are left\n", troupe::Get(four), troupe::Get(two));
  std::printf("a task leaves %d\n", troupe::Get(troupe::Task(Order).Remote(inventory, "apples")));
  try {
    (void)troupe::Get(inventory.Task(&Inventory::Take).Remote("apples", 10));
  } catch (const troupe::TaskError& e) {
    std::printf("%s\n", e.info().message.c_str());  // the actor lives on
  }
}

void ByName() {
  const auto made = troupe::Actor<Inventory>(std::map<std::string, int>{{"pears", 1}})
                        .Options({.name = "inventory"})
                        .Remote();
  const auto found = troupe::FindActor<Inventory>("inventory");
  std::printf("%d pears are left\n", troupe::Get(found.Task(&Inventory::Take).Remote("pears", 1)));
}

// Several calls of it run at a time, so it locks what they share.
class Thermometer {
 public:
  double Average(const std::vector<double>& values) {  // may take long
    double sum = 0;
    for (const double value : values) sum += value;
    const std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    return sum / static_cast<double>(values.size());
  }
  int Done() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return done_;
  }

 private:
  std::mutex mutex_;
  int done_ = 0;
};

void SeveralAtATime() {
  const auto thermometer =
      troupe::Actor<Thermometer>()
          .Options({.max_concurrency = 4, .concurrency_groups = {{"status", 1}}})
          .Remote();
  std::vector<troupe::ObjectRef<double>> averages;
  for (int i = 0; i < 8; ++i) {
    averages.push_back(
        thermometer.Task(&Thermometer::Average).Remote(std::vector<double>(1000, i)));
  }
  // Does not queue behind them.
  const auto done =
      thermometer.Task(&Thermometer::Done).Options({.concurrency_group = "status"}).Remote();
  std::printf("%d of 8 are done\n", troupe::Get(done));
  std::printf("the last average is %g\n", troupe::Get(averages).back());
}

void Groups() {
  // Both bundles or none: the second one would wait for ever beside half of another such pair.
  const auto pair = troupe::PlacementGroup::New({{.cpus = 0.5}, {.cpus = 0.5}});
  const auto inventory = troupe::Actor<Inventory>(std::map<std::string, int>{{"plums", 5}})
                             .Options({.cpus = 0.5, .placement = pair.In(0)})
                             .Remote();
  const auto plums = inventory.Task(&Inventory::Take).Remote("plums", 2);
  const auto eaten = troupe::Task([](int left) { return 5 - left; })
                         .Options({.cpus = 0.5, .placement = pair.In(1)})
                         .Remote(plums);
  std::printf("%d plums were taken\n", troupe::Get(eaten));
}

double LookUp(const std::string& what) {  // far away, and slow
  return static_cast<double>(what.size());
}

// Its coroutines take turns on one thread: what they share needs no lock.
class PriceList {
 public:
  troupe::Async<double> Price(const std::string& what) {
    if (!prices_.contains(what)) prices_[what] = co_await troupe::Task(LookUp).Remote(what);
    co_return prices_[what];
  }
  int Known() { return static_cast<int>(prices_.size()); }

 private:
  std::map<std::string, double> prices_;
};

void CoroutinesOfAnActor() {
  const auto list = troupe::Actor<PriceList>().Remote();
  const auto apples = list.Task(&PriceList::Price).Remote("apples");
  const auto figs = list.Task(&PriceList::Price).Remote("figs");  // while that one waits
  std::printf("%d prices were known\n", troupe::Get(list.Task(&PriceList::Known).Remote()));
  std::printf("figs cost %g, apples %g\n", troupe::Get(figs), troupe::Get(apples));
}

}  // namespace

int main() {
  const troupe::Cluster cluster = troupe::Init();
  CallsInOrder();
  ByName();
  SeveralAtATime();
  Groups();
  CoroutinesOfAnActor();
}
