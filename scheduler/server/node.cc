#include "scheduler/server/node.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/string_view.h"
#include "core/machine/memory.h"
#include "scheduler/server/process_launcher.h"

namespace troupe::scheduler {
namespace {

constexpr size_t kMessagesPerDrain = 32;
// Of the processes that do nothing now, so many are looked at with those that do, in turn: there
// may be thousands, and the memory of each is a file to be read.
constexpr size_t kRestingSampled = 64;

ResourceSet Total(const NodeOptions& options) {
  ResourceSet total = ResourceSet::Cpus(options.cpus);
  for (const auto& [name, units] : options.resources) total.SetNamed(name, units);
  return total;
}

uint64_t RandomSeed() {
  uint64_t seed = 0;
  TROUPE_CHECK(getrandom(&seed, sizeof(seed), 0) == sizeof(seed), "getrandom");
  return seed;
}

}  // namespace

Node::Node(NodeOptions options)
    : options_(std::move(options)),
      core_({.total = Total(options_),
             .store_bytes = options_.store_bytes,
             .seed = RandomSeed(),
             .spill = options_.spill,
             .memory_limit = options_.memory_limit,
             .codec = &codec_,
             .max_client_objects = options_.max_client_objects,
             .max_client_bytes = options_.max_client_bytes,
             .registered_only = options_.registered_only},
            this),
      launcher_(MakeLauncher()),
      chunks_(&loop_),
      spiller_(&loop_, &chunks_),
      audit_(&loop_, options_.audit) {
  if (bell_.ok()) {
    bell_watcher_ =
        loop_.Watch(bell_->fd(), loop::EventLoop::kReadable, [this](int) { bell_->Silence(); });
  }
  timer_ = loop_.MakeTimer([this] { timer_nanos_ = kNever; });
  if (options_.in_process) return;
  signal(SIGPIPE, SIG_IGN);
  // Each client takes about ten descriptors. Workers get the limit that we were given.
  if (rlimit limit{}; getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    signals_.push_back(loop_.WatchSignal(number, [this] { stopping_ = true; }));
  }
}

std::unique_ptr<Launcher> Node::MakeLauncher() {
  Launcher::Events events{
      .died = [this](ProcessId process, const std::string& cause, int pid,
                     bool runs_on) { OnProcessDeath(process, cause, pid, runs_on); },
      .ended = [this](ProcessId process) { OnProcessEnd(process); }};
  if (options_.in_process) return options_.in_process(&loop_, std::move(events));
  return std::make_unique<ProcessLauncher>(&loop_, std::move(events));
}

Node::~Node() {
  audit_.GiveUp();
  loop_.FinishWork();  // it tells the core
}

int Node::Run() {
  if (!bell_.ok()) {
    const std::string why =
        absl::StrCat("the node cannot start: ", ToAbsl(ToStd(bell_.status().message())));
    Log(LogLevel::kError, why);
    if (options_.driver) TurnAway(std::move(options_.driver), why);
    return 1;
  }
  if (options_.driver) {
    auto connection = std::make_unique<Connection>(std::move(options_.driver));
    connection->embedded_driver = true;
    AddConnection(std::move(connection));
  }
  if (options_.listener) {
    listener_watcher_ =
        loop_.Watch(options_.listener.get(), loop::EventLoop::kReadable, [this](int) { Accept(); });
  }
  if (options_.on_ready) options_.on_ready();
  int turns = 0;
  while (!stopping_) {
    const int64_t now = MonotonicNanos();
    core_.AdvanceTo(now);
    ExpireHandshakes(now);
    if (now >= next_memory_sample_nanos_ && WantsMemorySamples()) SampleMemory(now);
    if (Turn()) {
      // Sockets, signals, deaths and ended work are looked at between turns, not between messages.
      if (++turns % 16 == 0) loop_.RunOnce(loop::EventLoop::Wait::kPoll);
      continue;
    }
    // Beside as many workers as there are CPUs, polling is time that one of them loses.
    const bool has_a_cpu = core_.workers().at_work() < cpus_;
    const auto any_input = [this] {
      return AnyChannel([](const channel::Channel& channel) { return channel.HasInput(); });
    };
    const auto decided = [this] {
      return AnyChannel([](const channel::Channel& channel) {
        return channel.HasInput() || channel.PeerWaitsForThisCpu();
      });
    };
    const bool input = has_a_cpu ? policy_.Poll(MonotonicNanos, sched_yield, decided) && any_input()
                                 : channel::PollPolicy::Glance(any_input);
    if (!input) Sleep();
  }
  totals_ = {.tasks_cancelled = core_.task_count(), .objects_held = core_.objects().count()};
  for (const auto& connection : connections_) {
    if (connection->state == Connection::State::kActive &&
        connection->role != wire::Role::kWorker) {
      connection->Send(wire::Exit{"the node was stopped"});
      connection->channel->Flush();
      connection->channel->RingPeer();
    }
  }
  launcher_->KillAll();
  return exit_code_;
}

// f(channel) of some client or worker.
template <typename F>
bool Node::AnyChannel(F f) const {
  return std::any_of(connections_.begin(), connections_.end(), [&](const auto& connection) {
    return connection->state == Connection::State::kActive &&
           connection->role != wire::Role::kTool && f(*connection->channel);
  });
}

// Everything that has come, and what follows from it. False where there was nothing.
bool Node::Turn() {
  bool busy = false;
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection* connection = connections_[i].get();
    if (connection->state == Connection::State::kActive && connection->role != wire::Role::kTool) {
      busy |= Drain(connection);
    }
  }
  Perform();
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection* connection = connections_[i].get();
    if (connection->state == Connection::State::kClosed) continue;
    if (!connection->ready.empty()) TellReady(connection);
    if (connection->channel != nullptr) {
      if (connection->channel->outbox_bytes() > 0) {
        connection->channel->Flush();
        connection->sent_something = true;
      }
      if (connection->sent_something) {
        connection->channel->RingPeer();
        connection->sent_something = false;
      }
    }
    connection->WatchSocket();
    if (!connection->failure.ok()) Close(connection, connection->failure);
  }
  Perform();
  // A worker's end stays until its process has died: until then its state words tell what had
  // begun.
  std::erase_if(connections_, [](const auto& connection) {
    return connection->state == Connection::State::kClosed &&
           connection->process == ProcessId::kNone;
  });
  return busy;
}

