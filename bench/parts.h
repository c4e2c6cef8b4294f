// The single-threaded parts of the road, one by one: what a task or a value goes through in each of
// them. bench:micro times them, bench:ratchet counts their instructions and allocations.
//
//   for (const Part& part : Parts()) {
//     const Part::Operation operation = part.make();   // with all that it needs
//     operation(1000);                                 // does it so many times
//   }
//
// Nothing in them depends on chance, on the clock or on what ran before: they repeat exactly.
#ifndef TROUPE_BENCH_PARTS_H_
#define TROUPE_BENCH_PARTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

struct Part {
  using Operation = std::function<void(int64_t times)>;

  std::string name;
  std::function<Operation()> make;
};

const std::vector<Part>& Parts();

}  // namespace bench

#endif  // TROUPE_BENCH_PARTS_H_
