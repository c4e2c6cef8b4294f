#include "scheduler/server/worker_output.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace troupe::scheduler {

WorkerOutput::WorkerOutput(OutputForwarder* forwarder, std::weak_ptr<const UniqueFd> output,
                           std::weak_ptr<const UniqueFd> error_output)
    : forwarder_(forwarder) {
  streams_[0].to = std::move(output);
  streams_[1].to = std::move(error_output);
}

absl::StatusOr<WorkerOutput::Ends> WorkerOutput::Open() {
  UniqueFd ends[2];
  for (int i = 0; i < 2; ++i) {
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0)
      return absl::ResourceExhaustedError(absl::StrCat("pipe: ", strerror(errno)));
    streams_[i].end = UniqueFd(pair[0]);
    ends[i] = UniqueFd(pair[1]);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
  }
  return Ends{std::move(ends[0]), std::move(ends[1])};
}

void WorkerOutput::Watch(loop::EventLoop* loop, int pid) {
  pid_ = pid;
  for (Stream& stream : streams_) {
    stream.watcher = loop->Watch(stream.end.get(), loop::EventLoop::kReadable,
                                 [this, &stream](int) { (void)Read(&stream); });
  }
}

bool WorkerOutput::Read(Stream* stream) {
  if (!stream->end) return false;
  char buffer[16'384];
  const ssize_t size = read(stream->end.get(), buffer, sizeof(buffer));
  if (size > 0) {
    const std::string_view bytes(buffer, static_cast<size_t>(size));
    (void)both_.Take(bytes);
    Show(*stream, stream->lines.Take(bytes));
    return true;
  }
  if (size < 0 && errno == EINTR) return true;
  if (size == 0 || errno != EAGAIN) {
    stream->watcher.reset();
    stream->end.reset();
  }
  return false;
}

void WorkerOutput::Drain() {
  constexpr int kReads = 256;  // of one that writes as fast as it is read
  for (Stream& stream : streams_) {
    for (int i = 0; i < kReads && Read(&stream); ++i) {
    }
  }
}

std::string WorkerOutput::Finish() {
  Drain();
  for (Stream& stream : streams_) {
    stream.watcher.reset();
    stream.end.reset();
    Show(stream, stream.lines.Finish());
  }
  return LastLines();
}

std::string WorkerOutput::LastLines() const {
  std::string text;
  for (const std::string& line : both_.Tail())
    absl::StrAppend(&text, text.empty() ? "; the last lines that it wrote:" : "", "\n  | ", line);
  return text;
}

void WorkerOutput::Show(const Stream& stream, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  const std::shared_ptr<const UniqueFd> to = stream.to.lock();
  if (to == nullptr || !*to) return;
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, "(pid ", pid_, ") ", line, "\n");
  forwarder_->Write(to, std::move(text));
}

}  // namespace troupe::scheduler
