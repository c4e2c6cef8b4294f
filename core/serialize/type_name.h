// The name of a type, for people.
#ifndef TROUPE_CORE_SERIALIZE_TYPE_NAME_H_
#define TROUPE_CORE_SERIALIZE_TYPE_NAME_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::serialize {

// As the compiler writes it: "std::vector<double>".
template <typename T>
constexpr std::string_view TypeName() {
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr size_t begin = text.find("T = ") + 4;
  constexpr size_t semicolon = text.find(';', begin);
  constexpr size_t end = semicolon == std::string_view::npos ? text.size() - 1 : semicolon;
  return text.substr(begin, end - begin);
}

// As its author would write it: "std::vector<std::string>", and no
// "std::vector<std::__cxx11::basic_string<char> >". Of names and of structures (fingerprint.h).
std::string ReadableName(std::string_view name);

}  // namespace troupe::serialize

#endif  // TROUPE_CORE_SERIALIZE_TYPE_NAME_H_
