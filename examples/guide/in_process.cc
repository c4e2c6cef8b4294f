// The programs of docs/guide.md: unit tests, debuggers, and what a worker keeps.
#include <cstdio>
#include <map>
#include <string>

#include "sdk/troupe.h"

namespace {

std::map<std::string, int> LoadPrices() { return {{"apple", 6}, {"fig", 4}}; }

// Each worker loads it once, when it first looks.
troupe::WorkerLocal<std::map<std::string, int>> prices(LoadPrices);

int PriceOf(const std::string& fruit) { return prices->at(fruit); }

void TestOfPrices() {
  const troupe::Cluster cluster = troupe::Init({.in_process = true, .workers = 2});
  const troupe::ObjectRef<int> price = troupe::Task(PriceOf).Remote("fig");
  std::printf("a fig costs %d\n", troupe::Get(price));  // a breakpoint in PriceOf is hit
}

}  // namespace

int main() { TestOfPrices(); }
