#include "examples/words.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace examples {

WordCounts CountWords(std::string_view text) {
  WordCounts counts;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) ++counts[std::exchange(word, {})];
  };
  for (const char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else {
      end_word();
    }
  }
  end_word();
  return counts;
}

WordCounts CountWordsInFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) throw std::runtime_error(path + " cannot be read");
  return CountWords(text.str());
}

WordCounts Merge(WordCounts a, const WordCounts& b) {
  for (const auto& [word, count] : b) a[word] += count;
  return a;
}

std::vector<std::string> FilesOf(int argc, char** argv) {
  if (argc > 1) return {argv + 1, argv + argc};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/share/common-licenses")) {
    if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void PrintMostFrequent(const WordCounts& counts, size_t how_many) {
  std::vector<std::pair<int64_t, std::string>> order;
  for (const auto& [word, count] : counts) order.emplace_back(-count, word);
  std::sort(order.begin(), order.end());
  order.resize(std::min(order.size(), how_many));
  for (const auto& [count, word] : order) std::cout << "  " << -count << " " << word << "\n";
}

}  // namespace examples
