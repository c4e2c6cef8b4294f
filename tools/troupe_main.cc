// The troupe tool: starts, shows and stops a cluster on this machine.
//
//   troupe up [--workers N] [--object_store_memory SIZE] [--spill_dir DIR[,DIR]]
//             [--spill_quota SIZE] [--memory_limit SIZE] [--detach]
//             [--max_client_objects N] [--max_client_bytes SIZE]
//             [--registered_only --image PROGRAM]
//   troupe status
//   troupe memory
//   troupe list tasks|actors|workers|groups [--json]
//   troupe why ID       what a task waits for
//   troupe story ID     what has happened to a task, an actor or a worker
//   troupe down
//
// With --registered_only, workers are started from PROGRAM alone, never from what a driver brings,
// and drivers may call only the functions that it registers by name (sdk/function_registry.h).
//
// `up` serves in the foreground until Ctrl-C; workers start when a driver brings its executable.
// The socket lies in the runtime directory (worker/address.h), guarded by a lock; what a killed
// node left behind is recognised and removed. Exit codes: 0; 1 where it failed, with one sentence;
// 2 for a wrong command line.
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/string_view.h"
#include "core/channel/control_socket.h"
#include "core/channel/stream_channel.h"
#include "core/machine/cpus.h"
#include "core/machine/memory.h"
#include "core/wire/handshake.h"
#include "core/wire/messages.h"
#include "objectstore/spill/spill_directories.h"
#include "scheduler/server/node.h"
#include "worker/address.h"
#include "worker/greeting.h"

