// What was sent by a released version still says the same: README.md says when files are added.
//
// Run with TROUPE_WRITE_GOLDEN=DIRECTORY of this package, it writes a file for each message of
// today that has none in the directory of today's version, and changes none.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/wire/handshake.h"
#include "core/wire/message_samples.h"
#include "core/wire/messages.h"
#include "tests/golden/message_text.h"

namespace troupe::golden {
namespace {

namespace fs = std::filesystem;

struct Client {
  using Message = wire::ClientMessage;
  static constexpr Root kRoot = Root::kClient;
  static constexpr const char* kName = "client";
  static auto Samples() { return wire::ClientMessageSamples(); }
  static auto Decode(wire::Bytes bytes) { return wire::DecodeClientMessage(bytes); }
};
struct Node {
  using Message = wire::NodeMessage;
  static constexpr Root kRoot = Root::kNode;
  static constexpr const char* kName = "node";
  static auto Samples() { return wire::NodeMessageSamples(); }
  static auto Decode(wire::Bytes bytes) { return wire::DecodeNodeMessage(bytes); }
};
struct Control {
  using Message = wire::ControlMessage;
  static constexpr Root kRoot = Root::kControl;
  static constexpr const char* kName = "control";
  static auto Samples() { return wire::ControlMessageSamples(); }
  static auto Decode(wire::Bytes bytes) { return wire::DecodeControlMessage(bytes); }
};

// A file: the message's text, an empty line, its words as they lie in memory, one a line.
struct Golden {
  std::string text;
  std::vector<uint64_t> words;
  wire::Bytes bytes() const { return std::as_bytes(std::span(words)); }
};

std::string Written(Root root, wire::Bytes bytes) {
  std::string file = absl::StrCat(MessageText(root, bytes), "\n");
  for (size_t at = 0; at < bytes.size(); at += sizeof(uint64_t)) {
    const auto* word = reinterpret_cast<const char*>(bytes.data()) + at;
    absl::StrAppend(&file, absl::BytesToHexString(absl::string_view(word, sizeof(uint64_t))), "\n");
  }
  return file;
}

Golden Read(const fs::path& path) {
  std::ifstream file(path);
  Golden golden;
  std::string line;
  while (std::getline(file, line) && !line.empty()) absl::StrAppend(&golden.text, line, "\n");
  while (std::getline(file, line)) {
    const std::string bytes = absl::HexStringToBytes(line);
    EXPECT_EQ(bytes.size(), sizeof(uint64_t)) << path;
    std::memcpy(&golden.words.emplace_back(), bytes.data(), sizeof(uint64_t));
  }
  return golden;
}

fs::path Directory() {
  const char* write_to = std::getenv("TROUPE_WRITE_GOLDEN");
  return write_to != nullptr ? write_to : "tests/golden";
}
fs::path Newest() { return Directory() / absl::StrCat("v", wire::kVersion); }

// The directories of all versions.
std::vector<fs::path> Versions() {
  std::vector<fs::path> versions;
  for (const auto& entry : fs::directory_iterator(Directory())) {
    if (entry.is_directory()) versions.push_back(entry.path());
  }
  return versions;
}

template <typename Kind>
class GoldenTest : public testing::Test {};
using Kinds = testing::Types<Client, Node, Control>;
TYPED_TEST_SUITE(GoldenTest, Kinds);

TYPED_TEST(GoldenTest, HasEachMessageOfToday) {
  const fs::path directory = Newest() / TypeParam::kName;
  for (const auto& [name, message] : TypeParam::Samples()) {
    const fs::path path = directory / (name + ".txt");
    if (std::getenv("TROUPE_WRITE_GOLDEN") != nullptr && !fs::exists(path)) {
      fs::create_directories(directory);
      wire::MessageBuffer buffer;
      std::ofstream(path) << Written(TypeParam::kRoot, wire::Encode(message, buffer));
    }
    EXPECT_TRUE(fs::exists(path)) << path << ": README.md says how to add it";
  }
}

// By name: the schema that all bindings read. By our own codec: nothing is lost on the way through
// the structs.
TYPED_TEST(GoldenTest, SaysWhatItSaidWhenItWasWritten) {
  size_t files = 0;
  for (const fs::path& version : Versions()) {
    for (const auto& entry : fs::directory_iterator(version / TypeParam::kName)) {
      const Golden golden = Read(entry.path());
      ASSERT_FALSE(golden.words.empty()) << entry.path();
      const auto message = TypeParam::Decode(golden.bytes());
      ASSERT_TRUE(message.ok()) << entry.path() << ": " << message.status();
      EXPECT_EQ(MessageText(TypeParam::kRoot, golden.bytes()), golden.text) << entry.path();
      wire::MessageBuffer buffer;
      EXPECT_EQ(MessageText(TypeParam::kRoot, wire::Encode(*message, buffer)), golden.text)
          << entry.path() << " was decoded and encoded";
      ++files;
    }
  }
  EXPECT_GE(files, std::variant_size_v<typename TypeParam::Message>);
}

// Two messages that differ have different texts, but for what an encoding does not tell apart.
TYPED_TEST(GoldenTest, TextsTellMessagesApart) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, message] : TypeParam::Samples()) {
    wire::MessageBuffer buffer;
    const std::string text = MessageText(TypeParam::kRoot, wire::Encode(message, buffer));
    const auto [same, inserted] = texts.emplace(text, name);
    EXPECT_TRUE(inserted) << name << " and " << same->second << " say both:\n" << text;
  }
}

}  // namespace
}  // namespace troupe::golden
