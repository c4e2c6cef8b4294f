#include <cstdint>
#include <vector>

#include "bench/limits.h"
#include "bench/read_back.h"
#include "bench/rows.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

int64_t SumOf(const std::vector<char>& bytes) {
  int64_t sum = 0;
  for (const char byte : bytes) sum += byte;
  return sum;
}

template <size_t kBytes>
double PutCalls(Meter& meter) {
  constexpr int64_t kPuts = 50'000;
  std::vector<troupe::ObjectRef<std::vector<char>>> refs;
  refs.reserve(kPuts);
  const std::vector<char> value(kBytes, 1);
  const double rate = meter.Rate(kPuts, [&] {
    for (int64_t i = 0; i < kPuts; ++i) refs.push_back(troupe::Put(value));
  });
  // One in a hundred is read back by another process.
  std::vector<troupe::ObjectRef<int64_t>> sums;
  for (size_t i = 0; i < refs.size(); i += 100) sums.push_back(troupe::Task(SumOf).Remote(refs[i]));
  for (const int64_t sum : troupe::Get(sums)) Expect(sum == kBytes, "puts");
  return rate;
}

double PutNumbers(Meter& meter) {
  constexpr int64_t kPuts = 50'000;
  std::vector<troupe::ObjectRef<int64_t>> refs;
  refs.reserve(kPuts);
  const double rate = meter.Rate(kPuts, [&] {
    for (int64_t i = 0; i < kPuts; ++i) refs.push_back(troupe::Put(i));
  });
  ExpectReadBack(refs, "puts");
  return rate;
}

double GetNumbers(Meter& meter) {
  constexpr int64_t kGets = 200'000;
  const auto ref = troupe::Put(int64_t{7});
  int64_t sum = 0;
  const double rate = meter.Rate(kGets, [&] {
    for (int64_t i = 0; i < kGets; ++i) sum += troupe::Get(ref);
  });
  Expect(sum == 7 * kGets, "gets");
  return rate;
}

double GetKibibytes(Meter& meter) {
  constexpr int64_t kGets = 100'000;
  const auto ref = troupe::Put(std::vector<char>(1024, 1));
  size_t sum = 0;
  const double rate = meter.Rate(kGets, [&] {
    for (int64_t i = 0; i < kGets; ++i) sum += troupe::Get(ref).size();
  });
  Expect(sum == 1024 * kGets, "gets");
  return rate;
}

double PutGigabytes(Meter& meter) {
  static const std::vector<char> value(kCopyBytes, 1);
  constexpr int kTimes = 10;
  troupe::ObjectRef<std::vector<char>> last;
  const double seconds = meter.Time(kTimes, [&] {
    for (int i = 0; i < kTimes; ++i) last = troupe::Put(value);
  });
  Expect(troupe::Get(troupe::Task(SumOf).Remote(last)) == static_cast<int64_t>(kCopyBytes),
         "a put of 64 MiB");
  return kTimes * static_cast<double>(kCopyBytes) / 1e9 / seconds;
}

}  // namespace

void AddObjectRows(Report& report) {
  report.Row("single_client_put_calls", "1/s", PutNumbers, HeapCopyRate8());
  report.Row("single_client_put_calls_1kib", "1/s", PutCalls<1024>, HeapCopyRate1024());
  report.Row("single_client_get_calls", "1/s", GetNumbers, HeapCopyRate8());
  report.Row("single_client_get_calls_1kib", "1/s", GetKibibytes, HeapCopyRate1024());
  report.Row("single_client_put_gigabytes", "GB/s", PutGigabytes, NonTemporalCopyRate());
}

}  // namespace bench
