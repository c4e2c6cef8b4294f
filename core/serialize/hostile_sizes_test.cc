// A short input that claims many large elements takes little memory before it is found out.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/serialize/serialize.h"

namespace troupe::serialize {
namespace {

size_t taken_bytes = 0;  // by all of Counted, ever

template <typename T>
struct Counted : std::allocator<T> {
  Counted() = default;
  template <typename U>
  explicit Counted(const Counted<U>&) {}
  template <typename U>
  struct rebind {  // NOLINT(readability-identifier-naming): the standard's name
    using other = Counted<U>;
  };
  T* allocate(size_t n) {  // NOLINT(readability-identifier-naming): the standard's name
    taken_bytes += n * sizeof(T);
    return std::allocator<T>::allocate(n);
  }
};

using Row = std::array<double, 1000>;
struct Account {
  std::string owner;
  std::array<std::string, 100> notes;
};
struct Level {
  Row row{};
  std::vector<Level, Counted<Level>> below;
};

template <typename T>
std::vector<std::byte> Encoded(const T& value) {
  std::vector<std::byte> bytes(Measure(value)->bytes);
  std::vector<ObjectId> refs;
  EXPECT_TRUE(EncodeTo(value, bytes, &refs).ok());
  return bytes;
}

// An empty C whose count is made as large as `input_bytes` allow, and zeros for its elements.
template <typename C>
size_t TakenByAClaim(size_t input_bytes) {
  std::vector<std::byte> bytes = Encoded(C());
  bytes.resize(input_bytes);
  const uint64_t count = input_bytes - sizeof(ValueHeader) - sizeof(count);
  std::memcpy(bytes.data() + sizeof(ValueHeader), &count, sizeof(count));
  taken_bytes = 0;
  const auto value = Decode<C>(bytes, {});
  EXPECT_FALSE(value.ok()) << TypeName<C>();
  return taken_bytes;
}

TEST(HostileSizes, AClaimOfLargeElementsTakesLittle) {
  constexpr size_t kInput = 20'000;  // claims of 160 MB
  constexpr size_t kMost = 20 * kInput;
  EXPECT_LT((TakenByAClaim<std::vector<Row, Counted<Row>>>(kInput)), kMost);
  EXPECT_LT((TakenByAClaim<std::deque<Row, Counted<Row>>>(kInput)), kMost);
  EXPECT_LT((TakenByAClaim<std::list<Row, Counted<Row>>>(kInput)), kMost);
  EXPECT_LT((TakenByAClaim<std::vector<Account, Counted<Account>>>(kInput)), kMost);
  EXPECT_LT((TakenByAClaim<std::vector<Level, Counted<Level>>>(kInput)), kMost);
  // Numbers have a size that is known: nothing is taken at all.
  using Numbers = std::vector<long double, Counted<long double>>;
  EXPECT_LT((TakenByAClaim<std::vector<Numbers, Counted<Numbers>>>(kInput)), kMost);
}

TEST(HostileSizes, WhatIsThereIsReadWithoutMuchMore) {
  std::vector<Row, Counted<Row>> rows(50);
  for (size_t i = 0; i < rows.size(); ++i) rows[i].fill(static_cast<double>(i));
  const auto bytes = Encoded(rows);
  taken_bytes = 0;
  const auto copy = Decode<std::vector<Row, Counted<Row>>>(bytes, {});
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(*copy, rows);
  EXPECT_LE(taken_bytes, bytes.size()) << "made room for once";
  // Small in bytes and large in memory: it grows, and is no larger than its elements in the end.
  std::vector<std::vector<Row>, Counted<std::vector<Row>>> empty(1000);
  const auto grown = Decode<decltype(empty)>(Encoded(empty), {});
  ASSERT_TRUE(grown.ok()) << grown.status();
  EXPECT_EQ(grown->capacity(), 1000u);
}

TEST(HostileSizes, ContainersKeepWhatTheyHold) {
  const std::deque<std::string> deque{"a", "", "c"};
  const std::list<std::vector<int>> list{{1, 2}, {}};
  const std::vector<bool> bits{true, false, true, true};
  EXPECT_EQ(*Decode<std::deque<std::string>>(Encoded(deque), {}), deque);
  EXPECT_EQ((*Decode<std::list<std::vector<int>>>(Encoded(list), {})), list);
  EXPECT_EQ(*Decode<std::vector<bool>>(Encoded(bits), {}), bits);
}

}  // namespace
}  // namespace troupe::serialize
