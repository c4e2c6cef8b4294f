#include "worker/crash_stack.h"

#include <execinfo.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <string_view>

#include "absl/debugging/symbolize.h"

namespace troupe::worker {
namespace {

struct Signal {
  int number;
  std::string_view name;
};
constexpr Signal kSignals[] = {{SIGSEGV, "SIGSEGV"},
                               {SIGBUS, "SIGBUS"},
                               {SIGFPE, "SIGFPE"},
                               {SIGILL, "SIGILL"},
                               {SIGABRT, "SIGABRT"}};

// The report has twenty lines: some are left for what the task itself has written.
constexpr int kMostFrames = 14;
// The handler's own, and the kernel's way into it: so many at most.
constexpr int kOwnFrames = 4;
constexpr unsigned kPatienceSeconds = 2;
// What calls the user's code: whoever is below it is no news.
constexpr std::string_view kCaller = "troupe::worker::CallUserCode";

constexpr size_t kAlternateStackBytes = size_t{64} << 10;
alignas(16) std::byte alternate_stack[kAlternateStackBytes];

std::atomic<bool> telling{false};

// In a signal handler there are no streams and no allocation.
void Say(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(STDERR_FILENO, text.data(), text.size());
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

void SayFrame(int number, std::string_view function) {
  const char digits[] = {static_cast<char>('0' + number / 10),
                         static_cast<char>('0' + number % 10)};
  Say("  #");
  Say(number < 10 ? std::string_view(digits + 1, 1) : std::string_view(digits, 2));
  Say(" ");
  Say(function);
  Say("\n");
}

// Where the thread was when the signal came; null where we do not know the processor.
const void* PlaceOf(const void* context) {
  [[maybe_unused]] const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return reinterpret_cast<const void*>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<const void*>(machine.pc);
#else
  return nullptr;
#endif
}

// Functions without a name, such as those of a library that was stripped, are left out.
void SayStack(std::string_view name, const void* place) {
  void* frames[kOwnFrames + kMostFrames];
  const int count = backtrace(frames, kOwnFrames + kMostFrames);
  const int begin = static_cast<int>(std::find(frames, frames + count, place) - frames) % count;
  Say("troupe: ");
  Say(name);
  Say(" in\n");
  int said = 0;
  for (int i = begin; i < count; ++i) {
    // A return address may lie behind the end of the function that made the call.
    const char* at = static_cast<const char*>(frames[i]) - (i > begin ? 1 : 0);
    char function[512];
    if (!absl::Symbolize(at, function, sizeof(function))) continue;
    if (std::string_view(function).substr(0, kCaller.size()) == kCaller) return;
    SayFrame(said++, function);
  }
}

void OnCrash(int number, siginfo_t*, void* context) {
  // Should another thread hold what the search for names needs, and never let go of it.
  signal(SIGALRM, SIG_DFL);
  alarm(kPatienceSeconds);
  if (!telling.exchange(true)) {
    for (const Signal& signal : kSignals) {
      if (signal.number == number) SayStack(signal.name, PlaceOf(context));
    }
  }
  raise(number);  // the default action now: SA_RESETHAND
}

}  // namespace

void TellStackOfCrashes() {
  void* frame;
  backtrace(&frame, 1);  // loads what it needs, which allocates
  const stack_t stack{.ss_sp = alternate_stack, .ss_flags = 0, .ss_size = sizeof(alternate_stack)};
  sigaltstack(&stack, nullptr);
  for (const Signal& signal : kSignals) {
    struct sigaction action {};
    if (sigaction(signal.number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_sigaction = OnCrash;
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_ONSTACK | SA_SIGINFO;
    sigaction(signal.number, &action, nullptr);
  }
}

}  // namespace troupe::worker