namespace troupe {
namespace {

constexpr char kUsage[] =
    "usage: troupe up [--workers N] [--object_store_memory SIZE] [--spill_dir DIR[,DIR]]\n"
    "                 [--spill_quota SIZE] [--memory_limit SIZE] [--detach]\n"
    "                 [--max_client_objects N] [--max_client_bytes SIZE]\n"
    "                 [--registered_only --image PROGRAM]\n"
    "       troupe status\n"
    "       troupe memory\n"
    "       troupe list tasks|actors|workers|groups [--json]\n"
    "       troupe why ID | story ID\n"
    "       troupe down\n";

struct UpOptions {
  int workers = machine::UsableCpus();
  int64_t object_store_memory = machine::DefaultStoreBytes();
  std::vector<std::string> spill_directories;
  uint64_t spill_quota = UINT64_MAX;
  uint64_t memory_limit = 0;
  uint64_t max_client_objects = Limits::kMaxClientObjects;
  uint64_t max_client_bytes = Limits::kMaxClientBytes;
  bool detach = false;
  bool registered_only = false;
  std::string image;  // the operator's program
  UniqueFd program;   // the same, open
};

// An open descriptor of a program that can be started.
absl::StatusOr<UniqueFd> OpenProgram(const std::string& path) {
  UniqueFd program(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  const char* why = nullptr;
  if (!program) {
    why = strerror(errno);
  } else if (fstat(program.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    why = "it is no file";
  } else if (access(path.c_str(), X_OK) != 0) {
    why = strerror(errno);
  }
  if (why != nullptr) return absl::InvalidArgumentError(absl::StrCat("--image: ", path, ": ", why));
  return program;
}

absl::StatusOr<UpOptions> ParseUp(const std::vector<std::string>& arguments) {
  UpOptions options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const size_t equals = arguments[i].find('=');
    const std::string name = arguments[i].substr(0, equals);
    if (name == "--detach" && equals == std::string::npos) {
      options.detach = true;
      continue;
    }
    if (name == "--registered_only" && equals == std::string::npos) {
      options.registered_only = true;
      continue;
    }
    std::string value;
    if (equals != std::string::npos) {
      value = arguments[i].substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    }
    if (name == "--workers") {
      if (!absl::SimpleAtoi(value, &options.workers) || options.workers < 1 ||
          options.workers > 4096) {
        return absl::InvalidArgumentError(absl::StrCat(
            "--workers=", value, " is no number of workers: write one from 1 to 4096"));
      }
    } else if (name == "--object_store_memory") {
      const absl::StatusOr<int64_t> bytes = ParseBytes(value);
      if (!bytes.ok()) return bytes.status();
      if (*bytes < static_cast<int64_t>(Limits::kMinLeaseBytes)) {
        return absl::InvalidArgumentError("--object_store_memory must be at least 256KiB");
      }
      if (*bytes > machine::UsableMemoryBytes()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--object_store_memory is ", FormatBytes(*bytes),
                         ", and the memory that may be used is ",
                         FormatBytes(machine::UsableMemoryBytes()), ": ask for less"));
      }
      options.object_store_memory = *bytes;
    } else if (name == "--spill_dir") {
      const std::vector<std::string> names = absl::StrSplit(value, ',');
      const auto directories = objectstore::UsableSpillDirectories(names);
      if (!directories.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--spill_dir: ", directories.status().message()));
      }
      options.spill_directories.insert(options.spill_directories.end(), directories->begin(),
                                       directories->end());
    } else if (name == "--spill_quota") {
      const absl::StatusOr<int64_t> bytes = ParseBytes(value);
      if (!bytes.ok()) return bytes.status();
      options.spill_quota = static_cast<uint64_t>(*bytes);
    } else if (name == "--memory_limit") {
      const absl::StatusOr<int64_t> bytes = ParseBytes(value);
      if (!bytes.ok()) return bytes.status();
      options.memory_limit = static_cast<uint64_t>(*bytes);
    } else if (name == "--max_client_objects") {
      if (!absl::SimpleAtoi(value, &options.max_client_objects) || options.max_client_objects < 1 ||
          options.max_client_objects > Limits::kMaxClientObjects) {
        return absl::InvalidArgumentError(absl::StrCat("--max_client_objects=", value,
                                                       " is no number of objects: write one ",
                                                       "from 1 to ", Limits::kMaxClientObjects));
      }
    } else if (name == "--max_client_bytes") {
      const absl::StatusOr<int64_t> bytes = ParseBytes(value);
      if (!bytes.ok()) return bytes.status();
      options.max_client_bytes = static_cast<uint64_t>(*bytes);
    } else if (name == "--image") {
      options.image = std::filesystem::absolute(value).string();
      absl::StatusOr<UniqueFd> program = OpenProgram(options.image);
      if (!program.ok()) return program.status();
      options.program = *std::move(program);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown argument ", arguments[i], "\n", kUsage));
    }
  }
  if (options.registered_only != static_cast<bool>(options.program)) {
    return absl::InvalidArgumentError(
        "--registered_only and --image go together: the image is the program whose registered "
        "functions may be called");
  }
  return options;
}

// The lock, the pid and the socket of the runtime directory; their files go with the node.
struct Place {
  UniqueFd lock;
  UniqueFd pid;
  UniqueFd listener;
  std::string path;
  std::string pid_path;
};

absl::Status PlaceError(const char* what, const std::string& path, int error) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot ", what, " ", path, ": ", strerror(error),
                   error == ENOSPC ? ": make room there" : ": make it writable",
                   ", or set TROUPE_RUNTIME_DIR to another directory"));
}

// Overwrites in place: where it succeeded once, it needs no more room.
bool WritePid(int fd) {
  const std::string text = absl::StrCat(getpid(), "\n");
  return pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
         ftruncate(fd, static_cast<off_t>(text.size())) == 0;
}

