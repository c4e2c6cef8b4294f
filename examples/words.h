// Counting words in text files, for quickstart and word_count.
#ifndef TROUPE_EXAMPLES_WORDS_H_
#define TROUPE_EXAMPLES_WORDS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace examples {

using WordCounts = std::map<std::string, int64_t>;

// A word is a run of letters; case does not matter.
WordCounts CountWords(std::string_view text);
// Throws std::runtime_error, which names the file, where it cannot be read.
WordCounts CountWordsInFile(const std::string& path);
WordCounts Merge(WordCounts a, const WordCounts& b);

// The files named on the command line, or Debian's licence texts.
std::vector<std::string> FilesOf(int argc, char** argv);
void PrintMostFrequent(const WordCounts& counts, size_t how_many);

}  // namespace examples

#endif  // TROUPE_EXAMPLES_WORDS_H_
