#include "core/fault/fault.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/check.h"
#include "core/base/string_view.h"
#include "core/fault/probe.h"

namespace troupe::fault {
namespace {

enum class Kind { kFail, kDelay, kTruncate };
constexpr std::pair<const char*, Kind> kKinds[] = {
    {"fail", Kind::kFail}, {"delay", Kind::kDelay}, {"truncate", Kind::kTruncate}};
constexpr std::pair<const char*, int> kErrors[] = {
    {"EIO", EIO},       {"ENOSPC", ENOSPC},         {"ENOMEM", ENOMEM},
    {"EMFILE", EMFILE}, {"EAGAIN", EAGAIN},         {"EDQUOT", EDQUOT},
    {"EPIPE", EPIPE},   {"ECONNRESET", ECONNRESET}, {"EINTR", EINTR},
    {"EPERM", EPERM},   {"EOPNOTSUPP", EOPNOTSUPP}, {"ETOOMANYREFS", ETOOMANYREFS}};

struct Rule {
  Kind kind = Kind::kFail;
  double probability = 1;
  int argument = 0;  // an errno, or milliseconds
  uint64_t times_left = UINT64_MAX;
  uint64_t times = 0;
};

struct Plan {
  std::map<std::string, Rule, std::less<>> rules;
  std::mt19937_64 random{1};
};

// Never destroyed: threads may pass a point while the process ends.
std::mutex& Mutex() {
  static auto* const mutex = new std::mutex;
  return *mutex;
}
Plan& CurrentPlan() {
  static auto* const plan = new Plan;
  return *plan;
}

template <typename T, size_t N>
bool Find(const std::pair<const char*, T> (&table)[N], std::string_view name, T* found) {
  for (const auto& [candidate, value] : table) {
    if (name != candidate) continue;
    *found = value;
    return true;
  }
  return false;
}

// "fail:0.5:EIO@3"
bool ParseRule(std::string_view text, Rule* rule) {
  if (const size_t at = text.find('@'); at != text.npos) {
    if (!absl::SimpleAtoi(ToAbsl(text.substr(at + 1)), &rule->times_left)) return false;
    text = text.substr(0, at);
  }
  const std::vector<std::string> parts = absl::StrSplit(ToAbsl(text), ':');
  if (parts.size() > 3 || !Find(kKinds, parts[0], &rule->kind)) return false;
  if (parts.size() > 1 && !(absl::SimpleAtod(parts[1], &rule->probability) &&
                            rule->probability >= 0 && rule->probability <= 1)) {
    return false;
  }
  rule->argument = rule->kind == Kind::kFail ? EIO : 10;
  if (parts.size() < 3) return true;
  if (rule->kind == Kind::kFail) return Find(kErrors, parts[2], &rule->argument);
  return rule->kind == Kind::kDelay && absl::SimpleAtoi(parts[2], &rule->argument) &&
         rule->argument >= 0;
}

// The rule of a point, where it is to act now.
const Rule* Draw(const char* name, std::initializer_list<Kind> kinds) {
  Plan& plan = CurrentPlan();
  const auto it = plan.rules.find(std::string_view(name));
  if (it == plan.rules.end()) return nullptr;
  Rule& rule = it->second;
  bool of_kind = false;
  for (const Kind kind : kinds) of_kind |= rule.kind == kind;
  if (!of_kind || rule.times_left == 0) return nullptr;
  if (std::uniform_real_distribution<double>()(plan.random) >= rule.probability) return nullptr;
  --rule.times_left;
  // A fault that never happened proves nothing: it is told as a probe is.
  if (const auto tell = on_probe.load(); rule.times++ == 0 && tell != nullptr)
    tell(absl::StrCat("fault: ", name).c_str());
  return &rule;
}

void AppendToFile(const char* name) {
  static const char* const path = std::getenv("TROUPE_PROBES");
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const std::string line = absl::StrCat(name, "\n");
  const bool written = fd >= 0 && write(fd, line.data(), line.size()) >= 0;
  if (!written) std::fprintf(stderr, "troupe: TROUPE_PROBES=%s: %s\n", path, strerror(errno));
  if (fd >= 0) close(fd);
}

// Before main: every process of a cluster gets the environment of its driver.
const bool armed_from_environment = [] {
  if (std::getenv("TROUPE_PROBES") != nullptr) on_probe = AppendToFile;
  const char* const faults = std::getenv("TROUPE_FAULTS");
  if (faults == nullptr) return false;
  if (const absl::Status status = Arm(faults); !status.ok()) {
    std::fprintf(stderr, "troupe: TROUPE_FAULTS: %s\n", std::string(status.message()).c_str());
    _exit(2);
  }
  return true;
}();

}  // namespace

absl::Status Arm(std::string_view faults) {
  Plan plan;
  for (const absl::string_view entry : absl::StrSplit(ToAbsl(faults), ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(entry, absl::MaxSplits('=', 1));
    uint64_t seed = 0;
    Rule rule;
    if (pair.first == "seed" && absl::SimpleAtoi(pair.second, &seed)) {
      plan.random.seed(seed);
    } else if (pair.first.find('.') != std::string::npos && ParseRule(pair.second, &rule)) {
      plan.rules[pair.first] = rule;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("'", entry,
                       "' is no fault: NAME=KIND[:PROBABILITY[:ARGUMENT]][@TIMES], "
                       "with a kind of fail, delay, truncate, or seed=NUMBER"));
    }
  }
  const std::lock_guard<std::mutex> lock(Mutex());
  Point::armed_ = !plan.rules.empty();
  CurrentPlan() = std::move(plan);
  return absl::OkStatus();
}

void Disarm() {
  const std::lock_guard<std::mutex> lock(Mutex());
  Point::armed_ = false;
  CurrentPlan() = {};
}

Armed::Armed(std::string_view faults) { TROUPE_CHECK(Arm(faults).ok(), "malformed faults"); }

uint64_t TimesOf(std::string_view point) {
  const std::lock_guard<std::mutex> lock(Mutex());
  const auto it = CurrentPlan().rules.find(point);
  return it == CurrentPlan().rules.end() ? 0 : it->second.times;
}

int Point::DecideFail() const {
  timespec delay{};
  {
    const std::lock_guard<std::mutex> lock(Mutex());
    const Rule* rule = Draw(name_, {Kind::kFail, Kind::kDelay});
    if (rule == nullptr) return 0;
    if (rule->kind == Kind::kFail) return rule->argument;
    delay = {rule->argument / 1000, rule->argument % 1000 * 1'000'000L};
  }
  while (nanosleep(&delay, &delay) != 0 && errno == EINTR) {
  }
  return 0;
}

size_t Point::DecideTruncate(size_t bytes) const {
  const std::lock_guard<std::mutex> lock(Mutex());
  if (bytes <= 1 || Draw(name_, {Kind::kTruncate}) == nullptr) return bytes;
  return 1 + CurrentPlan().random() % (bytes - 1);
}

}  // namespace troupe::fault
