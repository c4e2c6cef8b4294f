// Flags of tests that are run by hand, too: "--seconds=60".
#ifndef TROUPE_TESTS_INTEGRATION_NUMBER_FLAG_H_
#define TROUPE_TESTS_INTEGRATION_NUMBER_FLAG_H_

#include <charconv>
#include <string_view>
#include <system_error>

namespace troupe::testing {

// True where the argument is that flag ("--seconds=") with a number and nothing behind it, which
// then is in `value`.
template <typename T>
bool IsNumberFlag(std::string_view argument, std::string_view flag, T* value) {
  if (argument.substr(0, flag.size()) != flag) return false;
  argument.remove_prefix(flag.size());
  const char* end = argument.data() + argument.size();
  T number = 0;
  const auto [rest, error] = std::from_chars(argument.data(), end, number);
  if (error != std::errc() || rest != end) return false;
  *value = number;
  return true;
}

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_NUMBER_FLAG_H_
