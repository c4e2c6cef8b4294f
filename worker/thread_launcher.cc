#include "worker/thread_launcher.h"

#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "core/channel/control_socket.h"
#include "core/channel/doorbell.h"
#include "core/wire/handshake.h"
#include "worker/node_session.h"
#include "worker/task_call.h"
#include "worker/user_code.h"
#include "worker/worker_locals.h"

#ifdef __SANITIZE_THREAD__
// A thread that is left to itself never joins its session's: no leak of anybody's. Weak, for
// programs with their own.
extern "C" __attribute__((weak)) const char* __tsan_default_suppressions() {
  return "thread:troupe::worker::ThreadLauncher::Run\n";
}
#endif

namespace troupe::worker {
namespace {

using scheduler::ProcessId;

constexpr int64_t kConnectTimeoutNanos = int64_t{Limits::kConnectTimeoutMs} * 5'000'000;
constexpr std::chrono::seconds kPatience(3);

ErrorInfo GivenUp() {
  return {.kind = ErrorKind::kUnavailable,
          .message = "this thread's worker was given up: nobody waits for its task any more"};
}

}  // namespace

// Threads that were left may tell of their end when nobody listens any more.
struct ThreadLauncher::Endings {
  explicit Endings(channel::Doorbell ours) : bell(std::move(ours)) {}

  channel::Doorbell bell;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ProcessId> ended;
};

struct ThreadLauncher::Seat {
  ProcessId process;
  UniqueFd socket;
  uint64_t nonce = 0;
  std::shared_ptr<Endings> endings;

  std::mutex mutex;
  std::shared_ptr<Session> session;  // from its handshake until its end
  bool given_up = false;
  std::string how;  // it has ended

  void GiveUp() {
    std::shared_ptr<Session> severed;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!std::exchange(given_up, true)) severed = session;
    }
    if (severed != nullptr) severed->Sever(GivenUp());
  }
  std::string How() {
    const std::lock_guard<std::mutex> lock(mutex);
    return how.empty() ? "given up: it is a thread, which cannot be killed" : how;
  }
  std::vector<std::string> Tasks() {
    const std::lock_guard<std::mutex> lock(mutex);
    return session == nullptr ? std::vector<std::string>() : session->RunningTasks();
  }
};

ThreadLauncher::ThreadLauncher(loop::EventLoop* loop, Events events, std::function<void()> on_start)
    : events_(std::move(events)), on_start_(std::move(on_start)) {
  absl::StatusOr<channel::Doorbell> bell = channel::Doorbell::Create();
  TROUPE_CHECK(bell.ok(), "the doorbell of the workers' threads");
  endings_ = std::make_shared<Endings>(*std::move(bell));
  watcher_ = loop->Watch(endings_->bell.fd(), loop::EventLoop::kReadable,
                         [this](int) { TellOfEndings(); });
}

ThreadLauncher::~ThreadLauncher() { KillAll(); }

absl::StatusOr<scheduler::Launcher::Started> ThreadLauncher::Start(ProcessId process,
                                                                   const scheduler::Image&) {
  auto sockets = channel::ControlSocket::Pair();
  if (!sockets.ok()) return sockets.status();
  Started started{std::move(sockets->first), scheduler::RandomNonce()};
  auto seat = std::make_shared<Seat>();
  seat->process = process;
  seat->socket = std::move(sockets->second);
  seat->nonce = started.nonce;
  seat->endings = endings_;
  try {
    running_[process] = {seat, std::thread([seat, on_start = on_start_] { Run(seat, on_start); })};
  } catch (const std::system_error& e) {
    running_.erase(process);
    return absl::ResourceExhaustedError(absl::StrCat("no thread for a worker: ", e.what()));
  }
  return started;
}

