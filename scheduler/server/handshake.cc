// The part of Node that greets: who connects, with what, and what it is told.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/string_view.h"
#include "core/channel/shm_channel.h"
#include "core/channel/stream_channel.h"
#include "scheduler/server/node.h"

extern char** environ;

namespace troupe::scheduler {

absl::Status Node::Greet(Connection* connection, const wire::Hello& hello,
                         std::vector<UniqueFd> descriptors) {
  if (hello.version != wire::kVersion) {
    Refuse(connection, absl::StrCat("this cluster speaks protocol version ", wire::kVersion,
                                    " and the program version ", hello.version,
                                    ": build both from the same version of Troupe"));
    return absl::OkStatus();
  }
  const bool started_by_us = connection->process != ProcessId::kNone;
  if (started_by_us != (hello.role == wire::Role::kWorker) ||
      (started_by_us && hello.nonce != connection->nonce)) {
    return absl::PermissionDeniedError(
        "it says that it is a worker, or is one, and does not know its nonce");
  }
  if (hello.pid > 0 && connection->pid == 0) connection->pid = hello.pid;
  connection->role = hello.role;
  connection->client = ClientId(next_client_++);
  if (hello.role == wire::Role::kDriver) {
    if (absl::Status status = GreetDriver(connection, hello, std::move(descriptors)); !status.ok())
      return status;
  }
  wire::Welcome welcome{.version = wire::kVersion,
                        .client = connection->client,
                        .job = connection->job,
                        .cpus = static_cast<uint32_t>(options_.cpus),
                        .store_bytes = options_.store_bytes,
                        .flags = {}};
  std::vector<int> channel_descriptors;
  if (hello.role == wire::Role::kTool) {
    connection->Open(std::make_unique<channel::StreamChannel>(&connection->socket));
  } else {
    const size_t ring_bytes = hello.ring_bytes == 0 ? options_.ring_bytes : hello.ring_bytes;
    auto created = channel::ShmChannel::CreateNodeEnd(
        ring_bytes, UniqueFd(fcntl(bell_->fd(), F_DUPFD_CLOEXEC, 3)));
    if (!created.ok()) {
      Refuse(connection, std::string(ToStd(created.status().message())));
      return absl::OkStatus();
    }
    channel_descriptors = (*created)->descriptors();
    connection->Open(*std::move(created));
    const auto image = images_.find(connection->job);
    if (hello.role == wire::Role::kWorker && image != images_.end()) {
      for (const auto& [name, value] : image->second.flags) welcome.flags.emplace_back(name, value);
    }
  }
  by_client_[connection->client] = connection;
  connection->SendControl(welcome, channel_descriptors);
  connection->state = Connection::State::kActive;
  Greeted(connection);
  switch (hello.role) {
    case wire::Role::kDriver:
      core_.DriverJoined(
          connection->client, connection->job,
          {.name = std::string(hello.job_name),
           .weight_units = hello.job_weight,
           .window = hello.window,
           .build_id = std::string(reinterpret_cast<const char*>(hello.build_id.data()),
                                   hello.build_id.size()),
           .executable = std::string(hello.executable)});
      break;
    case wire::Role::kTool:
      core_.ToolJoined(connection->client);
      break;
    case wire::Role::kWorker: {
      // Of an actor that ended while its process started: nobody waits for it any more.
      if (!core_.WorkerJoined(connection->process, connection->client).ok())
        launcher_->Kill(connection->process);
      break;
    }
  }
  Perform();
  return absl::OkStatus();
}

// A driver brings the descriptors of its executable, its process, its working directory, its output
// and its error output.
absl::Status Node::GreetDriver(Connection* connection, const wire::Hello& hello,
                               std::vector<UniqueFd> descriptors) {
  if (descriptors.size() != 5) {
    return absl::InvalidArgumentError(
        absl::StrCat("a driver brings 5 descriptors, not ", descriptors.size()));
  }
  struct stat info {};
  if (fstat(descriptors[0].get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError("a driver whose executable is no file");
  }
  connection->job = JobId(next_job_++);
  Image image;
  if (options_.program) {
    // Nothing of the driver's decides what runs: an LD_PRELOAD is code, too.
    image = OperatorsImage();
    if (!image.executable || !image.working_directory)
      return absl::ResourceExhaustedError("no descriptor is left for its workers' program");
  } else {
    image.executable = std::move(descriptors[0]);
    image.name = std::string(hello.executable);
    for (const std::string_view entry : hello.environment) image.environment.emplace_back(entry);
    for (const auto& [name, value] : hello.flags) image.flags.emplace_back(name, value);
    image.working_directory = std::move(descriptors[2]);
    if (options_.audit) {
      audit_.Brings({.job = connection->job,
                     .pid = connection->pid,
                     .user = connection->user,
                     .name = hello.executable},
                    image.executable.get());
    }
  }
  connection->pidfd = std::move(descriptors[1]);
  image.output = std::make_shared<const UniqueFd>(std::move(descriptors[3]));
  image.error_output = std::make_shared<const UniqueFd>(std::move(descriptors[4]));
  images_.emplace(connection->job, std::move(image));
  // A forked child keeps a dead driver's socket open: the pidfd tells the truth.
  connection->pid_watcher =
      loop_.Watch(connection->pidfd.get(), loop::EventLoop::kReadable, [this, connection](int) {
        Close(connection, absl::UnavailableError("the driver has died"));
      });
  return absl::OkStatus();
}

// Where only registered functions run, no caller's code comes.
absl::Status Node::Note(const Connection& connection, const wire::CodeNotice& code) {
  if (!options_.audit || options_.registered_only) return absl::OkStatus();
  return audit_.Shares({.job = connection.job,
                        .pid = connection.pid,
                        .user = connection.accepted ? connection.user : geteuid(),
                        .name = code.path},
                       code.bytes, code.sha256);
}

// The program that all workers run where the operator has named one.
Image Node::OperatorsImage() const {
  Image image;
  image.executable = UniqueFd(fcntl(options_.program.get(), F_DUPFD_CLOEXEC, 3));
  image.name = options_.program_name;
  for (char** entry = environ; *entry != nullptr; ++entry) image.environment.emplace_back(*entry);
  image.working_directory = UniqueFd(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return image;
}

void Node::Refuse(Connection* connection, std::string reason) {
  Log(LogLevel::kWarning, absl::StrCat("pid ", connection->pid, " was refused: ", reason));
  connection->SendControl(wire::Refused{reason}, {});
  Close(connection, absl::UnavailableError(reason));
}

}  // namespace troupe::scheduler
