#include "bench/floor/floor.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <new>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "bench/floor/floor.capnp.h"
#include "core/base/clock.h"
#include "core/channel/poll_policy.h"
#include "core/machine/cpus.h"

namespace bench {
namespace {

using troupe::MonotonicNanos;
using troupe::channel::CpuRelax;
using troupe::channel::PollPolicy;

constexpr size_t kSlotBytes = 320;
constexpr size_t kSlots = 16'384;  // a ring of 5 MiB: well beyond the second-level cache
constexpr int kBatch = 64;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::_Exit(1);
}

// Where one process sleeps.
struct Bell {
  alignas(64) std::atomic<uint32_t> rings{0};
  std::atomic<uint32_t> asleep{0};
};
static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

struct Ring {
  alignas(64) std::atomic<uint64_t> head{0};
  alignas(64) std::atomic<uint64_t> tail{0};
  alignas(64) std::byte slots[kSlots][kSlotBytes];
};

constexpr int kDriver = 0;
constexpr int kScheduler = 1;
constexpr int kFirstWorker = 2;

// One writer and one reader a ring.
struct Shared {
  std::array<Bell, kFirstWorker + kMaxFloorWorkers> bells;
  Ring up;
  Ring down;
  std::array<Ring, kMaxFloorWorkers> to_worker;
  std::array<Ring, kMaxFloorWorkers> from_worker;
  std::atomic<uint32_t> stop{0};

  bool stopping() const { return stop.load(std::memory_order_relaxed) != 0; }
  void RingBell(int who) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    Bell& bell = bells[static_cast<size_t>(who)];
    if (bell.asleep.load() != 0 && bell.asleep.exchange(0) != 0) Wake(bell);
  }
  static void Wake(Bell& bell) {
    bell.rings.fetch_add(1);
    syscall(SYS_futex, &bell.rings, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
  }
};

// Waits for something to do: polls, then sleeps on the process's bell.
class Waiter {
 public:
  Waiter(Shared* shared, int who) : bell_(shared->bells[static_cast<size_t>(who)]) {}

  template <typename Ready>
  void Until(Ready ready, bool has_a_cpu = true) {
    if (has_a_cpu ? policy_.Poll(MonotonicNanos, sched_yield, ready) : PollPolicy::Glance(ready))
      return;
    for (;;) {
      const uint32_t rings = bell_.rings.load();
      bell_.asleep.store(1);
      if (ready()) break;
      syscall(SYS_futex, &bell_.rings, FUTEX_WAIT, rings, nullptr, nullptr, 0);
      if (ready()) break;
    }
    bell_.asleep.store(0, std::memory_order_relaxed);
  }

 private:
  Bell& bell_;
  PollPolicy policy_;
};

class Writer {
 public:
  explicit Writer(Ring* ring) : ring_(ring) {}
  bool full() {
    if (head_ - tail_ < kSlots) return false;
    tail_ = ring_->tail.load(std::memory_order_acquire);
    return head_ - tail_ >= kSlots;
  }
  std::byte* slot() { return ring_->slots[head_ % kSlots]; }
  void Commit() { ring_->head.store(++head_, std::memory_order_release); }

 private:
  Ring* ring_;
  uint64_t head_ = 0;
  uint64_t tail_ = 0;
};

class Reader {
 public:
  explicit Reader(Ring* ring) : ring_(ring) {}
  bool empty() {
    if (head_ != tail_) return false;
    head_ = ring_->head.load(std::memory_order_acquire);
    return head_ == tail_;
  }
  const std::byte* slot() { return ring_->slots[tail_ % kSlots]; }
  void Pop() {
    ++tail_;
    if (tail_ % 32 == 0 || tail_ == head_) ring_->tail.store(tail_, std::memory_order_release);
  }