void Node::Sleep() {
  bool awake = false;
  for (const auto& connection : connections_) {
    if (connection->state == Connection::State::kActive &&
        !connection->channel->PrepareToSleep(channel::Sleeper::kIoThread)) {
      awake = true;
      break;
    }
  }
  int64_t deadline = std::min(core_.NextDeadline(), NextHandshakeDeadline());
  if (WantsMemorySamples()) deadline = std::min(deadline, next_memory_sample_nanos_);
  if (deadline != timer_nanos_) {
    timer_nanos_ = deadline;
    if (deadline != kNever) {
      timer_->StartAt(deadline);
    } else {
      timer_->Stop();
    }
  }
  loop_.RunOnce(awake ? loop::EventLoop::Wait::kPoll : loop::EventLoop::Wait::kBlock);
  for (const auto& connection : connections_) {
    if (connection->state == Connection::State::kActive)
      connection->channel->WokeUp(channel::Sleeper::kIoThread);
  }
}

// The handshake, a tool's messages, or the end.
void Node::OnSocket(Connection* connection) {
  if (connection->state == Connection::State::kClosed) return;
  if (connection->socket.has_queued()) {
    const absl::StatusOr<bool> flushed = connection->socket.Flush();
    if (!flushed.ok()) return Close(connection, flushed.status());
  }
  const absl::Status status =
      connection->socket.Receive([&](wire::Bytes bytes, std::vector<UniqueFd> descriptors) {
        if (connection->state == Connection::State::kActive) {
          if (connection->role == wire::Role::kTool) return Handle(connection, bytes);
          return absl::InvalidArgumentError("a message on the socket after the handshake");
        }
        if (connection->state == Connection::State::kClosed) return absl::OkStatus();
        absl::StatusOr<wire::ControlMessage> message = wire::DecodeControlMessage(bytes);
        if (!message.ok()) return message.status();
        const auto* hello = std::get_if<wire::Hello>(&*message);
        if (hello == nullptr)
          return absl::InvalidArgumentError("a connection that does not begin with Hello");
        return Greet(connection, *hello, std::move(descriptors));
      });
  if (!status.ok()) Close(connection, status);
}

bool Node::Drain(Connection* connection) {
  const absl::StatusOr<size_t> received = connection->channel->Receive(
      kMessagesPerDrain, [&](wire::Bytes message) { return Handle(connection, message); });
  if (!received.ok()) {
    Close(connection, received.status());
    return true;
  }
  return *received > 0;
}

