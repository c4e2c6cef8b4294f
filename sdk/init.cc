#include "sdk/init.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/resource_set.h"
#include "core/base/string_view.h"
#include "core/channel/control_socket.h"
#include "core/loop/process.h"
#include "core/machine/cpus.h"
#include "core/machine/memory.h"
#include "objectstore/spill/spill_directories.h"
#include "sdk/errors.h"
#include "sdk/internal/in_process.h"
#include "sdk/internal/option_range.h"
#include "sdk/internal/roles.h"
#include "sdk/internal/runtime.h"
#include "worker/address.h"
#include "worker/code_reference.h"
#include "worker/node_session.h"

extern char** environ;

namespace troupe {

struct Cluster::State {
  std::shared_ptr<worker::Session> session;
  std::string address;
  // Of an embedded cluster: one of them.
  loop::Process node;
  std::unique_ptr<internal::NodeThread> node_thread;
};

namespace {

constexpr int kMostWorkers = 4096;
constexpr int64_t kConnectTimeoutNanos = int64_t{Limits::kConnectTimeoutMs} * 1'000'000;

[[noreturn]] void Fail(const absl::Status& status) {
  const ErrorKind kind = absl::IsInvalidArgument(status)     ? ErrorKind::kInvalidArgument
                         : absl::IsResourceExhausted(status) ? ErrorKind::kResourceExhausted
                                                             : ErrorKind::kUnavailable;
  internal::Throw(kind, std::string(ToStd(status.message())));
}

std::vector<std::string> EnvironmentForChildren() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!absl::StartsWith(*entry, "TROUPE_ROLE=")) environment.emplace_back(*entry);
  }
  return environment;
}

UniqueFd OpenOwnExecutable() {
  UniqueFd fd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!fd)
    internal::Throw(ErrorKind::kUnavailable,
                    absl::StrCat("cannot open /proc/self/exe: ", strerror(errno)));
  return fd;
}

std::string OwnName() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : "program";
}

// " spill=... quota=...", after a look whether files can be made there.
std::string SpillSettings(const InitOptions& options) {
  const internal::RuntimeFlags& flags = internal::Flags();
  std::vector<std::string> names = options.spill_directories;
  if (names.empty() && flags.spill_dir.has_value()) names = absl::StrSplit(*flags.spill_dir, ',');
  const auto directories = objectstore::UsableSpillDirectories(names);
  if (!directories.ok()) {
    internal::Throw(ErrorKind::kInvalidArgument,
                    absl::StrCat("Init: objects cannot be spilled: ",
                                 ToAbsl(ToStd(directories.status().message()))));
  }
  const int64_t quota =
      options.spill_quota > 0 ? options.spill_quota : flags.spill_quota.value_or(INT64_MAX);
  std::string words;
  for (const std::string& directory : *directories) {
    absl::StrAppend(&words, words.empty() ? " spill=" : ",", internal::EscapeSetting(directory));
  }
  return words.empty() ? words : absl::StrCat(words, " quota=", quota);
}

// "gpu:20000,memory:1000000": what the node's role is told.
std::string ResourcesOf(const InitOptions& options) {
  const int64_t memory = options.memory > 0 ? options.memory : machine::DefaultStoreBytes() / 3 * 7;
  std::string text = absl::StrCat("memory:", std::min(memory, kMaxMemoryBytes) * kResourceUnit);
  const auto add = [&](const std::string& name, double amount) {
    const bool clean = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
    });
    if (!clean || !(amount >= 0) || amount > 1e9) {
      internal::Throw(ErrorKind::kInvalidArgument,
                      absl::StrCat("Init: resources: \"", name, "\" = ", amount,
                                   ": a name has letters, digits, _, - and ., and an amount is not "
                                   "negative"));
    }
    absl::StrAppend(&text, ",", name, ":", std::llround(amount * kResourceUnit));
  };
  if (options.gpus != 0) add("gpu", options.gpus);
  for (const auto& [name, amount] : options.resources) add(name, amount);
  return text;
}