 private:
  Ring* ring_;
  uint64_t tail_ = 0;
  uint64_t head_ = 0;
};

// A slot holds the number of words, then one Cap'n Proto segment that is built there.
template <typename Message, typename Fill>
void Build(std::byte* slot, uint64_t words, Fill fill) {
  std::memset(slot, 0, (1 + words) * 8);
  std::memcpy(slot, &words, sizeof(words));
  capnp::FlatMessageBuilder builder(
      kj::arrayPtr(reinterpret_cast<capnp::word*>(slot + 8), kSlotBytes / 8 - 1));
  fill(builder.initRoot<Message>());
}
uint64_t WordsOf(const std::byte* slot) {
  uint64_t words;
  std::memcpy(&words, slot, sizeof(words));
  return words;
}
template <typename Message, typename Use>
void Read(const std::byte* slot, Use use) {
  const kj::ArrayPtr<const capnp::word> segments[1] = {
      kj::arrayPtr(reinterpret_cast<const capnp::word*>(slot + 8), WordsOf(slot))};
  capnp::SegmentArrayMessageReader reader(kj::arrayPtr(segments, 1));
  use(reader.getRoot<Message>());
}
void Forward(const std::byte* from, std::byte* to) {
  std::memcpy(to, from, (1 + WordsOf(from)) * 8);
}

constexpr std::array<kj::byte, 32> kArgument = {1};

void WriteTask(std::byte* slot, uint64_t number) {
  Build<Task>(slot, 31, [&](Task::Builder task) {
    task.setIdHi(0x1234);
    task.setIdLo(number);
    task.setFunctionHi(7);
    task.setFunctionLo(number & 3);
    task.setJob(1);
    task.setNumReturns(1);
    auto arguments = task.initArguments(3);
    for (unsigned i = 0; i < 3; ++i)
      arguments[i].setInline(kj::arrayPtr(kArgument.data(), kArgument.size()));
  });
}

void RunWorker(Shared* shared, int worker, const FloorGraph& graph) {
  Waiter waiter(shared, kFirstWorker + worker);
  Reader in(&shared->to_worker[static_cast<size_t>(worker)]);
  Writer out(&shared->from_worker[static_cast<size_t>(worker)]);
  while (!shared->stopping()) {
    waiter.Until([&] { return !in.empty() || shared->stopping(); });
    while (!in.empty()) {
      uint64_t hi = 0, lo = 0, sum = 0;
      Read<Task>(in.slot(), [&](Task::Reader task) {
        hi = task.getIdHi();
        lo = task.getIdLo();
        for (const auto argument : task.getArguments()) sum += argument.getInline()[0];
      });
      in.Pop();
      if (graph.work != nullptr) graph.work(static_cast<uint32_t>(lo));
      while (out.full()) {
        shared->RingBell(kScheduler);
        CpuRelax();
      }
      Build<Result>(out.slot(), 8, [&](Result::Builder result) {
        result.setIdHi(hi);
        result.setIdLo(lo);
        result.setStatus(static_cast<uint32_t>(sum));
        result.setValue(kj::arrayPtr(kArgument.data(), 8));
      });
      out.Commit();
      shared->RingBell(kScheduler);
    }
  }
}

// Keeps the tasks of a graph until what they wait for is done.
class Waiting {
 public:
  explicit Waiting(const FloorGraph& graph)
      : missing_(graph.inputs.size()), takers_(missing_.size()), kept_(missing_.size()) {
    for (uint32_t task = 0; task < missing_.size(); ++task) {
      missing_[task] = graph.inputs[task].size() + 1;  // and its own message
      for (const uint32_t input : graph.inputs[task]) takers_[input].push_back(task);
    }
  }
  bool any_ready() const { return !ready_.empty(); }
  void Keep(uint64_t task, const std::byte* slot) {
    Forward(slot, kept_[task].bytes);
    Less(static_cast<uint32_t>(task));
  }
  void Done(uint64_t task) {
    for (const uint32_t taker : takers_[task]) Less(taker);
  }
  // REQUIRES: any_ready().
  const std::byte* Take() {
    const uint32_t task = ready_.front();
    ready_.pop_front();
    return kept_[task].bytes;
  }

