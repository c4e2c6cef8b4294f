#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include "bench/limits.h"
#include "bench/rows.h"
#include "bench/task_counts.h"
#include "core/base/clock.h"
#include "sdk/troupe.h"

namespace bench {
namespace {

using Doubles = troupe::Array<double>;

constexpr size_t kGibibyte = size_t{1} << 30;
constexpr size_t kMebibyte = size_t{1} << 20;
constexpr double kFirst = 7;

troupe::Cluster StartCluster() {
  return troupe::Init({.workers = 1, .object_store_memory = int64_t{2 * kGibibyte}});
}

double MicrosSince(int64_t nanos) {
  return static_cast<double>(troupe::MonotonicNanos() - nanos) / 1e3;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Of the middle half. Opens have two states, by where the kernel wakes the node: a median is one of
// them or the other, and of two sizes that are alike it says once this and once that.
double MiddleMean(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto quarter = static_cast<std::ptrdiff_t>(values.size() / 4);
  const std::span<const double> middle(values.begin() + quarter, values.end() - quarter);
  return std::accumulate(middle.begin(), middle.end(), 0.0) / static_cast<double>(middle.size());
}

troupe::Builder<double> Build(size_t bytes, double first) {
  troupe::Builder<double> builder = troupe::Create<double>(bytes / sizeof(double));
  builder[0] = first;
  return builder;
}

double First(const Doubles& values) {
  CountTask();
  return values[0];
}

// Built in place, until it has an id that others may be given: µs.
double PublishMicros(Meter& meter) {
  const troupe::Cluster cluster = StartCluster();
  std::vector<double> micros;
  for (int i = 0; i < 3; ++i) {
    troupe::Builder<double> builder = Build(kGibibyte, i);
    troupe::ObjectRef<Doubles> ref;
    micros.push_back(meter.Micros(1, [&] { ref = builder.Seal(); }));
    Expect(troupe::Get(troupe::Task(First).Remote(ref)) == i, "what was built in place");
  }
  return Median(micros);
}

// A process that opens a large object for the first time.
class Reader {
 public:
  // Opens another one: the pages of the code are in its page table, as those of the floor are.
  double Warm(const troupe::ObjectRef<Doubles>& other) {
    CountTask();
    return troupe::Get(other)[0];
  }

  // Until its first value is read: µs.
  double Open(const troupe::ObjectRef<Doubles>& ref) {
    CountTask();
    const int64_t begin = troupe::MonotonicNanos();
    const double first = troupe::Get(ref)[0];
    const double micros = MicrosSince(begin);
    Expect(first == kFirst, "what a worker opens");
    return micros;
  }
};

struct MicrosBySize {
  double gibibyte = 0;
  double mebibyte = 0;
};

// By readers in turn: what the machine does meanwhile, it does to both sizes.
MicrosBySize MeasureOpens(Meter& meter) {
  constexpr int kReaders = 120;
  const troupe::Cluster cluster =
      troupe::Init({.workers = kReaders, .object_store_memory = int64_t{2 * kGibibyte}});
  const troupe::ObjectRef<Doubles> refs[] = {Build(kGibibyte, kFirst).Seal(),
                                             Build(kMebibyte, kFirst).Seal()};
  const troupe::ObjectRef<Doubles> other = Build(2 * kMebibyte, kFirst + 1).Seal();
  std::vector<double> micros[2];
  // Each opens two of them, after its start.
  meter.Time(2 * kReaders, [&] {
    for (int i = 0; i < kReaders; ++i) {
      auto reader = troupe::Actor<Reader>().Remote();
      // A sleeper wakes late, and building takes long: all begin awake.
      Expect(troupe::Get(reader.Task(&Reader::Warm).Remote(other)) == kFirst + 1, "a reader");
      micros[i % 2].push_back(troupe::Get(reader.Task(&Reader::Open).Remote(refs[i % 2])));
    }
  });
  meter.ExpectTasks(2 * kReaders);
  return {MiddleMean(micros[0]), MiddleMean(micros[1])};
}

// A task that is waited for, with an argument that its worker has mapped: µs. The sizes in turn, as
// above.
MicrosBySize MeasureTasks(Meter& meter) {
  constexpr int kTasks = 500;
  const troupe::Cluster cluster = StartCluster();
  const troupe::ObjectRef<Doubles> refs[] = {Build(kGibibyte, kFirst).Seal(),
                                             Build(kMebibyte, kFirst).Seal()};
  std::vector<double> micros[2];
  meter.Time(2 * kTasks, [&] {
    for (int i = 0; i < 2 * kTasks; ++i) {
      const int64_t begin = troupe::MonotonicNanos();
      Expect(troupe::Get(troupe::Task(First).Remote(refs[i % 2])) == kFirst, "a large argument");
      micros[i % 2].push_back(MicrosSince(begin));
    }
  });
  meter.ExpectTasks(2 * kTasks);
  return {Median(micros[0]), Median(micros[1])};
}

// One byte each way, the answer with a descriptor.
void SendDescriptor(int socket, int fd) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof(int));
  Expect(sendmsg(socket, &message, 0) == 1, "a descriptor that is passed");
}

// -1 where none has come.
int ReceiveDescriptor(int socket) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof(int));
  return fd;
}

