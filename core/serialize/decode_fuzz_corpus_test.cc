// The corpus of decode_fuzz_test is what the types' samples are encoded to today.
//
// After a change of the encoding, run it with TROUPE_WRITE_CORPUS=DIRECTORY, which writes the
// corpus there (see README.md).
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/serialize/fuzz_values.h"
#include "core/serialize/serialize.h"

namespace troupe::serialize {
namespace {

// As decode_fuzz.cc reads it: the number of the type, then the value without its header.
template <typename T>
std::string Input(size_t type, const T& value) {
  const auto size = Measure(value);
  EXPECT_TRUE(size.ok()) << size.status();
  std::vector<std::byte> bytes(size->bytes);
  std::vector<ObjectId> refs;
  const absl::Status status = EncodeTo(value, std::span(bytes), &refs);
  EXPECT_TRUE(status.ok()) << status;
  std::string input(1, static_cast<char>(type));
  input.append(reinterpret_cast<const char*>(bytes.data()) + sizeof(ValueHeader),
               bytes.size() - sizeof(ValueHeader));
  return input;
}

TEST(DecodeFuzzCorpus, IsWhatTheSamplesAreEncodedTo) {
  const fuzz::Types samples = fuzz::Samples();
  std::vector<std::string> inputs;
  [&]<size_t... I>(std::index_sequence<I...>) {
    (inputs.push_back(Input(I, std::get<I>(samples))), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<fuzz::Types>>());

  const char* write_to = std::getenv("TROUPE_WRITE_CORPUS");
  const std::filesystem::path directory =
      write_to != nullptr ? write_to : "core/serialize/decode_fuzz_corpus";
  for (size_t type = 0; type < inputs.size(); ++type) {
    const std::filesystem::path path = directory / ("type_" + std::to_string(type));
    if (write_to != nullptr) {
      std::ofstream(path, std::ios::binary) << inputs[type];
    } else {
      std::ifstream file(path, std::ios::binary);
      const std::string input{std::istreambuf_iterator<char>(file),
                              std::istreambuf_iterator<char>()};
      EXPECT_EQ(input, inputs[type]) << path;
    }
  }
}

}  // namespace
}  // namespace troupe::serialize
