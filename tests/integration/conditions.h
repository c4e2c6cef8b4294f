// Conditions that other threads and processes make true, and signs that they give by files.
//
//   const std::string sign = NewPath("begun");
//   ... a task calls Touch(sign) ...
//   EXPECT_TRUE(Eventually([&] { return Exists(sign); }));
#ifndef TROUPE_TESTS_INTEGRATION_CONDITIONS_H_
#define TROUPE_TESTS_INTEGRATION_CONDITIONS_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

namespace troupe::testing {

// Waits for a condition; false where it does not come true in that time.
template <typename F>
bool BecomesTrue(F condition, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}
// The same, for as long as any machine should need.
template <typename F>
bool Eventually(F condition) {
  return BecomesTrue(condition, std::chrono::minutes(1));
}

// Of a file that is not there, in this test's directory.
inline std::string NewPath(std::string_view name) {
  std::string path =
      ::testing::TempDir() + "/" + std::string(name) + "." + std::to_string(getpid());
  unlink(path.c_str());
  return path;
}
inline void Touch(const std::string& path) { std::ofstream(path) << 1; }
inline bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_CONDITIONS_H_