 private:
  struct Slot {
    alignas(8) std::byte bytes[kSlotBytes];
  };
  void Less(uint32_t task) {
    if (--missing_[task] == 0) ready_.push_back(task);
  }

  std::vector<size_t> missing_;
  std::vector<std::vector<uint32_t>> takers_;
  std::vector<Slot> kept_;
  std::deque<uint32_t> ready_;
};

void RunScheduler(Shared* shared, int workers, int depth, const FloorGraph& graph) {
  Waiting waiting(graph);
  const bool has_graph = !graph.inputs.empty();
  Waiter waiter(shared, kScheduler);
  Reader in(&shared->up);
  Writer back(&shared->down);
  std::vector<Writer> to;
  std::vector<Reader> from;
  for (int w = 0; w < workers; ++w) {
    to.emplace_back(&shared->to_worker[static_cast<size_t>(w)]);
    from.emplace_back(&shared->from_worker[static_cast<size_t>(w)]);
  }
  std::vector<int> given(static_cast<size_t>(workers));
  const int cpus = troupe::machine::UsableCpus();
  absl::flat_hash_map<std::pair<uint64_t, uint64_t>, size_t> running;
  const auto shallowest = [&] {
    size_t best = SIZE_MAX;
    for (size_t w = 0; w < to.size(); ++w) {
      if (given[w] < depth && !to[w].full() && (best == SIZE_MAX || given[w] < given[best]))
        best = w;
    }
    return best;
  };
  const auto something_to_do = [&] {
    for (Reader& reader : from) {
      if (!reader.empty()) return true;
    }
    if (has_graph && !in.empty()) return true;
    const bool any = has_graph ? waiting.any_ready() : !in.empty();
    return (any && shallowest() != SIZE_MAX) || shared->stopping();
  };
  std::vector<char> sent(to.size());
  while (!shared->stopping()) {
    const bool has_a_cpu = std::count(given.begin(), given.end(), 0) + cpus > workers;
    waiter.Until(something_to_do, has_a_cpu);
    bool answered = false;
    for (size_t w = 0; w < from.size(); ++w) {
      for (int i = 0; i < kBatch && !from[w].empty() && !back.full(); ++i) {
        Read<Result>(from[w].slot(), [&](Result::Reader r) {
          running.erase({r.getIdHi(), r.getIdLo()});
          if (has_graph) waiting.Done(r.getIdLo());
        });
        Forward(from[w].slot(), back.slot());
        back.Commit();
        from[w].Pop();
        --given[w];
        answered = true;
      }
    }
    const auto dispatch = [&](const std::byte* slot, size_t w) {
      Read<Task>(slot, [&](Task::Reader t) { running.try_emplace({t.getIdHi(), t.getIdLo()}, w); });
      Forward(slot, to[w].slot());
      to[w].Commit();
      ++given[w];
      sent[w] = 1;
    };
    for (int i = 0; i < kBatch && !in.empty(); ++i) {
      if (has_graph) {
        Read<Task>(in.slot(), [&](Task::Reader t) { waiting.Keep(t.getIdLo(), in.slot()); });
      } else {
        const size_t w = shallowest();
        if (w == SIZE_MAX) break;
        dispatch(in.slot(), w);
      }
      in.Pop();
    }
    while (waiting.any_ready()) {
      const size_t w = shallowest();
      if (w == SIZE_MAX) break;
      dispatch(waiting.Take(), w);
    }
    for (size_t w = 0; w < sent.size(); ++w) {
      if (std::exchange(sent[w], 0) != 0) shared->RingBell(kFirstWorker + static_cast<int>(w));
    }
    if (answered) shared->RingBell(kDriver);
  }
}

template <typename F>
pid_t Start(F run) {
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid == 0) {
    run();
    _exit(0);
  }
  return pid;
}

