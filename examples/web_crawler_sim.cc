// A crawler of a made-up web. A page is loaded by a task; as each comes, the links on it that are
// new are loaded too: references are added to what is being waited for.
//
//   bazel run -c opt //examples:web_crawler_sim -- [PAGES]
#include <cstdint>
#include <cstdio>
#include <deque>
#include <set>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

struct Page {
  int64_t number = 0;
  std::vector<int64_t> links;
  uint64_t fingerprint = 0;  // of what is on it
};

// What a server would send: its links, and something to read.
Page Load(int64_t number, int64_t pages) {
  Page page{number, {}, static_cast<uint64_t>(number)};
  for (int i = 0; i < 20'000; ++i) page.fingerprint = page.fingerprint * 6364136223846793005u + 1;
  for (int64_t i = 1; i <= 5; ++i) page.links.push_back((number * 31 + i * i * 17) % pages);
  return page;
}

struct Crawl {
  size_t pages = 0;
  uint64_t fingerprint = 0;  // the same in whatever order they come
  friend bool operator==(const Crawl&, const Crawl&) = default;
};

}  // namespace

int main(int argc, char** argv) {
  const int64_t pages =
      examples::NumberArgument(argc, argv, 1, "number of pages", 3'000, 1, 10'000'000);
  const troupe::Cluster cluster = troupe::Init();

  const auto parallel = examples::Timed([&] {
    Crawl crawl;
    std::set<int64_t> seen = {0};
    auto loading = troupe::AsCompleted(std::vector{troupe::Task(Load).Remote(0, pages)});
    for (auto [index, ref] : loading) {
      const Page page = troupe::Get(ref);
      ++crawl.pages;
      crawl.fingerprint ^= page.fingerprint;
      for (const int64_t link : page.links) {
        if (seen.insert(link).second) loading.Add(troupe::Task(Load).Remote(link, pages));
      }
    }
    return crawl;
  });
  const auto serial = examples::Timed([&] {
    Crawl crawl;
    std::set<int64_t> seen = {0};
    for (std::deque<int64_t> queue = {0}; !queue.empty(); queue.pop_front()) {
      const Page page = Load(queue.front(), pages);
      ++crawl.pages;
      crawl.fingerprint ^= page.fingerprint;
      for (const int64_t link : page.links) {
        if (seen.insert(link).second) queue.push_back(link);
      }
    }
    return crawl;
  });
  std::printf("%zu of %lld pages can be reached\n", parallel.result.pages,
              static_cast<long long>(pages));
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