absl::StatusOr<Place> TakePlace() {
  const std::string directory = worker::RuntimeDirectory();
  if (absl::Status status = worker::PrepareRuntimeDirectory(directory); !status.ok()) return status;
  Place place;
  place.path = directory + "/node.sock";
  place.pid_path = directory + "/node.pid";
  const std::string lock_path = directory + "/node.lock";
  place.lock = UniqueFd(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!place.lock) return PlaceError("open", lock_path, errno);
  if (flock(place.lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("a cluster is running already at unix:", place.path,
                     ": use it, or stop it with `troupe down`"));
  }
  place.pid =
      UniqueFd(open(place.pid_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!place.pid || !WritePid(place.pid.get())) return PlaceError("write", place.pid_path, errno);
  // We have the lock: a socket that is there belongs to a node that has died.
  unlink(place.path.c_str());
  place.listener = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, place.path.c_str(), place.path.size() + 1);
  const mode_t mask = umask(0177);
  int error = 0;
  if (bind(place.listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    error = errno;
  umask(mask);
  if (error == 0 && listen(place.listener.get(), 128) != 0) error = errno;
  if (error != 0) return PlaceError("listen at", place.path, error);
  return place;
}

int Serve(UpOptions options, Place place, int ready_fd) {
  const int64_t begin = MonotonicNanos();
  scheduler::NodeOptions node_options;
  node_options.cpus = options.workers;
  node_options.store_bytes = static_cast<uint64_t>(options.object_store_memory);
  node_options.memory_limit = options.memory_limit;
  node_options.max_client_objects = options.max_client_objects;
  node_options.max_client_bytes = options.max_client_bytes;
  for (const std::string& directory : options.spill_directories)
    node_options.spill.push_back({directory, options.spill_quota});
  node_options.registered_only = options.registered_only;
  node_options.program = std::move(options.program);
  node_options.program_name = options.image;
  node_options.listener = std::move(place.listener);
  TROUPE_CHECK(WritePid(place.pid.get()), "the pid's file, which was written before");
  node_options.on_ready = [&] {
    std::printf("troupe 0.1 · %d cpus · store %s · started in %lld ms\n", options.workers,
                FormatBytes(options.object_store_memory).c_str(),
                static_cast<long long>((MonotonicNanos() - begin) / 1'000'000));
    std::printf("connect: any troupe program on this machine, or TROUPE_ADDRESS=unix:%s\n",
                place.path.c_str());
    std::fflush(stdout);
    if (ready_fd >= 0) {
      (void)!write(ready_fd, "r", 1);
      close(ready_fd);
    }
  };
  node_options.audit = [](std::string_view line) {
    std::printf("%s %s\n",
                absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()).c_str(),
                std::string(line).c_str());
    std::fflush(stdout);
  };
  scheduler::Node node(std::move(node_options));
  const int exit_code = node.Run();
  unlink(place.path.c_str());
  unlink(place.pid_path.c_str());
  // Before the connections end with the node: by that, `troupe down` knows that the next one may
  // start.
  flock(place.lock.get(), LOCK_UN);
  std::printf("stopped: %zu tasks cancelled, %zu objects held\n", node.totals().tasks_cancelled,
              node.totals().objects_held);
  return exit_code;
}

int Up(UpOptions options) {
  absl::StatusOr<Place> place = TakePlace();
  if (!place.ok()) {
    std::fprintf(stderr, "troupe: %s\n", std::string(ToStd(place.status().message())).c_str());
    return 1;
  }
  if (!options.detach) return Serve(std::move(options), *std::move(place), -1);
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) {
    std::fprintf(stderr, "troupe: pipe: %s\n", strerror(errno));
    return 1;
  }
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) {
    std::fprintf(stderr, "troupe: fork: %s\n", strerror(errno));
    return 1;
  }
  if (child == 0) {
    setsid();
    close(ready[0]);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    // What it says goes to a file beside the socket, a new one for each start.
    const std::string log = worker::RuntimeDirectory() + "/node.log";
    unlink(log.c_str());
    const int output = open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    dup2(output >= 0 ? output : null, STDOUT_FILENO);
    dup2(output >= 0 ? output : null, STDERR_FILENO);
    KeepLogBelow(Limits::kMaxLogFileBytes);
    _exit(Serve(std::move(options), *std::move(place), ready[1]));
  }
  close(ready[1]);
  char byte = 0;
  if (read(ready[0], &byte, 1) != 1) {
    std::fprintf(stderr, "troupe: the node ended before it was ready: see %s/node.log\n",
                 worker::RuntimeDirectory().c_str());
    return 1;
  }
  std::printf("troupe: started, pid %d; stop it with `troupe down`\n", child);
  return 0;
}

