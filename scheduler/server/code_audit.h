// CodeAudit says which code has come to a node, by whom: a line for each job that brings a program
// of its own, with the SHA-256 of that program's file.
//
//   audit.Brings({.job = job, .pid = pid, .user = uid, .name = "/opt/app"}, program);
//   // "audit: job 3: pid 812 of user 1000 brings /opt/app, 12.3 MiB, SHA-256 9f86d081..."
//
// The file is read beside the loop, and once as long as it stays what it is. What a client says of
// itself is escaped: it cannot make a line. Bounds: kMaxNameBytes of a name, kMaxKnown files.
// Not thread-safe.
#ifndef TROUPE_SCHEDULER_SERVER_CODE_AUDIT_H_
#define TROUPE_SCHEDULER_SERVER_CODE_AUDIT_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "core/base/ids.h"
#include "core/base/unique_fd.h"
#include "core/loop/event_loop.h"

namespace troupe::scheduler {

class CodeAudit {
 public:
  static constexpr size_t kMaxNameBytes = 1024;
  static constexpr size_t kMaxKnown = 64;

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

 private:
  // Of a file and its last change, which nobody can set back.
  using File = std::tuple<dev_t, ino_t, off_t, time_t, long>;

  loop::EventLoop* loop_;
  std::function<void(std::string_view)> write_;
  std::map<File, std::string> known_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_CODE_AUDIT_H_
