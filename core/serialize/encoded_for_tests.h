// The bytes of a value, as Decode takes them. A value that cannot be encoded fails the test.
#ifndef TROUPE_CORE_SERIALIZE_ENCODED_FOR_TESTS_H_
#define TROUPE_CORE_SERIALIZE_ENCODED_FOR_TESTS_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/serialize/serialize.h"

namespace troupe::serialize {

template <typename T>
std::vector<std::byte> Encoded(const T& value, std::vector<ObjectId>* refs = nullptr) {
  std::vector<ObjectId> unused;
  const auto size = Measure(value);
  EXPECT_TRUE(size.ok()) << size.status();
  std::vector<std::byte> bytes(size.ok() ? size->bytes : 0);
  const absl::Status status = EncodeTo(value, bytes, refs == nullptr ? &unused : refs);
  EXPECT_TRUE(status.ok()) << status;
  return bytes;
}

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_ENCODED_FOR_TESTS_H_