// A tool's connection to the running node.
class NodeClient {
 public:
  static absl::StatusOr<NodeClient> Connect() {
    std::string path = worker::RuntimeDirectory() + "/node.sock";
    const char* address = std::getenv("TROUPE_ADDRESS");
    if (address != nullptr && *address != '\0' && std::string(address) != "embedded") {
      absl::StatusOr<std::string> given = worker::PathOfAddress(address);
      if (!given.ok()) return given.status();
      path = *given;
    }
    absl::StatusOr<UniqueFd> socket = worker::ConnectToPath(path);
    if (!socket.ok()) return socket.status();
    NodeClient client(*std::move(socket));
    wire::Hello hello;
    hello.role = wire::Role::kTool;
    hello.pid = getpid();
    const absl::Status status = worker::Greet(
        client.socket_, hello, {},
        MonotonicNanos() + int64_t{Limits::kConnectTimeoutMs} * 1'000'000,
        [](const wire::ControlMessage&, std::vector<UniqueFd>) { return absl::OkStatus(); });
    if (!status.ok()) return status;
    return client;
  }

  absl::Status Send(const wire::ClientMessage& message) {
    return socket_.Send(wire::Encode(message, buffer_));
  }
  // Until `handle` returns true, an error, or two seconds have passed.
  template <typename Handle>
  absl::Status Receive(Handle handle) {
    const int64_t deadline = MonotonicNanos() + int64_t{Limits::kConnectTimeoutMs} * 1'000'000;
    for (bool done = false; !done;) {
      const int64_t left = deadline - MonotonicNanos();
      if (left <= 0) return absl::UnavailableError("the node does not answer");
      pollfd p{socket_.fd(), POLLIN, 0};
      poll(&p, 1, static_cast<int>(left / 1'000'000 + 1));
      const absl::Status status =
          socket_.Receive([&](wire::Bytes bytes, std::vector<UniqueFd>) -> absl::Status {
            absl::StatusOr<bool> handled = handle(bytes);
            if (!handled.ok()) return handled.status();
            done |= *handled;
            return absl::OkStatus();
          });
      if (!status.ok() && !done) return status;
    }
    return absl::OkStatus();
  }

 private:
  explicit NodeClient(UniqueFd socket) : socket_(std::move(socket)) {}

  channel::ControlSocket socket_;
  wire::MessageBuffer buffer_;
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "troupe: %s\n", std::string(ToStd(status.message())).c_str());
  return 1;
}

int Ask(const std::string& query) {
  absl::StatusOr<NodeClient> node = NodeClient::Connect();
  if (!node.ok()) return Fail(node.status());
  if (absl::Status status = node->Send(wire::StatusRequest{1, query}); !status.ok())
    return Fail(status);
  const absl::Status status = node->Receive([](wire::Bytes bytes) -> absl::StatusOr<bool> {
    absl::StatusOr<wire::NodeMessage> message = wire::DecodeNodeMessage(bytes);
    if (!message.ok()) return message.status();
    const auto* report = std::get_if<wire::StatusReport>(&*message);
    if (report != nullptr) std::fwrite(report->text.data(), 1, report->text.size(), stdout);
    return report != nullptr;
  });
  return status.ok() ? 0 : Fail(status);
}

const char* StateName(wire::ObjectState state) {
  switch (state) {
    case wire::ObjectState::kPending:
      return "pending";
    case wire::ObjectState::kInline:
      return "in the node";
    case wire::ObjectState::kInMemory:
      return "in memory";
    case wire::ObjectState::kSpilling:
      return "spilling";
    case wire::ObjectState::kSpilled:
      return "spilled";
    case wire::ObjectState::kRestoring:
      return "restoring";
    case wire::ObjectState::kFailed:
      return "failed";
  }
  return "unknown";
}

