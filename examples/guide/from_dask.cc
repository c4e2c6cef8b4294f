// The program of docs/from_dask.md.
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "sdk/troupe.h"

// A site of ten pages, of which each links to two.
std::string Load(int page) {
  return std::to_string((2 * page + 1) % 10) + " " + std::to_string((3 * page + 1) % 10);
}
std::vector<int> Links(const std::string& text) {
  std::istringstream words(text);
  std::vector<int> links;
  for (int link = 0; words >> link;) links.push_back(link);
  return links;
}

int main() {
  troupe::Cluster cluster = troupe::Init();
  std::set<int> seen = {0};
  auto pages = troupe::AsCompleted(std::vector{troupe::Task(Load).Remote(0)});
  for (auto [index, page] : pages) {
    for (const int link : Links(troupe::Get(page))) {
      if (seen.insert(link).second) pages.Add(troupe::Task(Load).Remote(link));
    }
  }
  std::cout << seen.size() << " pages were found\n";
}
