// The corpus of pack_fuzz_test: what was packed, and values without their headers.
//
// After a change of the format, run it with TROUPE_WRITE_CORPUS=DIRECTORY, which writes the corpus
// there.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/corpus_files.h"
#include "core/base/ids.h"
#include "core/serialize/pack.h"
#include "core/serialize/serialize.h"

namespace troupe::serialize {
namespace {

// As pack_fuzz.cc reads it.
std::string Input(PackKind kind, uint8_t text_bytes, std::string_view rest) {
  std::string input = {static_cast<char>(kind), static_cast<char>(text_bytes)};
  return input.append(rest);
}

std::string Packed(PackKind kind, std::string_view text, std::string_view body) {
  PackWriter writer(kind, text, body.size());
  std::memcpy(writer.body().data(), body.data(), body.size());
  return std::move(writer).Finish();
}

template <typename T>
std::string Encoded(const T& value) {
  std::string bytes(Measure(value)->bytes, '\0');
  std::vector<ObjectId> refs;
  EXPECT_TRUE(EncodeTo(value, std::as_writable_bytes(std::span(bytes)), &refs).ok());
  return bytes;
}

TEST(PackFuzzCorpus, IsWhatItIsMadeFrom) {
  const std::string numbers = Encoded(std::vector<double>{1, 2, 3}),
                    text = Encoded(std::string("words"));
  ExpectCorpus(
      "core/serialize", "pack_fuzz_corpus",
      {{"value", Input(PackKind::kValue, 3, Packed(PackKind::kValue, "int", "12345678"))},
       {"task", Input(PackKind::kTask, 9, Packed(PackKind::kTask, "", "1234567"))},
       {"another_kind",
        Input(PackKind::kResult, 0, Packed(PackKind::kFunction, "a function", "123"))},
       {"no_kind", Input(PackKind(0), 1, Packed(PackKind(77), "x", "123"))},
       {"array", Input(PackKind::kValue, 0, numbers)},
       {"array_body", Input(PackKind::kValue, 0, numbers.substr(sizeof(ValueHeader)))},
       // A fingerprint is of a type's name, which compilers spell differently:
       // pack_fuzz.cc puts the right one before string_body.
       {"foreign_string", Input(PackKind::kValue, 0, std::string(8, '\0') + text.substr(8))},
       {"string_body", Input(PackKind::kValue, 0, text.substr(sizeof(ValueHeader)))}});
}

}  // namespace
}  // namespace troupe::serialize
