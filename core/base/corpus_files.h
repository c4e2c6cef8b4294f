// ExpectCorpus holds the files of a fuzz target's corpus to what they are made from.
//
// A corpus in the repository is bytes that nobody can read: so a test says what each file is, and
// writes them all again where the environment variable TROUPE_WRITE_CORPUS names the directory of
// the package (README.md of core/wire shows the command).
//
//   TEST(TableFuzzCorpus, IsWhatItsEventsSay) {
//     ExpectCorpus("objectstore/table", "table_fuzz_corpus", {{"grants", BytesOf(...)}});
//   }
//
// For tests.
#ifndef TROUPE_CORE_BASE_CORPUS_FILES_H_
#define TROUPE_CORE_BASE_CORPUS_FILES_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <map>
#include <string>

#include "core/base/fuzz_events.h"

namespace troupe {

inline std::string BytesOf(std::initializer_list<FuzzEvent> events) {
  std::string bytes;
  for (const FuzzEvent& event : events)
    bytes.append(reinterpret_cast<const char*>(&event), FuzzEvent::kBytes);
  return bytes;
}

// `files`: name → content. There must be no others.
inline void ExpectCorpus(const std::string& package, const std::string& corpus,
                         const std::map<std::string, std::string>& files) {
  const char* write_to = std::getenv("TROUPE_WRITE_CORPUS");
  const auto directory = std::filesystem::path(write_to != nullptr ? write_to : package) / corpus;
  if (write_to != nullptr) std::filesystem::create_directories(directory);
  for (const auto& [name, content] : files) {
    if (write_to != nullptr) {
      std::ofstream(directory / name, std::ios::binary) << content;
      continue;
    }
    std::ifstream file(directory / name, std::ios::binary);
    EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(file), {}) == content)
        << directory / name << " is not what it is made from";
  }
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    EXPECT_TRUE(files.contains(entry.path().filename().string()))
        << entry.path() << " is made from nothing";
  }
}

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_CORPUS_FILES_H_
