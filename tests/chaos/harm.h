// What harms a cluster from outside: processes are killed, stopped and continued, a disk is full.
//
//   Tally tally;
//   {
//     const Killer killer(getpid(), seed, tally);   // until its end
//     ...
//   }
//
// Each has a thread of its own, which is done when its destructor returns; until then the tally is
// the thread's.
#ifndef TROUPE_TESTS_CHAOS_HARM_H_
#define TROUPE_TESTS_CHAOS_HARM_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "tests/chaos/rounds.h"

namespace troupe::testing {

using Random = std::mt19937_64;

// Does harm again and again, at times that come from the seed.
class Harm {
 public:
  // `harm` is called once for each time; between two calls at most `pause` passes.
  Harm(uint64_t seed, std::chrono::nanoseconds pause, std::function<void(Harm&)> harm);
  ~Harm();

  Random& random() { return random_; }
  // Returns after a time below `most`, or at once, and false, where the end has come.
  bool Pause(std::chrono::nanoseconds most);

 private:
  Random random_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

// Kills one worker below `root` after the other, or stops it for a while: at most `pause` apart,
// and `most` times, so that on a slow machine, too, the load comes to its end.
class Killer {
 public:
  Killer(int root, uint64_t seed, Tally& tally,
         std::chrono::milliseconds pause = std::chrono::milliseconds(30), int most = 1000);

 private:
  Harm harm_;
};

// A tmpfs, which only root can have.
class SmallDisk {
 public:
  explicit SmallDisk(int64_t bytes);
  // Fails where a file is left open in it.
  ~SmallDisk();
  bool mounted() const { return mounted_; }
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  bool mounted_ = false;
};

// Makes the file system of a directory full, and gives the room back, again and again.
class DiskFiller {
 public:
  DiskFiller(const std::string& directory, uint64_t seed, Tally& tally);

 private:
  Harm harm_;
};

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_CHAOS_HARM_H_
