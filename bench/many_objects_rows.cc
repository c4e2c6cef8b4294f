#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "bench/limits.h"
#include "bench/private_memory.h"
#include "bench/read_back.h"
#include "bench/rows.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

constexpr int64_t kMillion = 1'000'000;
// A number in the store: its type, and itself.
constexpr int64_t kValueBytes = 24;
constexpr int64_t kRefs = 100'000;

struct Million {
  double node_bytes_each = 0;
  double driver_bytes_each = 0;
  double report_ms = 0;
};

// Until the node has heard of so many.
void WaitForObjects(uint64_t count) {
  while (troupe::Memory(0).object_count != count) absl::SleepFor(absl::Milliseconds(1));
}

// A million numbers that live at once, apart from their own bytes and the vector of references.
// What a reference has on the heap (sdk/object_ref.h: 64 bytes) is counted.
Million PutAMillion(Meter& meter) {
  const troupe::Cluster cluster = troupe::Init({.workers = 1});
  std::vector<troupe::ObjectRef<int64_t>> refs;
  refs.reserve(kMillion);
  WaitForObjects(0);
  const PrivateMemory before = PrivateMemory::Now();
  meter.Time(kMillion, [&] {
    for (int64_t i = 0; i < kMillion; ++i) refs.push_back(troupe::Put(i));
    WaitForObjects(kMillion);
  });
  const PrivateMemory after = PrivateMemory::Now();
  Million million;
  million.report_ms = Seconds([] {
                        const troupe::MemoryInfo info = troupe::Memory(10);
                        Expect(info.objects.size() == 10, "the largest objects");
                      }) *
                      1e3;
  const auto own = static_cast<int64_t>(refs.size() * sizeof(refs[0]));
  million.node_bytes_each = static_cast<double>(after.node - before.node) / kMillion - kValueBytes;
  million.driver_bytes_each =
      static_cast<double>(after.driver - before.driver - own) / kMillion - kValueBytes;
  ExpectReadBack(refs, "a million objects");
  return million;
}

// A value with many references inside is put, and read by this process: ms.
double ManyRefsInsideMs(Meter& meter) {
  std::vector<troupe::ObjectRef<int64_t>> refs;
  refs.reserve(kRefs);
  for (int64_t i = 0; i < kRefs; ++i) refs.push_back(troupe::Put(i));
  WaitForObjects(kRefs);
  std::vector<troupe::ObjectRef<int64_t>> back;
  const double seconds = meter.Time(1, [&] { back = troupe::Get(troupe::Put(refs)); });
  Expect(back.size() == refs.size(), "references inside a value");
  ExpectReadBack(back, "references inside a value");
  return seconds * 1e3;
}

}  // namespace

void AddManyObjectsRows(Report& report) {
  report.Row(
      "1m_small_objects_node_bytes_each", "B",
      [](Meter& meter) { return PutAMillion(meter).node_bytes_each; }, AtMost(100));
  report.Row(
      "1m_small_objects_driver_bytes_each", "B",
      [](Meter& meter) { return PutAMillion(meter).driver_bytes_each; }, AtMost(64));
  report.Row(
      "memory_report_of_1m_objects", "ms",
      [](Meter& meter) { return PutAMillion(meter).report_ms; }, AtMost(50));
  report.Row(
      "put_and_get_100k_refs_in_a_value", "ms",
      [](Meter& meter) {
        const troupe::Cluster cluster = troupe::Init({.workers = 1});
        return ManyRefsInsideMs(meter);
      },
      AtMost(100));
}

}  // namespace bench