// What nobody can do without: another process is asked, wakes, passes a descriptor, this one wakes,
// maps the memory behind it and reads a byte. µs, the median of several.
double PassAndMapMicros() {
  int sockets[2];
  Expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0, "a pair of sockets");
  const pid_t child = fork();
  Expect(child >= 0, "a process");
  if (child == 0) {
    close(sockets[0]);
    const int memory = memfd_create("floor", MFD_CLOEXEC);
    const char written = 1;
    if (memory < 0 || ftruncate(memory, kGibibyte) != 0 || pwrite(memory, &written, 1, 0) != 1)
      _exit(1);
    for (char byte = 0; read(sockets[1], &byte, 1) == 1;) SendDescriptor(sockets[1], memory);
    _exit(0);
  }
  close(sockets[1]);
  std::vector<double> micros;
  for (int i = 0; i < 21; ++i) {
    usleep(1'000);  // the other one is asleep
    const char byte = 0;
    const int64_t begin = troupe::MonotonicNanos();
    Expect(write(sockets[0], &byte, 1) == 1, "a question");
    const int fd = ReceiveDescriptor(sockets[0]);
    void* memory = mmap(nullptr, kGibibyte, PROT_READ, MAP_SHARED, fd, 0);
    Expect(memory != MAP_FAILED && *static_cast<const volatile char*>(memory) == 1,
           "memory that is passed");
    micros.push_back(MicrosSince(begin));
    munmap(memory, kGibibyte);
    close(fd);
  }
  close(sockets[0]);
  int status = 0;
  Expect(waitpid(child, &status, 0) == child && status == 0, "who passes the memory");
  return Median(micros);
}

}  // namespace

void AddLargeObjectRows(Report& report) {
  report.Row("publish_1gib_built_in_place", "us", PublishMicros, AtMost(50));
  report.Row("open_1gib_in_a_worker", "us",
             [](Meter& meter) { return MeasureOpens(meter).gibibyte; },
             {"passing a descriptor and mapping it", PassAndMapMicros});
  MicrosBySize last;
  const auto add_row = [&](const char* name, MicrosBySize (*measure)(Meter&)) {
    report.Row(name, "us",
               [&, measure](Meter& meter) {
                 last = measure(meter);
                 return last.gibibyte;
               },
               {"the same with 1 MiB", [&] { return last.mebibyte; }});
  };
  add_row("open_1gib_in_a_worker_as_1mib", MeasureOpens);
  add_row("task_with_a_1gib_argument", MeasureTasks);
}

}  // namespace bench
