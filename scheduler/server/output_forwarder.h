// OutputForwarder writes what workers wrote to the terminals (or pipes, or files) of their drivers.
//
// Problem: a terminal may be stopped and a pipe be full, and the node must never block. So a thread
// of its own writes, from a bounded queue; what does not fit is left out and counted. Descriptors
// are shared: each is open until its last line is written. Thread-safe.
#ifndef TROUPE_SCHEDULER_SERVER_OUTPUT_FORWARDER_H_
#define TROUPE_SCHEDULER_SERVER_OUTPUT_FORWARDER_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/unique_fd.h"

namespace troupe::scheduler {

class OutputForwarder {
 public:
  OutputForwarder() = default;
  // Gives what is queued a second to be written.
  ~OutputForwarder();

  // `text` ends with a newline.
  void Write(std::shared_ptr<const UniqueFd> to, std::string text);

 private:
  struct Item {
    std::shared_ptr<const UniqueFd> to;
    std::string text;
  };
  // Lives as long as the thread, which may have to be left behind in a write that never ends.
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Item> queue;
    size_t bytes = 0;
    uint64_t left_out = 0;
    bool writing = false;
    bool ending = false;
  };
  static void Run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::thread thread_;  // begun by the first line
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_OUTPUT_FORWARDER_H_
