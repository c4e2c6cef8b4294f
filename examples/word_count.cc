// Counts words by a map over all files and a tree of merges: no count ever comes to the driver but
// the last one.
//
//   bazel run -c opt //examples:word_count -- FILE...
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "examples/comparison.h"
#include "examples/words.h"
#include "sdk/troupe.h"

namespace {

using examples::WordCounts;
using Counts = troupe::ObjectRef<WordCounts>;

// Merges pairs until one is left. All tasks are submitted at once; each begins when its two are
// there.
Counts MergeAll(std::vector<Counts> level) {
  while (level.size() > 1) {
    std::vector<Counts> next;
    for (size_t i = 0; i + 1 < level.size(); i += 2) {
      next.push_back(
          troupe::Task(examples::Merge).Options({.name = "Merge"}).Remote(level[i], level[i + 1]));
    }
    if (level.size() % 2 == 1) next.push_back(level.back());
    level = std::move(next);
  }
  return level.front();
}

}  // namespace

int main(int argc, char** argv) {
  const troupe::Cluster cluster = troupe::Init();
  const std::vector<std::string> files = examples::FilesOf(argc, argv);
  const auto parallel = examples::Timed([&] {
    std::vector<Counts> counts;
    for (const std::string& file : files)
      counts.push_back(troupe::Task(examples::CountWordsInFile).Remote(file));
    return troupe::Get(MergeAll(std::move(counts)));
  });
  const auto serial = examples::Timed([&] {
    WordCounts all;
    for (const std::string& file : files)
      all = examples::Merge(std::move(all), examples::CountWordsInFile(file));
    return all;
  });
  int64_t words = 0;
  for (const auto& [word, count] : parallel.result) words += count;
  std::cout << files.size() << " files have " << words << " words, " << parallel.result.size()
            << " of them different; the most frequent are\n";
  examples::PrintMostFrequent(parallel.result, 10);
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