// What is in the store: the totals, which add up to its size, and the largest objects.
int Memory() {
  constexpr uint32_t kObjects = 50;
  absl::StatusOr<NodeClient> node = NodeClient::Connect();
  if (!node.ok()) return Fail(node.status());
  if (absl::Status status = node->Send(wire::MemoryRequest{1, kObjects}); !status.ok())
    return Fail(status);
  const absl::Status status = node->Receive([](wire::Bytes bytes) -> absl::StatusOr<bool> {
    absl::StatusOr<wire::NodeMessage> message = wire::DecodeNodeMessage(bytes);
    if (!message.ok()) return message.status();
    const auto* report = std::get_if<wire::MemoryReport>(&*message);
    if (report == nullptr) return false;
    const auto format = [](uint64_t n) { return FormatBytes(static_cast<int64_t>(n)); };
    const uint64_t used = report->object_bytes + report->leased_bytes + report->kept_bytes;
    std::printf("store    %s: objects %s, leased %s, kept warm %s, free %s\n",
                format(report->cap).c_str(), format(report->object_bytes).c_str(),
                format(report->leased_bytes).c_str(), format(report->kept_bytes).c_str(),
                format(report->cap - used).c_str());
    std::printf("spilled  %s; small values in the node %s; %llu objects\n",
                format(report->spilled_bytes).c_str(), format(report->inline_bytes).c_str(),
                static_cast<unsigned long long>(report->object_count));
    if (report->objects.empty()) return true;
    std::printf("%-16s %10s %-12s %7s %5s %4s  %s\n", "object", "size", "state", "holders", "needs",
                "pins", "maker");
    for (const wire::MemoryObject& object : report->objects) {
      std::printf("%-16s %10s %-12s %7u %5u %4u  %s\n", object.id.ToString().c_str(),
                  format(object.size).c_str(), StateName(object.state), object.holders,
                  object.holds, object.pins, std::string(object.maker).c_str());
    }
    return true;
  });
  return status.ok() ? 0 : Fail(status);
}

int Down() {
  absl::StatusOr<NodeClient> node = NodeClient::Connect();
  if (!node.ok()) return Fail(node.status());
  if (absl::Status status = node->Send(wire::Stop{}); !status.ok()) return Fail(status);
  // The node closes the connection when it has ended.
  const absl::Status status =
      node->Receive([](wire::Bytes) -> absl::StatusOr<bool> { return false; });
  if (absl::IsUnavailable(status) && ToStd(status.message()) != "the node does not answer") {
    std::printf("troupe: stopped\n");
    return 0;
  }
  return Fail(status);
}

int Main(int argc, char** argv) {
  // Under `bazel run`, relative paths are those of the caller's directory.
  if (const char* directory = std::getenv("BUILD_WORKING_DIRECTORY"); directory != nullptr) {
    (void)!chdir(directory);
  }
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string command = arguments.empty() ? "" : arguments[0];
  const std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1),
                                      arguments.end());
  if (command == "up") {
    absl::StatusOr<UpOptions> options = ParseUp(rest);
    if (!options.ok()) {
      Fail(options.status());
      return 2;
    }
    return Up(*std::move(options));
  }
  if (command == "status" && rest.empty()) return Ask("");
  if (command == "list" && (rest.size() == 1 || (rest.size() == 2 && rest[1] == "--json")))
    return Ask(absl::StrCat("list ", absl::StrJoin(rest, " ")));
  if ((command == "why" || command == "story") && rest.size() == 1)
    return Ask(absl::StrCat(command, " ", rest[0]));
  if (command == "memory" && rest.empty()) return Memory();
  if (command == "down" && rest.empty()) return Down();
  std::fprintf(stderr, "troupe: %s%s\n%s",
               command.empty() ? "what shall it do?" : "unknown command ", command.c_str(), kUsage);
  return 2;
}

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) { return troupe::Main(argc, argv); }
