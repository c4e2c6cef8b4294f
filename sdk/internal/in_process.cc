#include "sdk/internal/in_process.h"

#include <pthread.h>
#include <unistd.h>

#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sdk/errors.h"
#include "sdk/internal/roles.h"
#include "worker/thread_launcher.h"

namespace troupe::internal {

NodeThread::NodeThread(scheduler::NodeOptions options) : started_by_(getpid()) {
  options.in_process = [](loop::EventLoop* loop, scheduler::Launcher::Events events) {
    return std::make_unique<worker::ThreadLauncher>(loop, std::move(events),
                                                    RunWorkerStartFunctions);
  };
  try {
    // The node's loop belongs to the thread that makes it.
    thread_ = std::thread([options = std::move(options)]() mutable {
      pthread_setname_np(pthread_self(), "troupe-node");
      scheduler::Node(std::move(options)).Run();
    });
  } catch (const std::system_error& e) {
    Throw(ErrorKind::kResourceExhausted, absl::StrCat("Init: no thread for the node: ", e.what()));
  }
}

NodeThread::~NodeThread() {
  if (getpid() == started_by_) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

}  // namespace troupe::internal
