// MemoryGroup is a memory cgroup of a test's own, of version 1 or 2, whichever the machine has,
// below the one that this process is in.
//
//   MemoryGroup group(size_t{512} << 20);
//   ASSERT_TRUE(group.made());   // only root can make one, and not on every machine
//   group.Enter();               // this process, and what it starts from now on
//   ...
//   group.Leave();               // this process alone
//   EXPECT_TRUE(group.Remove()); // false while a process is left in it
//
// Not thread-safe.
#ifndef TROUPE_TESTS_INTEGRATION_MEMORY_GROUP_H_
#define TROUPE_TESTS_INTEGRATION_MEMORY_GROUP_H_

#include <cstddef>
#include <string>

namespace troupe::testing {

class MemoryGroup {
 public:
  explicit MemoryGroup(size_t limit_bytes);
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  bool made() const { return !path_.empty(); }
  void Enter() const;
  void Leave() const;
  bool Remove() const;

 private:
  std::string parent_;
  std::string path_;  // empty: none could be made
};

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_MEMORY_GROUP_H_
