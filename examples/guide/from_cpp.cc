// The program of docs/from_cpp.md.
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "sdk/troupe.h"

using Chunk = std::vector<double>;
using Table = std::map<std::string, int>;

struct Model {
  double weight = 0;
};

double Sum(const Model& model, const Chunk& chunk) {
  double sum = 0;
  for (const double x : chunk) sum += model.weight * x;
  return sum;
}

Table Load(const std::string& name) { return {{name, static_cast<int>(name.size())}}; }
Table Merge(Table left, const Table& right) {
  left.insert(right.begin(), right.end());
  return left;
}

int main() {
  troupe::Cluster cluster = troupe::Init();
  const Model model{2};
  const std::vector<Chunk> chunks = {{1, 2}, {3}, {}};

  const auto sum = troupe::Bind(Sum, model);
  std::vector<troupe::ObjectRef<double>> parts;
  for (const Chunk& chunk : chunks) parts.push_back(troupe::Task(sum).Remote(chunk));
  double total = 0;
  for (const double part : troupe::Get(parts)) total += part;

  troupe::ObjectRef<Table> left = troupe::Task(Load).Remote("left");
  troupe::ObjectRef<Table> right = troupe::Task(Load).Remote("right");
  troupe::ObjectRef<Table> both = troupe::Task(Merge).Remote(left, right);

  std::cout << "the parts add up to " << total << ", and both have " << troupe::Get(both).size()
            << " rows\n";
}
