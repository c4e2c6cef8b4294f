// CodeAudit says which code has come to a node, by whom: a line for each job that brings a program
// of its own, with the SHA-256 of that program's file, and one for each shared object that a job
// says it will send to its workers, which open no other bytes than those of that SHA-256.
//
//   audit.Brings({.job = job, .pid = pid, .user = uid, .name = "/opt/app"}, program);
//   // "audit: job 3: pid 812 of user 1000 brings /opt/app, 12.3 MiB, SHA-256 9f86d081..."
//   audit.Shares({.job = job, .pid = pid, .user = uid, .name = "/opt/libgeometry.so"}, size, hash);
//   // "audit: job 3: pid 812 of user 1000 shares /opt/libgeometry.so, 1.2 MiB, SHA-256
//   60303ae2..."
//
// The file is read beside the loop, and once as long as it stays what it is. What a client says of
// itself is escaped: it cannot make a line. Bounds: kMaxNameBytes of a name, kMaxKnown files,
// kMaxShared lines of a job for shared objects, of which the last says that there are more.
// Not thread-safe.
#ifndef TROUPE_SCHEDULER_SERVER_CODE_AUDIT_H_
#define TROUPE_SCHEDULER_SERVER_CODE_AUDIT_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/base/unique_fd.h"
#include "core/loop/event_loop.h"

namespace troupe::scheduler {

class CodeAudit {
 public:
  static constexpr size_t kMaxNameBytes = 1024;
  static constexpr size_t kMaxKnown = 64;
  static constexpr int kMaxShared = 1000;

  // The loop outlives this, and has no work of it under way when this ends.
  CodeAudit(loop::EventLoop* loop, std::function<void(std::string_view line)> write)
      : loop_(loop), write_(std::move(write)) {}

  struct Bringer {
    JobId job = JobId::kNone;
    int pid = 0;
    uid_t user = 0;
    std::string_view name;  // of the program, as the client calls it
  };
  // `program` is an open file, and stays the caller's.
  void Brings(const Bringer& who, int program);
  // Errors: InvalidArgument for what is no SHA-256.
  absl::Status Shares(const Bringer& who, uint64_t bytes, std::string_view sha256);
  void JobEnded(JobId job) { shared_.erase(job); }
  // What is being read is read no further, and its line says so: whoever ends the node need not
  // wait for large programs.
  void GiveUp() { *gives_up_ = true; }

 private:
  // Of a file and its last change, which nobody can set back.
  using File = std::tuple<dev_t, ino_t, off_t, time_t, long>;

  loop::EventLoop* loop_;
  std::function<void(std::string_view)> write_;
  std::map<File, std::string> known_;
  std::map<JobId, int> shared_;  // how many lines each has
  const std::shared_ptr<std::atomic<bool>> gives_up_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_CODE_AUDIT_H_