absl::Status Node::Handle(Connection* connection, wire::Bytes bytes) {
  absl::StatusOr<wire::ClientMessage> message = wire::DecodeClientMessage(bytes);
  if (!message.ok()) return message.status();
  const ClientId client = connection->client;
  struct Visitor {
    Node* node;
    Connection* connection;
    ClientId client;
    wire::Bytes bytes;
    absl::Status operator()(const wire::TaskSpec& m) {
      return node->core_.Submit(client, m, bytes);
    }
    absl::Status operator()(const wire::Seal& m) { return node->core_.Seal(client, m); }
    absl::Status operator()(const wire::Complete& m) { return node->core_.Complete(client, m); }
    absl::Status operator()(const wire::Subscribe& m) { return node->core_.Subscribe(client, m); }
    absl::Status operator()(const wire::Release& m) { return node->core_.Release(client, m); }
    absl::Status operator()(const wire::Claim& m) { return node->core_.Claim(client, m); }
    absl::Status operator()(const wire::LeaseRequest& m) {
      return node->core_.RequestLease(client, m.bytes);
    }
    absl::Status operator()(const wire::ReturnLease& m) {
      return node->core_.ReturnLease(client, m.unused);
    }
    absl::Status operator()(const wire::Fetch& m) { return node->core_.Fetch(client, m); }
    absl::Status operator()(const wire::Free& m) { return node->core_.Free(client, m); }
    absl::Status operator()(const wire::Unpinned& m) { return node->core_.Unpinned(client, m); }
    absl::Status operator()(const wire::MemoryRequest& m) {
      wire::MemoryReport report = node->core_.Memory(m.limit);
      report.request = m.request;
      connection->Send(report);
      return absl::OkStatus();
    }
    absl::Status operator()(const wire::Blocked& m) { return node->core_.Blocked(client, m); }
    absl::Status operator()(const wire::Unblocked&) { return node->core_.Unblocked(client); }
    absl::Status operator()(const wire::Kill& m) { return node->core_.Kill(client, m); }
    absl::Status operator()(const wire::FindActor& m) { return node->core_.FindActor(client, m); }
    absl::Status operator()(const wire::Cancel& m) { return node->core_.Cancel(client, m); }
    absl::Status operator()(const wire::StreamItem& m) { return node->core_.StreamItem(client, m); }
    absl::Status operator()(const wire::StreamDemand& m) {
      return node->core_.StreamDemand(client, m);
    }
    absl::Status operator()(const wire::Checkpoint& m) { return node->core_.Checkpoint(client, m); }
    absl::Status operator()(const wire::ExitActor&) { return node->core_.ExitActor(client); }
    absl::Status operator()(const wire::Suspend& m) { return node->core_.Suspend(client, m); }
    absl::Status operator()(const wire::Resume& m) { return node->core_.Resume(client, m); }
    absl::Status operator()(const wire::Promise& m) { return node->core_.MakePromise(client, m); }
    absl::Status operator()(const wire::PlacementGroup& m) {
      return node->core_.MakePlacementGroup(client, m);
    }
    absl::Status operator()(const wire::RemovePlacementGroup& m) {
      return node->core_.RemovePlacementGroup(client, m.id);
    }
    absl::Status operator()(const wire::CodeNotice& m) { return node->Note(*connection, m); }
    absl::Status operator()(const wire::StatusRequest& m) {
      const absl::StatusOr<std::string> report = node->core_.Report(m.query);
      const std::string text =
          report.ok() ? *report : std::string(ToStd(report.status().message())) + "\n";
      connection->Send(wire::StatusReport{m.request, text});
      return absl::OkStatus();
    }
    absl::Status operator()(const wire::Stop&) {
      if (connection->role != wire::Role::kTool)
        return absl::PermissionDeniedError("only a tool stops the node");
      node->stopping_ = true;
      return absl::OkStatus();
    }
  };
  if (absl::Status status = std::visit(Visitor{this, connection, client, bytes}, *message);
      !status.ok())
    return status;
  Perform();
  return absl::OkStatus();
}

