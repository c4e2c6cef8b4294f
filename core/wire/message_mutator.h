// MutateMessage changes a Cap'n Proto message as what it is: where its pointers lead, what they
// say of sizes, its numbers; whole words come, go and change places. For fuzz targets, whose inputs
// a change of any bit mostly makes into nothing.
//
//   size = MutateMessage(data, size, max_size, seed);   // the same for the same seed
//
// The bits of a pointer: 0-1 its kind (0 struct, 1 list), 2-31 how many words ahead, signed; of a
// struct 32-47 its data words, 48-63 its pointers; of a list 32-34 what its elements are, 35-63 how
// many. Thread-safety: a function. For tests.
#ifndef TROUPE_CORE_WIRE_MESSAGE_MUTATOR_H_
#define TROUPE_CORE_WIRE_MESSAGE_MUTATOR_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace troupe::wire {
namespace internal {

inline bool LooksLikeAPointer(const std::vector<uint64_t>& words, size_t at) {
  const uint64_t word = words[at];
  if (word == 0 || (word & 3) > 1) return false;
  const int64_t ahead = static_cast<int32_t>(static_cast<uint32_t>(word)) >> 2;
  const int64_t target = static_cast<int64_t>(at) + 1 + ahead;
  return target >= 0 && target <= static_cast<int64_t>(words.size());
}

// Sets `bits` of the word at `from` to one more or less, or to an extreme.
inline uint64_t ChangeField(uint64_t word, int from, int bits, uint64_t choice) {
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  uint64_t field = word >> from & mask;
  switch (choice % 5) {
    case 0:
      field = 0;
      break;
    case 1:
      field = mask;
      break;
    case 2:
      --field;
      break;
    case 3:
      field = field * 2 + 1;
      break;
    default:
      ++field;
  }
  return (word & ~(mask << from)) | (field & mask) << from;
}

}  // namespace internal

inline size_t MutateMessage(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  constexpr uint64_t kNumbers[] = {0,
                                   1,
                                   2,
                                   7,
                                   8,
                                   64,
                                   65'536,
                                   uint64_t{1} << 32,
                                   uint64_t{1} << 63,
                                   ~uint64_t{0},
                                   ~uint64_t{0} >> 1};
  std::mt19937_64 random(seed);
  const auto roll = [&](size_t sides) { return static_cast<size_t>(random() % sides); };
  if (max_size < sizeof(uint64_t)) return 0;
  std::vector<uint64_t> words(std::max<size_t>(1, size / sizeof(uint64_t)));
  std::memcpy(words.data(), data, std::min(size, words.size() * sizeof(uint64_t)));
  const auto some = [&] { return roll(words.size()); };
  const auto at = [&](size_t i) { return words.begin() + static_cast<std::ptrdiff_t>(i); };
  // A pointer, or any word where none was found.
  const auto a_pointer = [&] {
    size_t i = some();
    for (int tries = 0; tries < 16 && !internal::LooksLikeAPointer(words, i); ++tries) i = some();
    return i;
  };
  for (size_t changes = 1 + roll(4); changes > 0; --changes) {
    const size_t i = some(), pointer = a_pointer();
    const size_t count = 1 + roll(std::min<size_t>(8, words.size() - i));
    const std::vector<uint64_t> range(at(i), at(i + count));
    switch (roll(11)) {
      case 0:
        words[i] ^= uint64_t{1} << roll(64);
        break;
      case 1:
        words[i] = kNumbers[roll(std::size(kNumbers))];
        break;
      case 2:  // one half, quarter or byte: numbers stand side by side
        words[i] = internal::ChangeField(words[i], static_cast<int>(roll(8) * 8), 8, random());
        break;
      case 3:
        words[pointer] = internal::ChangeField(words[pointer], 0, 2, random());
        break;
      case 4:
        words[pointer] = internal::ChangeField(words[pointer], 2, 30, random());
        break;
      case 5:
        words[pointer] = internal::ChangeField(words[pointer], 32, 16, random());
        break;
      case 6:
        words[pointer] = internal::ChangeField(words[pointer], 48, 16, random());
        break;
      case 7:
        words[pointer] = internal::ChangeField(words[pointer], 35, 29, random());
        break;
      case 8:  // repeat some elsewhere
        words.insert(at(roll(words.size() + 1)), range.begin(), range.end());
        break;
      case 9:  // write some over others
        std::copy_n(range.begin(), std::min(count, words.size() - pointer), at(pointer));
        break;
      default:  // drop some
        if (words.size() > count) words.erase(at(i), at(i + count));
    }
  }
  words.resize(std::min(words.size(), max_size / sizeof(uint64_t)));
  size_t bytes = words.size() * sizeof(uint64_t);
  std::memcpy(data, words.data(), bytes);
  // What is no whole word is an error at once, and is tried now and then.
  if (roll(64) == 0) bytes -= roll(sizeof(uint64_t));
  return bytes;
}

}  // namespace troupe::wire

#endif  // TROUPE_CORE_WIRE_MESSAGE_MUTATOR_H_