// "cpus=2 store=1073741824 ...": what the node's role is told.
std::string NodeSettings(const InitOptions& options) {
  const internal::RuntimeFlags& flags = internal::Flags();
  const int cpus = options.workers > 0
                       ? options.workers
                       : flags.workers.value_or(std::min(machine::UsableCpus(), kMostWorkers));
  const int64_t store = options.object_store_memory > 0
                            ? options.object_store_memory
                            : flags.object_store_memory.value_or(machine::DefaultStoreBytes());
  if (store < static_cast<int64_t>(Limits::kMinLeaseBytes)) {
    internal::Throw(ErrorKind::kInvalidArgument,
                    "Init: object_store_memory must be at least 256 KiB");
  }
  if (store > machine::UsableMemoryBytes()) {
    internal::Throw(ErrorKind::kInvalidArgument,
                    absl::StrCat("Init: object_store_memory is ", FormatBytes(store),
                                 ", and the memory that this process may use is ",
                                 FormatBytes(machine::UsableMemoryBytes()), ": ask for less"));
  }
  return absl::StrCat("cpus=", cpus, " store=", store, " ring=", options.ring_bytes,
                      " memory_limit=", options.memory_limit,
                      " registered_only=", options.registered_only ? 1 : 0,
                      " resources=", ResourcesOf(options), SpillSettings(options));
}

// Starts the node of an embedded cluster, and returns our end of its socket.
UniqueFd StartNode(const InitOptions& options, bool in_process, Cluster::State* state) {
  auto sockets = channel::ControlSocket::Pair();
  if (!sockets.ok()) Fail(sockets.status());
  const std::string settings = NodeSettings(options);
  if (in_process) {
    scheduler::NodeOptions node = internal::NodeOptionsOf(settings);
    node.driver = std::move(sockets->second);
    state->node_thread = std::make_unique<internal::NodeThread>(std::move(node));
    return std::move(sockets->first);
  }
  const UniqueFd executable = OpenOwnExecutable();
  loop::SpawnOptions spawn;
  spawn.executable = executable.get();
  spawn.argv = {OwnName(), "[troupe node]"};
  spawn.environment = EnvironmentForChildren();
  spawn.environment.push_back("TROUPE_ROLE=node " + settings);
  spawn.socket = sockets->second.get();
  auto started = loop::Spawn(spawn);
  if (!started.ok()) Fail(started.status());
  state->node = *std::move(started);
  return std::move(sockets->first);
}

