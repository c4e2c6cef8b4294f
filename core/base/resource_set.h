// ResourceSet is an amount of CPU and of named resources, in 1/10000 (a CPU is 10000; "gpu": 0.25
// is 2500).
//
// Fixed-point, so that sums of fractions come out exactly. Thread-safety: a value.
//
//   ResourceSet free = ResourceSet::Cpus(2);
//   if (free.Covers(want)) free.Subtract(want);
//
// After Ray's fixed-point resource quantities.
#ifndef TROUPE_CORE_BASE_RESOURCE_SET_H_
#define TROUPE_CORE_BASE_RESOURCE_SET_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

inline constexpr int64_t kResourceUnit = 10'000;
// Of a resource named "memory", which is counted in bytes.
inline constexpr int64_t kMaxMemoryBytes = int64_t{1} << 49;

class ResourceSet {
 public:
  ResourceSet() = default;
  // `cpus` in whole CPUs.
  static ResourceSet Cpus(double cpus) {
    return ResourceSet(static_cast<int64_t>(cpus * kResourceUnit + 0.5));
  }
  explicit ResourceSet(int64_t cpu_units) : cpu_units_(cpu_units) {}

  int64_t cpu_units() const { return cpu_units_; }
  int64_t Named(std::string_view name) const;
  void SetNamed(std::string_view name, int64_t units);
  const std::vector<std::pair<std::string, int64_t>>& named() const { return named_; }

  // True where each amount of `want` is there.
  bool Covers(const ResourceSet& want) const {
    if (want.cpu_units_ > 0 && want.cpu_units_ > cpu_units_) return false;
    return want.named_.empty() || CoversNamed(want);
  }
  void Add(const ResourceSet& other);
  // May leave negative amounts: a worker that unblocks takes its CPU back even where it was lent
  // on.
  void Subtract(const ResourceSet& other);

  // "0.5 cpus, 1 gpu"
  std::string ToString() const;

  friend bool operator==(const ResourceSet&, const ResourceSet&) = default;

 private:
  bool CoversNamed(const ResourceSet& want) const;

  int64_t cpu_units_ = 0;
  std::vector<std::pair<std::string, int64_t>> named_;  // sorted by name, no zero amounts
};

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_RESOURCE_SET_H_
