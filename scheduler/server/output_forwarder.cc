#include "scheduler/server/output_forwarder.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace troupe::scheduler {
namespace {

constexpr size_t kMaxQueuedBytes = size_t{4} << 20;

// The descriptor may be one that does not block: its driver's choice.
void WriteAll(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = write(fd, text.data() + done, text.size() - done);
    if (written > 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return;  // nobody reads it any more
    }
  }
}

}  // namespace

OutputForwarder::~OutputForwarder() {
  if (!thread_.joinable()) return;
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->ending = true;
  state_->changed.notify_all();
  const bool done = state_->changed.wait_for(
      lock, std::chrono::seconds(1), [this] { return state_->queue.empty() && !state_->writing; });
  lock.unlock();
  if (done) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void OutputForwarder::Write(std::shared_ptr<const UniqueFd> to, std::string text) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (!thread_.joinable()) thread_ = std::thread([state = state_] { Run(state); });
  if (state_->bytes + text.size() > kMaxQueuedBytes) {
    ++state_->left_out;
    return;
  }
  state_->bytes += text.size();
  state_->queue.push_back({std::move(to), std::move(text)});
  state_->changed.notify_all();
}

void OutputForwarder::Run(const std::shared_ptr<State>& state) {
  std::unique_lock<std::mutex> lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return !state->queue.empty() || state->ending; });
    if (state->queue.empty()) return;
    Item item = std::move(state->queue.front());
    state->queue.pop_front();
    state->bytes -= item.text.size();
    if (const uint64_t left_out = std::exchange(state->left_out, 0))
      absl::StrAppend(&item.text, "(troupe: ", left_out, " pieces of output were left out)\n");
    state->writing = true;
    lock.unlock();
    WriteAll(item.to->get(), item.text);
    item = {};
    lock.lock();
    state->writing = false;
    state->changed.notify_all();
  }
}

}  // namespace troupe::scheduler
