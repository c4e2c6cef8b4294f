#include "scheduler/server/code_audit.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/string_view.h"

namespace troupe::scheduler {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;

// 64 hexadecimal digits; or empty, and errno: ECANCELED where it gives up.
std::string Sha256Of(int fd, const std::atomic<bool>& gives_up) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::vector<unsigned char> buffer(kBufferBytes);
  for (off_t at = 0;;) {
    const ssize_t n = pread(fd, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (gives_up) {
      errno = ECANCELED;
      return "";
    }
    if (n < 0) return "";
    if (n == 0) break;
    crypto_hash_sha256_update(&state, buffer.data(), static_cast<size_t>(n));
    at += n;
  }
  std::string hash(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256_final(&state, reinterpret_cast<unsigned char*>(hash.data()));
  return absl::BytesToHexString(hash);
}

// All but the hash.
std::string BeginOfLine(const CodeAudit::Bringer& who, const char* does, int64_t bytes) {
  return absl::StrCat("audit: job ", static_cast<uint32_t>(who.job), ": pid ", who.pid, " of user ",
                      who.user, " ", does, " ",
                      absl::CHexEscape(ToAbsl(who.name.substr(0, CodeAudit::kMaxNameBytes))), ", ",
                      FormatBytes(bytes), ", SHA-256 ");
}

}  // namespace

absl::Status CodeAudit::Shares(const Bringer& who, uint64_t bytes, std::string_view sha256) {
  if (sha256.size() != 2 * crypto_hash_sha256_BYTES ||
      sha256.find_first_not_of("0123456789abcdef") != sha256.npos) {
    return absl::InvalidArgumentError("a SHA-256 has 64 hexadecimal digits");
  }
  const int lines = ++shared_[who.job];
  if (lines < kMaxShared) {
    const auto size = static_cast<int64_t>(std::min<uint64_t>(bytes, INT64_MAX));
    write_(absl::StrCat(BeginOfLine(who, "shares", size), ToAbsl(sha256)));
  } else if (lines == kMaxShared) {
    write_(absl::StrCat("audit: job ", static_cast<uint32_t>(who.job),
                        ": it shares more, of which there are no lines"));
  }
  return absl::OkStatus();
}

void CodeAudit::Brings(const Bringer& who, int program) {
  struct stat info {};
  const bool known = fstat(program, &info) == 0;
  std::string line = BeginOfLine(who, "brings", known ? info.st_size : 0);
  const File file{info.st_dev, info.st_ino, info.st_size, info.st_ctim.tv_sec,
                  info.st_ctim.tv_nsec};
  if (const auto it = known_.find(file); it != known_.end()) return write_(line + it->second);
  struct Reading {
    UniqueFd program;
    std::string sha256;
    std::string failure;
  };
  const auto reading = std::make_shared<Reading>();
  reading->program = UniqueFd(fcntl(program, F_DUPFD_CLOEXEC, 3));
  loop_->RunBeside(
      [reading, gives_up = gives_up_] {
        reading->sha256 = Sha256Of(reading->program.get(), *gives_up);
        if (reading->sha256.empty())
          reading->failure = errno == ECANCELED ? "the node ended first" : strerror(errno);
      },
      [this, reading, file, line = std::move(line)] {
        if (reading->sha256.empty()) return write_(line + "unknown: " + reading->failure);
        if (known_.size() >= kMaxKnown) known_.clear();
        known_[file] = reading->sha256;
        write_(line + reading->sha256);
      });
}

}  // namespace troupe::scheduler
