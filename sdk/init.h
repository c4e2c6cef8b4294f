// Init connects this program to a cluster, or starts one that ends with it.
//
// Which one: options.address, else --troupe_address, else TROUPE_ADDRESS; else the user's running
// `troupe up`; else an embedded cluster: a node as a child process, workers as its children,
// nothing on disk, nothing to find for others. Addresses: "embedded", "unix:/path/of/node.sock".
// With in_process (or --troupe_in_process), all of it is threads of this program: see below.
//
//   int main() {
//     troupe::Cluster cluster = troupe::Init();
//     ...
//   }  // ~Cluster ends the connection, and the cluster where it is embedded
//
// The program itself is driver, node and worker: it is started again for those roles, and does not
// reach main there. Throws InvalidArgument, Unavailable, each with one sentence.   Init and
// Shutdown may follow one another. Thread-safety: call Init and end the Cluster from one thread;
// everything else may be used from any.
//
// In process, for unit tests and debuggers: Init({.in_process = true}) runs the same node and the
// same workers as threads of the calling process. Arguments, results, errors, order, limits and
// options are as elsewhere, since the same code runs; values are copied through the object store
// all the same. What differs:
// - a task that crashes, or calls exit or abort, ends the program, and a debugger sees where;
// - globals and statics are one for driver and tasks, which run at the same time: guard them;
// - a thread cannot be killed. Where a process would be (Cancel with force, a deadline whose grace
//   has passed, Kill), callers see the same, but the code runs on until it ends: its waits throw,
//   its stop token is requested. ~Cluster waits 3 s for such a thread, then names its task on the
//   standard error and leaves it;
// - output is not captured, memory is not watched (memory_limit), stacks of crashes are not told;
// - each worker takes about 20 descriptors of this process: raise `ulimit -n` for deep nesting.
#ifndef TROUPE_SDK_INIT_H_
#define TROUPE_SDK_INIT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

struct InitOptions {
  std::string address = {};  // empty: as above
  // Node and workers are threads of this process; or --troupe_in_process. Not with an address.
  bool in_process = false;
  int workers = 0;  // CPUs of an embedded cluster; 0: --troupe_workers, else the machine's
  int64_t object_store_memory =
      0;  // bytes; 0: --troupe_object_store_memory, else 30 % of the memory we may use
  // Where objects go that do not fit into memory; none: --troupe_spill_dir, else they do not.
  std::vector<std::string> spill_directories = {};
  int64_t spill_quota = 0;  // bytes in each of them; 0: --troupe_spill_quota, else without end
  int64_t ring_bytes = 0;   // of each channel's rings, 4 KiB to 64 MiB; 0: 1 MiB
  int64_t memory = 0;       // bytes that tasks of an embedded cluster may ask for; 0: 70 % of ours
  // Bytes that the processes and objects of an embedded cluster may take together; where they take
  // more, a task's process is killed: see OutOfMemory. 0: 95 % of the machine's memory, or of the
  // cgroup's.
  int64_t memory_limit = 0;
  double gpus = 0;                               // of an embedded cluster
  std::map<std::string, double> resources = {};  // of an embedded cluster, by any name
  // Of an embedded cluster: it runs only functions that are registered by name (RegisterFunction,
  // CallNamed), as one of `troupe up --registered_only` does. All else is an InvalidArgument.
  bool registered_only = false;
  std::string job_name = {};      // for people
  double job_weight = 1;          // this program's share of CPUs beside others' on the same cluster
  int submission_window = 0;      // unfinished tasks of this program; 0: 100,000
  bool refuse_when_full = false;  // then Remote throws ResourceExhausted; else it waits
};

// The connection. Move-only; its end disconnects.
class [[nodiscard]] Cluster {
 public:
  Cluster(Cluster&& other) noexcept;
  Cluster& operator=(Cluster&&) = delete;
  ~Cluster();

  int cpus() const;
  int64_t object_store_memory() const;
  bool embedded() const;
  // Its node and workers are threads of this process. It is embedded then, too.
  bool in_process() const;
  // How others connect to it; empty where it is embedded.
  const std::string& address() const;

  struct State;
  explicit Cluster(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

Cluster Init(InitOptions options = {});
bool IsInitialized();

// Has each worker run f once, before its first task; in process: on its thread, beside those of
// other workers. To be called before Init, or while statics are initialised: a worker is this
// program too, and does the same.
void OnWorkerStart(std::function<void()> f);

}  // namespace troupe

#endif  // TROUPE_SDK_INIT_H_
