#include "worker/worker_locals.h"

#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "worker/node_session.h"

namespace troupe::worker {
namespace {

struct Local {
  std::mutex making;
  std::atomic<std::thread::id> maker;  // while it is at it
  std::shared_ptr<void> value;
};
struct Making {
  explicit Making(Local* of) : local(of) { local->maker = std::this_thread::get_id(); }
  ~Making() { local->maker = std::thread::id(); }
  Local* local;
};
using Locals = std::map<const void*, std::shared_ptr<Local>>;

struct Registry {
  std::mutex mutex;
  // By the worker's session; null: of a process as a whole.
  std::map<const Session*, Locals> workers;
};
Registry& TheRegistry() {
  static auto* const registry = new Registry;  // threads of the user's code may outlive main
  return *registry;
}

}  // namespace

void* WorkerLocalOf(const void* key, absl::FunctionRef<std::shared_ptr<void>()> make) {
  const std::shared_ptr<Session> worker = NodeSession::OfThisThread();
  std::shared_ptr<Local> local;
  {
    Registry& registry = TheRegistry();
    const std::lock_guard<std::mutex> lock(registry.mutex);
    std::shared_ptr<Local>& found = registry.workers[worker.get()][key];
    if (found == nullptr) found = std::make_shared<Local>();
    local = found;
  }
  if (local->maker == std::this_thread::get_id())
    throw std::logic_error("what makes a WorkerLocal uses that WorkerLocal");
  const std::lock_guard<std::mutex> lock(local->making);
  if (local->value == nullptr) {
    const Making making(local.get());
    local->value = make();
  }
  return local->value.get();
}

void ForgetLocals(const Session* worker) {
  Locals gone;
  Registry& registry = TheRegistry();
  const std::lock_guard<std::mutex> lock(registry.mutex);
  const auto it = registry.workers.find(worker);
  if (it == registry.workers.end()) return;
  gone = std::move(it->second);
  registry.workers.erase(it);
}

}  // namespace troupe::worker