// The processes of a floor, and its driver's end of the road.
class Road {
 public:
  Road(const FloorOptions& options, const FloorGraph& graph) {
    processes_.push_back(
        Start([&] { RunScheduler(shared_, options.workers, options.depth, graph); }));
    for (int w = 0; w < options.workers; ++w)
      processes_.push_back(Start([&] { RunWorker(shared_, w, graph); }));
    for (int i = 0; i < options.busy_processes; ++i) {
      processes_.push_back(Start([&] {
        while (!shared_->stopping()) CpuRelax();
      }));
    }
  }
  // Ends the program where a task was not done.
  ~Road() {
    shared_->stop.store(1);
    for (Bell& bell : shared_->bells) Shared::Wake(bell);
    for (const pid_t pid : processes_) waitpid(pid, nullptr, 0);
    munmap(shared_, sizeof(Shared));
    if (wrong_ != 0) {
      std::fprintf(stderr, "bench: %llu tasks of the floor were not done\n",
                   static_cast<unsigned long long>(wrong_));
      std::exit(1);
    }
  }
  Road(const Road&) = delete;
  Road& operator=(const Road&) = delete;

  void CallAndWait() {
    Submit(submitted_);
    shared_->RingBell(kScheduler);
    waiter_.Until([&] { return !in_.empty(); });
    Take();
  }
  // Seconds for so many, with as many under way as the rings take, numbered from 0.
  double Pipeline(uint64_t calls) {
    const int64_t begin = MonotonicNanos();
    const uint64_t first = submitted_, end = first + calls;
    while (done_ < end) {
      for (int i = 0; i < 16 && submitted_ < end && !out_.full(); ++i) Submit(submitted_ - first);
      shared_->RingBell(kScheduler);
      for (int i = 0; i < kBatch && !in_.empty(); ++i) Take();
      if (done_ < end && (submitted_ == end || out_.full()))
        waiter_.Until([&] { return !in_.empty() || (submitted_ < end && !out_.full()); });
    }
    return static_cast<double>(MonotonicNanos() - begin) / 1e9;
  }

 private:
  static Shared* Make() {
    void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) Die("mmap");
    return new (memory) Shared;
  }
  void Submit(uint64_t number) {
    WriteTask(out_.slot(), number);
    out_.Commit();
    ++submitted_;
  }
  void Take() {
    Read<Result>(in_.slot(), [&](Result::Reader r) { wrong_ += r.getStatus() != 3; });
    in_.Pop();
    ++done_;
  }

  Shared* shared_ = Make();
  Waiter waiter_{shared_, kDriver};
  Writer out_{&shared_->up};
  Reader in_{&shared_->down};
  uint64_t submitted_ = 0;
  uint64_t done_ = 0;
  uint64_t wrong_ = 0;
  std::vector<pid_t> processes_;
};

}  // namespace

Floor MeasureFloor(const FloorOptions& options) {
  Road road(options, {});
  for (int i = 0; i < options.sync_calls / 10; ++i) road.CallAndWait();
  Floor floor;
  const int64_t begin = MonotonicNanos();
  for (int i = 0; i < options.sync_calls; ++i) road.CallAndWait();
  floor.sync_micros = static_cast<double>(MonotonicNanos() - begin) / 1e3 / options.sync_calls;
  const int batch = options.batch > 0 ? options.batch : options.pipelined_calls;
  double seconds = 0;
  for (int done = 0; done < options.pipelined_calls; done += batch) {
    seconds +=
        road.Pipeline(static_cast<uint64_t>(std::min(batch, options.pipelined_calls - done)));
  }
  floor.tasks_per_second = options.pipelined_calls / seconds;
  return floor;
}

double MeasureFloorSeconds(const FloorOptions& options, const FloorGraph& graph) {
  return Road(options, graph).Pipeline(graph.inputs.size());
}

}  // namespace bench
