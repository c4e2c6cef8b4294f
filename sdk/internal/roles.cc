#include "sdk/internal/roles.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "absl/flags/reflection.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "core/loop/process.h"
#include "sdk/internal/runtime.h"
#include "worker/code_reference.h"
#include "worker/crash_stack.h"
#include "worker/node_session.h"
#include "worker/task_call.h"
#include "worker/warm_heap.h"

namespace troupe::internal {
namespace {

bool main_has_begun = false;

std::vector<std::function<void()>>& WorkerStartFunctions() {
  static auto* const functions = new std::vector<std::function<void()>>;
  return *functions;
}

uint64_t Number(const std::map<std::string, std::string>& settings, const std::string& name) {
  const auto it = settings.find(name);
  uint64_t number = 0;
  if (it == settings.end() || !absl::SimpleAtoi(it->second, &number)) return 0;
  return number;
}

// "cpus=2 store=1073741824".
std::map<std::string, std::string> ParseSettings(std::string_view text) {
  std::map<std::string, std::string> settings;
  for (const absl::string_view word : absl::StrSplit(ToAbsl(text), ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> setting =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    settings.insert(setting);
  }
  return settings;
}

int PlayNode(std::string_view settings) {
  prctl(PR_SET_NAME, "troupe-node");
  scheduler::NodeOptions options = NodeOptionsOf(settings);
  options.driver = UniqueFd(loop::kRoleSocket);
  scheduler::Node node(std::move(options));
  return node.Run();
}

int PlayWorker(std::string_view text) {
  const std::map<std::string, std::string> settings = ParseSettings(text);
  prctl(PR_SET_NAME, "troupe-worker");
  // The node is our parent: when it dies, so do we, whatever the user's code is doing.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  if (rlimit limit{}; getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = std::min<rlim_t>(Number(settings, "descriptors"), limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  setvbuf(stdout, nullptr, _IOLBF, 0);
  wire::Hello hello{.role = wire::Role::kWorker,
                    .nonce = Number(settings, "nonce"),
                    .pid = getpid(),
                    .ring_bytes = 0,
                    .build_id = {},
                    .executable = {},
                    .environment = {},
                    .flags = {},
                    .job_name = {},
                    .job_weight = 0,
                    .window = 0};
  worker::KeepHeapWarm();
  auto session = worker::NodeSession::Connect(
      UniqueFd(loop::kRoleSocket), hello, {},
      MonotonicNanos() + int64_t{Limits::kConnectTimeoutMs} * 5'000'000);
  if (!session.ok()) return 1;  // the node has gone; it knows why
  for (const auto& [name, value] : (*session)->flags()) {
    absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    std::string error;
    if (flag != nullptr && !flag->ParseFrom(value, &error)) {
      std::fprintf(stderr, "troupe: the flag --%s=%s of the driver: %s\n", name.c_str(),
                   value.c_str(), error.c_str());
    }
  }
  SetCurrentSession(*session);
  worker::TellStackOfCrashes();
  RunWorkerStartFunctions();
  worker::RunTasks(*session);
  std::fflush(nullptr);
  // Statics are not destroyed: threads of the user's code may still use them.
  _exit(0);
}

}  // namespace

RuntimeFlags& Flags() {
  static auto* const flags = new RuntimeFlags;
  return *flags;
}

bool TakeRuntimeFlags(int* argc, char** argv, std::string* error) {
  constexpr std::string_view kPrefix = "--troupe_";
  int kept = 1;
  bool end_of_flags = false;
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = argv[i];
    end_of_flags |= argument == "--";
    if (end_of_flags || argument.substr(0, kPrefix.size()) != kPrefix) {
      argv[kept++] = argv[i];
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string name(
        argument.substr(2, equals == std::string_view::npos ? equals : equals - 2));
    const bool is_switch = name == "troupe_in_process";
    std::string value;
    if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (is_switch) {
      value = "true";
    } else if (i + 1 < *argc) {
      value = argv[++i];
    }
    if (name == "troupe_address") {
      Flags().address = value;
    } else if (name == "troupe_in_process") {
      bool in_process = false;
      if (!absl::SimpleAtob(value, &in_process)) {
        *error = absl::StrCat("--troupe_in_process=", value, " is neither true nor false");
        return false;
      }
      Flags().in_process = in_process;
    } else if (name == "troupe_workers") {
      int workers = 0;
      if (!absl::SimpleAtoi(value, &workers) || workers < 1 || workers > 4096) {
        *error = absl::StrCat("--troupe_workers=", value,
                              " is no number of workers: write one from 1 to 4096");
        return false;
      }
      Flags().workers = workers;
    } else if (name == "troupe_object_store_memory") {
      const absl::StatusOr<int64_t> bytes = ParseBytes(value);
      if (!bytes.ok()) {
        *error =
            absl::StrCat("--troupe_object_store_memory: ", ToAbsl(ToStd(bytes.status().message())));
        return false;
      }
      Flags().object_store_memory = *bytes;
    } else if (name == "troupe_spill_dir") {
      Flags().spill_dir = value;
    } else if (name == "troupe_spill_quota") {
      const absl::StatusOr<int64_t> bytes = ParseBytes(value);
      if (!bytes.ok()) {
        *error = absl::StrCat("--troupe_spill_quota: ", ToAbsl(ToStd(bytes.status().message())));
        return false;
      }
      Flags().spill_quota = *bytes;
    } else {
      *error =
          absl::StrCat("--", name,
                       " is no flag of Troupe: there are --troupe_address, --troupe_in_process, "
                       "--troupe_workers, --troupe_object_store_memory, --troupe_spill_dir and "
                       "--troupe_spill_quota");
      return false;
    }
  }
  *argc = kept;
  argv[kept] = nullptr;
  return true;
}

std::string EscapeSetting(std::string_view text) {
  std::string word;
  for (const char c : text) {
    if (c <= ' ' || c == '%' || c == ',' || c == '=') {
      absl::StrAppend(&word, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    } else {
      word += c;
    }
  }
  return word;
}

std::string UnescapeSetting(std::string_view word) {
  std::string text;
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '%' && i + 2 < word.size()) {
      text += static_cast<char>(std::stoi(std::string(word.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      text += word[i];
    }
  }
  return text;
}

scheduler::NodeOptions NodeOptionsOf(std::string_view text) {
  const std::map<std::string, std::string> settings = ParseSettings(text);
  scheduler::NodeOptions options;
  options.cpus = static_cast<int>(Number(settings, "cpus"));
  options.store_bytes = Number(settings, "store");
  options.memory_limit = Number(settings, "memory_limit");
  options.registered_only = Number(settings, "registered_only") != 0;
  if (const auto spill = settings.find("spill"); spill != settings.end()) {
    for (const absl::string_view directory : absl::StrSplit(spill->second, ','))
      options.spill.push_back({UnescapeSetting(ToStd(directory)), Number(settings, "quota")});
  }
  if (const uint64_t ring = Number(settings, "ring"); ring != 0) options.ring_bytes = ring;
  if (const auto it = settings.find("resources"); it != settings.end()) {
    for (const absl::string_view entry : absl::StrSplit(it->second, ',', absl::SkipEmpty())) {
      const std::pair<std::string, std::string> resource =
          absl::StrSplit(entry, absl::MaxSplits(':', 1));
      int64_t units = 0;
      if (absl::SimpleAtoi(resource.second, &units))
        options.resources.emplace_back(resource.first, units);
    }
  }
  return options;
}

std::optional<int> PlayRole() {
  const char* variable = std::getenv("TROUPE_ROLE");
  if (variable == nullptr) return std::nullopt;
  const std::string text = variable;
  unsetenv("TROUPE_ROLE");  // what a task starts is not a worker
  struct stat info {};
  if (fstat(loop::kRoleSocket, &info) != 0 || !S_ISSOCK(info.st_mode)) {
    std::fprintf(
        stderr,
        "troupe: TROUPE_ROLE is set, but this process was not started by Troupe: unset it\n");
    return 1;
  }
  close(loop::kRoleSocket + 1);  // the executable that we were started from
  const std::string_view role = std::string_view(text).substr(0, text.find(' '));
  const std::string_view settings = std::string_view(text).substr(role.size());
  if (role == "node") return PlayNode(settings);
  if (role == "worker") return PlayWorker(settings);
  std::fprintf(stderr, "troupe: TROUPE_ROLE=%s is no role\n", text.c_str());
  return 1;
}

bool MainHasBegun() { return main_has_begun; }
void SetMainHasBegun() { main_has_begun = true; }

void AddWorkerStartFunction(std::function<void()> f) {
  WorkerStartFunctions().push_back(std::move(f));
}

void RunWorkerStartFunctions() {
  for (const std::function<void()>& f : WorkerStartFunctions()) f();
}

}  // namespace troupe::internal
