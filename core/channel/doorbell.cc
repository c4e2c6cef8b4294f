#include "core/channel/doorbell.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/fault/fault.h"

namespace troupe::channel {

namespace {

constinit const fault::Point bell_point("channel.bell");
constinit const fault::Point ring_point("channel.ring_bell");

}  // namespace

absl::StatusOr<Doorbell> Doorbell::Create() {
  UniqueFd fd(bell_point.Call([] { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }));
  if (!fd) return absl::ResourceExhaustedError(absl::StrCat("eventfd: ", strerror(errno)));
  return Doorbell(std::move(fd));
}

void Doorbell::Ring() {
  (void)ring_point.Fail();  // it may be late; a kernel that loses it is not provided for
  const uint64_t one = 1;
  ssize_t written;
  do {
    written = write(fd_.get(), &one, sizeof(one));
  } while (written < 0 && errno == EINTR);
  // EAGAIN: the count is full, so that it is readable anyway.
  if (written < 0 && errno != EAGAIN)
    Log(LogLevel::kError, absl::StrCat("ringing a doorbell: ", strerror(errno)));
}

void Doorbell::Silence() {
  uint64_t count;
  while (read(fd_.get(), &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}

}  // namespace troupe::channel