void ThreadLauncher::Run(const std::shared_ptr<Seat>& seat, const std::function<void()>& on_start) {
  // Also where the user's code ends its thread.
  struct TellsOfItsEnd {
    Seat* seat;
    std::string how = "its thread ended";
    ~TellsOfItsEnd() {
      std::shared_ptr<Session> session;
      {
        const std::lock_guard<std::mutex> lock(seat->mutex);
        session = std::exchange(seat->session, nullptr);
        seat->how = std::move(how);
      }
      if (session != nullptr) {
        ForgetLocals(session.get());
        session->Shutdown();
      }
      NodeSession::LeaveThisThread();
      session = nullptr;
      {
        const std::lock_guard<std::mutex> lock(seat->endings->mutex);
        seat->endings->ended.push_back(seat->process);
        seat->endings->changed.notify_all();
      }
      seat->endings->bell.Ring();
    }
  } end{seat.get()};
  pthread_setname_np(pthread_self(), "troupe-worker");
  const wire::Hello hello{.role = wire::Role::kWorker,
                          .nonce = seat->nonce,
                          .pid = getpid(),
                          .ring_bytes = 0,
                          .build_id = {},
                          .executable = {},
                          .environment = {},
                          .flags = {},
                          .job_name = {},
                          .job_weight = 0,
                          .window = 0};
  auto session = NodeSession::Connect(std::move(seat->socket), hello, {},
                                      MonotonicNanos() + kConnectTimeoutNanos, /*is_thread=*/true);
  if (!session.ok()) {
    end.how = std::string(ToStd(session.status().message()));
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(seat->mutex);
    seat->session = *session;
    if (seat->given_up) (*session)->Sever(GivenUp());
  }
  (*session)->SetExecutor(false);
  if (const auto thrown = CallUserCode([&] { on_start(); })) {
    end.how = absl::StrCat("a function given to OnWorkerStart has thrown: ", thrown->message);
    return;
  }
  RunTasks(*session);
}

void ThreadLauncher::Kill(ProcessId process) {
  const auto it = running_.find(process);
  if (it == running_.end() || std::exchange(it->second.given_up, true)) return;
  it->second.seat->GiveUp();
  given_up_.push_back(process);
  endings_->bell.Ring();
}

int ThreadLauncher::PidOf(ProcessId process) const {
  return running_.contains(process) ? getpid() : 0;
}

std::string ThreadLauncher::LastLines(ProcessId) { return ""; }

void ThreadLauncher::TellOfEndings() {
  endings_->bell.Silence();
  for (const ProcessId process : std::exchange(given_up_, {})) {
    events_.died(process, running_.at(process).seat->How(), getpid(), /*runs_on=*/true);
  }
  std::vector<ProcessId> ended;
  {
    const std::lock_guard<std::mutex> lock(endings_->mutex);
    ended.swap(endings_->ended);
  }
  for (const ProcessId process : ended) {
    const auto it = running_.find(process);
    const bool given_up = it->second.given_up;
    const std::string how = it->second.seat->How();
    it->second.thread.join();
    running_.erase(it);
    if (!given_up) {
      events_.died(process, how, getpid(), /*runs_on=*/false);
      continue;
    }
    // Given up while we were at it.
    if (std::erase(given_up_, process) > 0) events_.died(process, how, getpid(), /*runs_on=*/true);
    events_.ended(process);
  }
}

void ThreadLauncher::KillAll() {
  given_up_.clear();
  for (auto& [process, running] : running_) running.seat->GiveUp();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  std::unique_lock<std::mutex> lock(endings_->mutex);
  while (!running_.empty()) {
    const bool told =
        endings_->changed.wait_until(lock, until, [&] { return !endings_->ended.empty(); });
    if (!told) break;
    const ProcessId process = endings_->ended.back();
    endings_->ended.pop_back();
    lock.unlock();
    const auto it = running_.find(process);
    it->second.thread.join();
    running_.erase(it);
    lock.lock();
  }
  lock.unlock();
  for (auto& [process, running] : running_) {
    std::fprintf(stderr,
                 "troupe: a worker's thread has not ended within %d s, and is left to itself, in "
                 "%s: a task of an in-process cluster should look at its stop token\n",
                 static_cast<int>(kPatience.count()),
                 absl::StrJoin(running.seat->Tasks(), ", ").c_str());
    running.thread.detach();
  }
  running_.clear();
}

}  // namespace troupe::worker
