// The corpora of the two fuzz targets of sockets, which take the same steps. After a change:
//
//   bazel test --test_env=TROUPE_WRITE_CORPUS=$PWD/core/channel --spawn_strategy=local
//       //core/channel:socket_fuzz_corpus_test
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

#include "core/base/corpus_files.h"
#include "core/channel/socket_fuzz.h"

namespace troupe::channel {
namespace {

constexpr uint8_t kRaw = SocketStep::kRaw, kHonest = SocketStep::kHonest,
                  kReceive = SocketStep::kReceive, kClose = SocketStep::kClose,
                  kLarge = SocketStep::kLarge;
constexpr uint8_t kTwoDescriptors = 2 << 5;

std::string Step(int what, const std::string& bytes = "") {
  return std::string{static_cast<char>(what), static_cast<char>(bytes.size())} + bytes;
}
// {u32 bytes, u32 descriptors}, least byte first.
std::string Header(uint32_t bytes, uint32_t descriptors) {
  std::string header;
  for (const uint32_t number : {bytes, descriptors}) {
    for (int shift = 0; shift < 32; shift += 8) header += static_cast<char>(number >> shift);
  }
  return header;
}

std::string Times(int times, const std::string& step) {
  std::string steps;
  for (int i = 0; i < times; ++i) steps += step;
  return steps;
}

TEST(SocketFuzzCorpus, IsWhatItsStepsSay) {
  const std::string text(64, 'x');
  const std::map<std::string, std::string> files = {
      {"honest", Step(kHonest | kReceive, text) + Step(kHonest, "") + Step(kReceive)},
      {"honest_descriptors", Step(kHonest | kReceive | kTwoDescriptors, text)},
      {"many", Step(kHonest, text) + Step(kHonest, text) + Step(kHonest, text) +
                   Step(kReceive, "x") + Step(kReceive, "xx")},
      {"more_than_the_socket_takes",
       Times(8, Step(kHonest | kLarge | kTwoDescriptors, text)) + Times(32, Step(kReceive, "xxx"))},
      {"more_than_is_queued", Times(20, Step(kHonest | kLarge, text)) + Step(kReceive)},
      {"more_descriptors_than_are_queued",
       Step(kHonest | kLarge, text) + Times(20, Step(kHonest | kTwoDescriptors, "x"))},
      {"end_of_a_full_socket",
       Times(4, Step(kHonest | kLarge, text)) + Step(kClose) + Times(8, Step(kReceive))},
      {"end", Step(kHonest, text) + Step(kClose) + Step(kReceive) + Step(kReceive)},
      {"end_at_once", Step(kClose) + Step(kReceive)},
      {"whole_by_hand", Step(kRaw | kReceive, Header(8, 0) + "12345678")},
      {"in_pieces", Step(kRaw | kReceive, Header(16, 0).substr(0, 3)) +
                        Step(kRaw | kReceive, Header(16, 0).substr(3)) +
                        Step(kRaw | kReceive, "12345678") + Step(kRaw | kReceive, "12345678")},
      {"cut_off",
       Step(kRaw, Header(64, 0) + "1234") + Step(kClose) + Step(kReceive) + Step(kReceive)},
      {"too_long", Step(kRaw | kReceive, Header(0xffffffff, 0))},
      {"too_many_descriptors", Step(kRaw | kReceive, Header(8, 9) + "12345678")},
      {"descriptors_missing", Step(kRaw | kReceive, Header(8, 2) + "12345678")},
      {"descriptors_unasked", Step(kRaw | kReceive | kTwoDescriptors, Header(8, 0) + "12345678")},
      {"descriptors_by_hand", Step(kRaw | kReceive | kTwoDescriptors, Header(8, 2) + "12345678")},
      {"no_words", Step(kRaw | kReceive, Header(5, 0) + "12345")},
      {"empty_message", Step(kRaw | kReceive, Header(0, 0))},
      {"garbage_after_honest", Step(kHonest, text) + Step(kRaw | kReceive, text) + Step(kReceive)},
  };
  ExpectCorpus("core/channel", "control_socket_fuzz_corpus", files);
  ExpectCorpus("core/channel", "stream_channel_fuzz_corpus", files);
}

}  // namespace
}  // namespace troupe::channel
