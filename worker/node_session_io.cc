// The part of NodeSession that connects, reads, sleeps and wakes.
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "worker/greeting.h"
#include "worker/node_session.h"

namespace troupe::worker {
namespace {

// How long the I/O thread leaves the channel alone while other threads are at work: the node need
// not ring it meanwhile.
constexpr int64_t kLazyNanos = 2'000'000;
constexpr size_t kMessagesPerTurn = 256;

void Drain(int fd) {
  uint64_t count;
  while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}

timespec ToTimespec(int64_t nanos) { return {nanos / 1'000'000'000, nanos % 1'000'000'000}; }

}  // namespace

thread_local NodeSession* NodeSession::works_for_ = nullptr;
thread_local bool NodeSession::is_executor_ = false;
thread_local RunningSlot* NodeSession::running_ = nullptr;

absl::StatusOr<std::shared_ptr<Session>> NodeSession::Connect(UniqueFd socket,
                                                              const wire::Hello& hello,
                                                              const std::vector<int>& descriptors,
                                                              int64_t deadline_nanos,
                                                              bool is_thread) {
  std::shared_ptr<NodeSession> session(new NodeSession(std::move(socket)));
  absl::Status status = session->Handshake(hello, descriptors, deadline_nanos);
  if (!status.ok()) return status;
  session->is_worker_ = hello.role == wire::Role::kWorker;
  session->is_thread_ = is_thread;
  if (hello.window != 0) session->window_ = scheduler::SubmissionWindow(hello.window);
  session->Start();
  return session;
}

NodeSession::NodeSession(UniqueFd socket)
    : socket_(std::move(socket)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      stop_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

absl::Status NodeSession::Handshake(const wire::Hello& hello, const std::vector<int>& descriptors,
                                    int64_t deadline_nanos) {
  if (!timer_ || !stop_event_)
    return absl::ResourceExhaustedError("no descriptor is left for a session");
  const absl::Status status = Greet(
      socket_, hello, descriptors, deadline_nanos,
      [&](const wire::ControlMessage& message, std::vector<UniqueFd> received) -> absl::Status {
        const auto* welcome = std::get_if<wire::Welcome>(&message);
        if (welcome == nullptr) return Introduced(message, std::move(received));
        auto opened = channel::ShmChannel::OpenClientEnd(std::move(received));
        if (!opened.ok()) return opened.status();
        channel_ = *std::move(opened);
        buffer_.emplace(channel_.get());
        client_ = welcome->client;
        cpus_ = static_cast<int>(welcome->cpus);
        store_bytes_ = welcome->store_bytes;
        for (const auto& [name, value] : welcome->flags) flags_.emplace_back(name, value);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  max_inline_value_bytes_ = std::min(Limits::kMaxInlineValueBytes, channel_->max_inline_bytes());
  return absl::OkStatus();
}

namespace {

// Nobody sleeps for the descriptors on the socket: a frame that names a chunk comes right behind
// its descriptor, and who reads the frame fetches it. Two threads would else wake for one answer,
// and the second in the way of the first.
constexpr short kNodeIsGone = POLLRDHUP;

std::mutex live_mutex;
// Of this process: one, but where its workers are threads. Never destroyed, as what it guards.
std::vector<NodeSession*>& Live() {
  static auto* const live = new std::vector<NodeSession*>;
  return *live;
}

}  // namespace

std::shared_ptr<Session> NodeSession::OfThisThread() {
  if (works_for_ == nullptr || !works_for_->is_thread_) return nullptr;
  return works_for_->weak_from_this().lock();
}

void NodeSession::LeaveThisThread() {
  works_for_ = nullptr;
  is_executor_ = false;
}

void NodeSession::SetExecutor(bool executor) {
  works_for_ = this;
  is_executor_ = executor;
}

void NodeSession::BeforeFork() {
  live_mutex.lock();
  for (NodeSession* session : Live()) session->mutex_.lock();
}

void NodeSession::AfterFork() {
  for (NodeSession* session : Live()) session->mutex_.unlock();
  live_mutex.unlock();
}

void NodeSession::AfterForkInChild() {
  for (NodeSession* session : Live()) session->AbandonAfterFork();
  AfterFork();
}

// What was there can still be read; all else is refused.
void NodeSession::AbandonAfterFork() {
  forked_ = true;
  death_ = ErrorInfo{.kind = ErrorKind::kUnavailable,
                     .message =
                         "this is a forked child: it has no cluster of its own; exec a "
                         "program, or use a task"};
}

void NodeSession::Start() {
  static const int registered = pthread_atfork(BeforeFork, AfterFork, AfterForkInChild);
  (void)registered;
  {
    const std::lock_guard<std::mutex> lock(live_mutex);
    Live().push_back(this);
  }
  {
    const Lock lock(mutex_);
    ArmTimer();
  }
  io_thread_ = std::thread([this] { RunIoThread(); });
}

NodeSession::~NodeSession() {
  {
    const std::lock_guard<std::mutex> lock(live_mutex);
    std::erase(Live(), this);
  }
  if (!io_thread_.joinable()) return;
  if (forked_) {
    io_thread_.detach();  // it runs in the parent alone
    if (callback_thread_.joinable()) callback_thread_.detach();
    (void)channel_.release();  // its memory is not mapped here
    return;
  }
  Shutdown();
}

void NodeSession::Shutdown() {
  if (forked_) return;
  {
    const Lock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    if (!death_.has_value()) {
      SendReleases(1);
      channel_->Flush();
      channel_->RingPeer();
    }
    Die({.kind = ErrorKind::kUnavailable, .message = "the cluster was shut down by this program"});
    shutdown(socket_.fd(), SHUT_RDWR);
  }
  const uint64_t one = 1;
  (void)!write(stop_event_.get(), &one, sizeof(one));
  io_thread_.join();
  // A callback may be what shuts the session down.
  if (callback_thread_.joinable()) {
    if (callback_thread_.get_id() == std::this_thread::get_id()) {
      callback_thread_.detach();
    } else {
      callback_thread_.join();
    }
  }
}

void NodeSession::Sever(const ErrorInfo& why) {
  why_severed_ = why;
  severed_ = true;
  // Wakes who sleeps on it, first of all who waits for a descriptor and has the lock.
  shutdown(socket_.fd(), SHUT_RDWR);
  const Lock lock(mutex_);
  StopAll(why);
  Die(why);
}

void NodeSession::ArmTimer() {
  if (std::exchange(timer_armed_, true)) return;
  itimerspec when{};
  when.it_value = ToTimespec(kLazyNanos);
  timerfd_settime(timer_.get(), 0, &when, nullptr);
}

// What comes over the socket after the welcome: chunks, each with its descriptor.
absl::Status NodeSession::Introduced(const wire::ControlMessage& message,
                                     std::vector<UniqueFd> descriptors) {
  const auto* notice = std::get_if<wire::ChunkNotice>(&message);
  if (notice == nullptr || descriptors.size() != 1)
    return absl::InvalidArgumentError("no notice of a chunk");
  chunks_.Add(
      notice->chunk, notice->bytes,
      notice->writable ? objectstore::Mapping::Access::kWrite : objectstore::Mapping::Access::kRead,
      std::move(descriptors[0]));
  return absl::OkStatus();
}

absl::Status NodeSession::ReceiveChunks() {
  if (!socket_status_.ok()) return socket_status_;
  socket_status_ =
      socket_.Receive([&](wire::Bytes bytes, std::vector<UniqueFd> received) -> absl::Status {
        absl::StatusOr<wire::ControlMessage> message = wire::DecodeControlMessage(bytes);
        if (!message.ok()) return message.status();
        return Introduced(*message, std::move(received));
      });
  return socket_status_;
}

void NodeSession::FetchDescriptors() {
  if (!ReceiveChunks().ok()) shutdown(socket_.fd(), SHUT_RDWR);
}

void NodeSession::DrainSocket() {
  const absl::Status status = ReceiveChunks();
  if (status.ok()) return;
  if (severed_) return Die(why_severed_);
  // A node that ends in order says so in its last message.
  Receive(SIZE_MAX);
  Die({.kind = ErrorKind::kUnavailable,
       .message = absl::StrCat(
           "the node has died: ", ToAbsl(ToStd(status.message())),
           "; what was not finished is lost: start a cluster again with troupe::Init")});
}

size_t NodeSession::Receive(size_t max_messages) {
  if (forked_) return 0;
  const absl::StatusOr<size_t> received =
      channel_->Receive(max_messages, [this](wire::Bytes bytes) { return Handle(bytes); });
  if (received.ok()) return *received;
  Die({.kind = ErrorKind::kInternal,
       .message = absl::StrCat("the node sent what cannot be read: ",
                               ToAbsl(ToStd(received.status().message())))});
  return 0;
}

// In a task, a wait lends the worker's CPU to others.
bool NodeSession::ShouldBlock() const {
  return is_worker_ && is_executor_ && OwnsThisThread() && !death_.has_value();
}

bool NodeSession::WaitUntil(Lock& lock, absl::FunctionRef<bool()> ready, int64_t deadline_nanos) {
  bool led = false;
  bool result = false;
  for (;;) {
    result = ready();
    if (result || death_.has_value() || MonotonicNanos() >= deadline_nanos) break;
    if (!reading_) {
      led = true;
      Lead(lock, deadline_nanos);
      continue;
    }
    channel_->RingPeer();
    ++followers_;
    if (deadline_nanos == kForever) {
      followers_cv_.wait(lock);
    } else {
      followers_cv_.wait_for(lock, std::chrono::nanoseconds(deadline_nanos - MonotonicNanos()));
    }
    --followers_;
  }
  // Somebody must go on reading: another waiting thread, or the I/O thread after a while.
  if (led && !reading_) {
    if (followers_ > 0) followers_cv_.notify_one();
    ArmTimer();
  }
  return result;
}

// Reads the channel once on behalf of all threads: polls, then sleeps until something comes or the
// deadline passes.
void NodeSession::Lead(Lock& lock, int64_t deadline_nanos) {
  reading_ = true;
  has_led_ = true;
  SendReleases(1);
  channel_->Flush();
  channel_->RingPeer();
  channel_->StayAwake();
  lock.unlock();
  // Whoever holds up the node need not wait for it.
  const auto decided = [this] { return channel_->HasInput() || channel_->PeerWaitsForThisCpu(); };
  const bool input = policy_.Poll(MonotonicNanos, sched_yield, decided) && channel_->HasInput();
  bool node_is_gone = false;
  if (!input) {
    lock.lock();
    const bool sleep = channel_->PrepareToSleep(channel::Sleeper::kWaiter);
    lock.unlock();
    if (sleep) {
      pollfd fds[2] = {{channel_->bell_fd(channel::Sleeper::kWaiter), POLLIN, 0},
                       {socket_.fd(), kNodeIsGone, 0}};
      const int64_t left = std::max<int64_t>(0, deadline_nanos - MonotonicNanos());
      const timespec timeout = ToTimespec(left);
      ppoll(fds, 2, deadline_nanos == kForever ? nullptr : &timeout, nullptr);
      node_is_gone = fds[1].revents != 0;
      channel_->WokeUp(channel::Sleeper::kWaiter);
    }
  }
  lock.lock();
  if (node_is_gone) DrainSocket();
  if (!channel_->Flush()) channel_->RingPeer();
  Receive(kMessagesPerTurn);
  RequestStops(lock);
  reading_ = false;
  if (followers_ > 0) followers_cv_.notify_all();
}

// Producers wait here for room, and go on reading meanwhile: both sides writing into full rings
// would else wait for ever.
void NodeSession::Throttle(Lock& lock) {
  constexpr size_t kEnough = size_t{4} << 20;
  if (channel_->outbox_bytes() <= kEnough) return;
  WaitUntil(
      lock,
      [this] {
        channel_->Flush();
        channel_->RingPeer();
        return channel_->outbox_bytes() <= kEnough / 2;
      },
      kForever);
}

void NodeSession::RunIoThread() {
  if (is_worker_) SetExecutor(false);
  for (;;) {
    pollfd fds[4] = {{channel_->bell_fd(channel::Sleeper::kIoThread), POLLIN, 0},
                     {socket_.fd(), kNodeIsGone, 0},
                     {timer_.get(), POLLIN, 0},
                     {stop_event_.get(), POLLIN, 0}};
    ppoll(fds, 4, nullptr, nullptr);
    Lock lock(mutex_);
    if (stopping_) return;
    if (fds[0].revents != 0) Drain(fds[0].fd);
    if (fds[2].revents != 0) {
      Drain(fds[2].fd);
      timer_armed_ = false;
    }
    if (fds[1].revents != 0) DrainSocket();
    if (death_.has_value()) {
      // A worker without its node has nothing to live for; a driver's calls fail from now on.
      if (is_worker_ && !is_thread_) _exit(1);
      // Sever may come after this, and finds nobody who could ask them.
      StopAll(*death_);
      RequestStops(lock);
      return;
    }
    SendReleases(1);
    if (reading_) {  // and may sleep for long
      channel_->RingPeer();
      continue;
    }
    const bool flushed = channel_->Flush();
    channel_->RingPeer();
    const size_t received = Receive(4 * kMessagesPerTurn);
    RequestStops(lock);
    if (followers_ > 0) followers_cv_.notify_all();
    if (received > 0 || !flushed || !channel_->PrepareToSleep(channel::Sleeper::kIoThread))
      ArmTimer();
  }
}

}  // namespace troupe::worker
