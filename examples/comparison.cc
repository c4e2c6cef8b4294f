#include "examples/comparison.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace examples {

int Verdict(bool agree, double cluster_seconds, double serial_seconds) {
  std::printf("cluster %.3f s, serial %.3f s: ", cluster_seconds, serial_seconds);
  std::printf(agree ? "the results agree\n" : "THE RESULTS DIFFER\n");
  return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}

int64_t NumberArgument(int argc, char** argv, int index, std::string_view name, int64_t fallback,
                       int64_t least, int64_t most) {
  if (argc <= index) return fallback;
  const std::string_view text = argv[index];
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    std::cerr << "the " << name << " is a number from " << least << " to " << most << ", not \""
              << text << "\"\n";
    std::exit(2);
  }
  return number;
}

}  // namespace examples