std::shared_ptr<worker::Session> Connect(UniqueFd socket, const InitOptions& options) {
  const UniqueFd executable = OpenOwnExecutable();
  const UniqueFd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  const UniqueFd directory(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  // A daemon may have closed its outputs.
  const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  const auto open_or_null = [&](int fd) { return fcntl(fd, F_GETFD) >= 0 ? fd : null.get(); };
  if (!self || !directory || !null) {
    internal::Throw(ErrorKind::kUnavailable, absl::StrCat("Init: ", strerror(errno)));
  }
  const std::string name = OwnName();
  const std::vector<std::string> environment = EnvironmentForChildren();
  std::vector<std::pair<std::string, std::string>> flags;
  for (const auto& [flag_name, flag] : absl::GetAllFlags()) {
    if (flag->CurrentValue() != flag->DefaultValue())
      flags.emplace_back(std::string(flag_name), flag->CurrentValue());
  }
  const std::string& build_id = worker::BuildId();
  wire::Hello hello{
      .role = wire::Role::kDriver,
      .pid = getpid(),
      .ring_bytes = static_cast<uint32_t>(options.ring_bytes),
      .build_id = std::as_bytes(std::span(build_id.data(), build_id.size())),
      .executable = name,
      .environment = {environment.begin(), environment.end()},
      .flags = {},
      .job_name = options.job_name,
      .job_weight = std::llround(options.job_weight * kResourceUnit),
      .window = static_cast<uint32_t>(options.submission_window > 0 ? options.submission_window
                                                                    : Limits::kMaxQueuedTasks)};
  for (const auto& [flag, value] : flags) hello.flags.emplace_back(flag, value);
  auto session =
      worker::NodeSession::Connect(std::move(socket), hello,
                                   {executable.get(), self.get(), directory.get(),
                                    open_or_null(STDOUT_FILENO), open_or_null(STDERR_FILENO)},
                                   MonotonicNanos() + kConnectTimeoutNanos);
  if (!session.ok()) Fail(session.status());
  return *std::move(session);
}

void EndNode(const loop::Process& node) {
  if (node.pid == 0) return;
  pollfd ended{node.pidfd.get(), POLLIN, 0};
  if (poll(&ended, 1, 5'000) == 0) kill(node.pid, SIGKILL);
  loop::Reap(node);
}

void CheckNumbers(const InitOptions& options) {
  using internal::CheckOption;
  CheckOption("Init", "workers", options.workers, 0, kMostWorkers);
  CheckOption("Init", "object_store_memory", options.object_store_memory, 0);
  CheckOption("Init", "spill_quota", options.spill_quota, 0);
  if (options.ring_bytes != 0) {
    CheckOption("Init", "ring_bytes", options.ring_bytes, Limits::kMinRingBytes,
                Limits::kMaxRingBytes);
  }
  CheckOption("Init", "memory", options.memory, 0);
  CheckOption("Init", "memory_limit", options.memory_limit, 0);
  CheckOption("Init", "submission_window", options.submission_window, 0);
  if (!(options.job_weight >= 0.0001 && options.job_weight <= 1e6)) {
    internal::Throw(
        ErrorKind::kInvalidArgument,
        absl::StrCat("Init: job_weight = ", options.job_weight, ": it is from 0.0001 to 1000000"));
  }
}

}  // namespace

Cluster Init(InitOptions options) {
  if (!internal::MainHasBegun()) {
    internal::Throw(ErrorKind::kInvalidArgument,
                    "Init: called before main; call it in main or later");
  }
  if (internal::HasCurrentSession()) {
    internal::Throw(
        ErrorKind::kInvalidArgument,
        "Init: this process is connected already; in a task, use the cluster that runs it");
  }
  CheckNumbers(options);
  std::string address = options.address;
  if (address.empty()) address = internal::Flags().address.value_or("");
  const bool in_process = options.in_process || internal::Flags().in_process.value_or(false);
  if (in_process && !address.empty()) {
    internal::Throw(ErrorKind::kInvalidArgument,
                    absl::StrCat("Init: in_process is a cluster of this process alone, and \"",
                                 address, "\" is an address: leave one of them out"));
  }
  if (in_process) {
    address = "embedded";
  } else if (address.empty()) {
    if (const char* variable = std::getenv("TROUPE_ADDRESS"); variable != nullptr)
      address = variable;
  }
  auto state = std::make_unique<Cluster::State>();
  UniqueFd socket;
  if (address.empty()) {
    // The user's running cluster, where there is one.
    const std::string path = worker::RuntimeDirectory() + "/node.sock";
    auto connected = worker::ConnectToPath(path);
    if (connected.ok()) {
      socket = *std::move(connected);
      state->address = "unix:" + path;
    }
  } else if (address != "embedded") {
    const absl::StatusOr<std::string> path = worker::PathOfAddress(address);
    if (!path.ok()) Fail(path.status());
    auto connected = worker::ConnectToPath(*path);
    if (!connected.ok()) Fail(connected.status());
    socket = *std::move(connected);
    state->address = address;
  }
  if (!socket) socket = StartNode(options, in_process, state.get());
  try {
    state->session = Connect(std::move(socket), options);
  } catch (...) {
    EndNode(state->node);  // one that is a thread ends with the state
    throw;
  }
  state->session->SetRefuseWhenFull(options.refuse_when_full);
  internal::SetCurrentSession(state->session);
  return Cluster(std::move(state));
}

bool IsInitialized() { return internal::HasCurrentSession(); }

void OnWorkerStart(std::function<void()> f) { internal::AddWorkerStartFunction(std::move(f)); }

Cluster::Cluster(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cluster::Cluster(Cluster&& other) noexcept = default;

Cluster::~Cluster() {
  if (state_ == nullptr) return;
  internal::SetCurrentSession(nullptr);
  state_->session->Shutdown();
  EndNode(state_->node);
}

int Cluster::cpus() const { return state_->session->cpus(); }
int64_t Cluster::object_store_memory() const {
  return static_cast<int64_t>(state_->session->store_bytes());
}
bool Cluster::embedded() const { return state_->address.empty(); }
bool Cluster::in_process() const { return state_->node_thread != nullptr; }
const std::string& Cluster::address() const { return state_->address; }

}  // namespace troupe
