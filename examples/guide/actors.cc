// The programs of docs/guide.md: actors.
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

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

}  // namespace

int main() {
  const troupe::Cluster cluster = troupe::Init();
  CallsInOrder();
  ByName();
}