void Node::Close(Connection* connection, const absl::Status& why) {
  if (connection->state == Connection::State::kClosed) return;
  Greeted(connection);
  if (std::exchange(connection->accepted, false)) --accepted_;
  const bool active = connection->state == Connection::State::kActive;
  // What the peer had published before it went still counts.
  if (active && connection->role != wire::Role::kTool && absl::IsUnavailable(why)) {
    while (connection->state == Connection::State::kActive) {
      const absl::StatusOr<size_t> received = connection->channel->Receive(
          kMessagesPerDrain, [&](wire::Bytes message) { return Handle(connection, message); });
      if (!received.ok() || *received == 0) break;
    }
    if (connection->state == Connection::State::kClosed) return;
  }
  connection->state = Connection::State::kClosed;
  if (!absl::IsUnavailable(why)) {
    Log(LogLevel::kWarning,
        absl::StrCat("the connection of ", ToString(connection->client), " (pid ", connection->pid,
                     ") was closed: ", ToAbsl(ToStd(why.message()))));
  }
  connection->watcher.reset();
  connection->pid_watcher.reset();
  if (connection->embedded_driver) stopping_ = true;
  if (connection->process != ProcessId::kNone) {
    launcher_->Kill(connection->process);  // its death is handled when it has come
    return;
  }
  by_client_.erase(connection->client);
  if (!active) return;
  if (connection->role == wire::Role::kDriver) {
    launcher_->DrainOutput();
    core_.DriverLeft(connection->client);
    Perform();
    // Nobody writes to its terminal any more: a pipe there must see its end.
    if (const auto image = images_.find(connection->job); image != images_.end()) {
      image->second.output.reset();
      image->second.error_output.reset();
    }
    DropUnusedImages();
  } else {
    core_.ToolLeft(connection->client);
  }
}

void Node::OnProcessDeath(ProcessId process, const std::string& cause, int pid, bool runs_on) {
  const auto it =
      std::find_if(connections_.begin(), connections_.end(),
                   [&](const auto& connection) { return connection->process == process; });
  Connection* connection = it == connections_.end() ? nullptr : it->get();
  if (connection != nullptr) Close(connection, absl::UnavailableError(cause));
  // The kernel counts its kills and does not say whom.
  const bool may_be_kernels = cause.find("SIGKILL") != std::string::npos;
  const bool kernels = may_be_kernels && machine::OutOfMemoryKills() > kernels_kills_;
  if (kernels) ++kernels_kills_;
  core_.ProcessDied(process, cause, pid, kernels, runs_on);
  if (connection != nullptr) {
    if (runs_on && connection->client != ClientId::kNone)
      running_on_.emplace(process, connection->client);
    by_client_.erase(connection->client);
    connection->process = ProcessId::kNone;
  }
  Perform();
  DropUnusedImages();
}

// Its code touches nothing any more.
void Node::OnProcessEnd(ProcessId process) {
  const auto it = running_on_.find(process);
  if (it == running_on_.end()) return;
  core_.ForgetHoldings(it->second);
  running_on_.erase(it);
  Perform();
}

// Images of jobs whose driver has left and whose last worker (of a detached actor) has died.
void Node::DropUnusedImages() {
  std::erase_if(images_, [&](const auto& image) {
    if (core_.HasJob(image.first)) return false;
    audit_.JobEnded(image.first);
    return true;
  });
}

// What a machine without this would be slow to do: see core_out_of_memory.cc.
void Node::SampleMemory(int64_t now_nanos) {
  next_memory_sample_nanos_ = now_nanos + Core::kMemorySampleNanos;
  // A death is noticed soon after the kill: those before the last sample were somebody else's.
  kernels_kills_ = std::max(kernels_kills_, kernels_kills_seen_);
  kernels_kills_seen_ = machine::OutOfMemoryKills();
  const machine::MemoryUse use = machine::ReadMemoryUse();
  Core::MemorySample sample{.used = use.used, .limit = use.limit};
  const auto look_at = [&](ProcessId process) {
    sample.processes.emplace_back(process, machine::PrivateBytesOf(launcher_->PidOf(process)));
  };
  std::vector<ProcessId> resting;
  core_.workers().ForEach([&](const Worker& worker) {
    const bool works =
        worker.state == Worker::State::kStarting || worker.state == Worker::State::kBusy;
    works ? look_at(worker.process) : resting.push_back(worker.process);
  });
  for (size_t n = 0; n < std::min(resting.size(), kRestingSampled); ++n)
    look_at(resting[next_resting_++ % resting.size()]);
  core_.MemorySampled(sample);
  Perform();
}

Connection* Node::Find(ClientId client) {
  const auto it = by_client_.find(client);
  return it == by_client_.end() ? nullptr : it->second;
}

void Node::Queue(ClientId worker, uint32_t slot, uint64_t generation) {
  if (Connection* connection = Find(worker)) connection->channel->task_word(slot).Queue(generation);
}

bool Node::TryRecall(ClientId worker, uint32_t slot, uint64_t generation) {
  Connection* connection = Find(worker);
  return connection != nullptr && connection->channel->task_word(slot).TryRecall(generation);
}

bool Node::HasBegun(ClientId worker, uint32_t slot, uint64_t generation) {
  Connection* connection = Find(worker);
  return connection == nullptr || connection->channel->task_word(slot).HasBegun(generation);
}

}  // namespace troupe::scheduler
