#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/string_view.h"
#include "tests/simulation/world_process.h"

namespace troupe::simulation {
namespace {

constexpr uint64_t kMaxEvents = 2'000'000;  // a run that does more goes in circles
// From then on nothing crashes: what is retried without end may make work faster than it is done.
constexpr uint64_t kCalmAfterEvents = 20'000;
constexpr int64_t kMaxStepNanos = 1'000'000;

}  // namespace

// The state words, as if in shared memory: they stay readable after their worker's death.
class World::Words : public scheduler::TaskWords {
 public:
  explicit Words(Counts* counts) : counts_(counts) {}

  void Queue(ClientId worker, uint32_t slot, uint64_t generation) override {
    words_[{worker, slot}] = {generation, false};
  }
  bool TryRecall(ClientId worker, uint32_t slot, uint64_t generation) override {
    if (!Take(worker, slot, generation)) return false;
    ++counts_->recalls;
    return true;
  }
  bool HasBegun(ClientId worker, uint32_t slot, uint64_t generation) override {
    const Word& word = words_[{worker, slot}];
    return word.generation == generation && word.taken;
  }
  bool TryBegin(ClientId worker, uint32_t slot, uint64_t generation) {
    return Take(worker, slot, generation);
  }

 private:
  struct Word {
    uint64_t generation = 0;
    bool taken = false;
  };
  bool Take(ClientId worker, uint32_t slot, uint64_t generation) {
    Word& word = words_[{worker, slot}];
    if (word.generation != generation || word.taken) return false;
    return word.taken = true;
  }

  Counts* counts_;
  std::map<std::pair<ClientId, uint32_t>, Word> words_;
};

World::World(const Options& options, bool trace)
    : options_(options),
      trace_(trace),
      random_(Mix(options.seed, 99)),
      words_(std::make_unique<Words>(&counts_)),
      core_({.total = ResourceSet::Cpus(options.cpus),
             .store_bytes = options.store_bytes,
             .spill =
                 options.spills
                     ? std::vector<objectstore::SpillSpace::Directory>{{"/disk",
                                                                        options.spill_quota_bytes}}
                     : std::vector<objectstore::SpillSpace::Directory>(),
             .spill_file_bytes = 200'000,
             .max_suspended_calls = options.max_suspended_calls,
             .codec = &codec_,
             .max_awake_tasks = options.max_awake_tasks,
             .max_lineage_bytes = options.max_lineage_bytes},
            words_.get()),
      memory_(options.store_bytes) {}

World::~World() = default;

World::Process* World::AddDriver() {
  Process* process = processes_.emplace_back(std::make_unique<Process>()).get();
  process->job = JobId(next_job_++);
  process->client = std::make_unique<Client>(ClientId(next_client_++), &memory_);
  process->driver = std::make_unique<DriverProgram>(
      options_, random_(), process->client.get(), [this](const std::string& what) { Fail(what); });
  core_.DriverJoined(process->client->id(), process->job,
                     {"simulated", kResourceUnit * static_cast<int64_t>(1 + Roll(random_, 3)), 8});
  return process;
}

std::string World::Run() {
  for (int i = 0; i < options_.drivers; ++i) {
    Process* driver = AddDriver();
    driver->threads.push_back(driver->driver->Run());
  }
  if (!RunUntilQuiet()) return error_;
  // Detached actors outlive whoever made them; all else goes with its last handle.
  if (core_.actor_count() == 0) CheckNothingIsLeft();
  LetDriversLeave();
  if (!RunUntilQuiet()) return error_;
  Process* last = AddDriver();
  last->threads.push_back(last->driver->CleanUp());
  if (!RunUntilQuiet()) return error_;
  CheckNothingIsLeft();
  LetDriversLeave();
  if (!error_.empty() || !RunUntilQuiet()) return error_;
  const bool processes_left =
      std::any_of(processes_.begin(), processes_.end(), [](const auto& p) { return !p->gone; });
  if (processes_left || core_.job_count() > 0 ||
      core_.workers().free() != core_.workers().total() || core_.space().leased_bytes() > 0) {
    Fail(absl::StrCat("all drivers have left, and something is left:\n", core_.StatusText(),
                      "leased   ", core_.space().leased_bytes(), " B\n"));
  }
  return error_;
}

void World::CheckNothingIsLeft() {
  if (core_.objects().count() > 0 || core_.task_count() > 0 || core_.actor_count() > 0 ||
      core_.objects().bytes_stored() > 0 || core_.residency().count() > 0 ||
      core_.workers().total() != ResourceSet::Cpus(options_.cpus) ||
      core_.space().sealed_bytes() > 0 || core_.spill().used() > 0 ||
      core_.spill().file_count() > 0 || !disk_.empty() || !core_.lineage().empty() ||
      core_.lineage().bytes() > 0) {
    Fail(absl::StrCat("everything was dropped, and something is left:\n", core_.StatusText(),
                      *core_.Report("list tasks"), *core_.Report("list workers"),
                      *core_.Report("list groups")));
  }
}

void World::LetDriversLeave() {
  for (const auto& process : processes_) {
    if (!process->is_driver() || process->gone) continue;
    if (!process->driver->finished()) {
      Fail(absl::StrCat("it hangs: ", process->Name(), " waits for ever\n", core_.StatusText(),
                        *core_.Report("list tasks"), *core_.Report("list workers")));
    }
    if (process->client->handle_count() > 0)
      Fail(absl::StrCat(process->Name(), " has dropped all its handles, and knows of some"));
    process->alive = false;
    process->threads.clear();
  }
}

// Performs events in random order until nothing can happen any more; false where something failed.
bool World::RunUntilQuiet() {
  std::vector<Event> events;
  while (error_.empty()) {
    events.clear();
    Collect(&events);
    if (!lane_.empty()) events.push_back({Event::Kind::kLane, nullptr});
    if (!jobs_.empty()) events.push_back({Event::Kind::kJob, nullptr});
    if (events.empty()) {
      const int64_t deadline = core_.NextDeadline();
      if (deadline == INT64_MAX) return true;
      now_nanos_ = std::max(now_nanos_, deadline);
    } else {
      now_nanos_ += static_cast<int64_t>(Roll(random_, kMaxStepNanos));
    }
    NoteKeptLeases();
    core_.AdvanceTo(now_nanos_);
    const uint64_t lease_recalls = counts_.lease_recalls;
    PerformActions();
    // What time alone recalls goes back to the system.
    counts_.lease_recalls = lease_recalls;
    if (!events.empty()) Perform(events[Roll(random_, events.size())]);
    PerformActions();
    core_.CheckInvariants();
    for (const auto& process : processes_) {
      if (process->client != nullptr && process->alive) process->client->CheckInvariants();
    }
    if (++counts_.events > kMaxEvents) Fail("it goes in circles: there is always something to do");
  }
  return false;
}

// Before time passes, since then others may be told of leases for which nobody could be asked yet.
void World::NoteKeptLeases() {
  keeps_leases_ = nullptr;
  for (const ClientId client : core_.space().ClientsWithLeases()) {
    const Process* process = Find(client);
    if (process != nullptr && !process->recalled) keeps_leases_ = process;
  }
}

void World::Collect(std::vector<Event>* events) {
  const auto crashes = [&] {
    return options_.crash_chance > 0 && counts_.events < kCalmAfterEvents &&
           static_cast<double>(Roll(random_, 1'000'000)) < options_.crash_chance * 1e6;
  };
  std::vector<Process*> victims;
  for (const auto& owned : processes_) {
    Process* process = owned.get();
    if (process->runs_on) events->push_back({Event::Kind::kEnd, process});
    if (process->gone) continue;
    if (process->client == nullptr) {
      events->push_back({Event::Kind::kJoin, process});
      continue;
    }
    Client& client = *process->client;
    if (!client.to_node.empty()) events->push_back({Event::Kind::kToNode, process});
    if (!process->alive) {
      if (client.to_node.empty()) events->push_back({Event::Kind::kFoundDead, process});
      continue;
    }
    if (process->kill_asked) events->push_back({Event::Kind::kKill, process});
    if (!client.to_client.empty()) events->push_back({Event::Kind::kToClient, process});
    for (size_t i = 0; i < process->threads.size(); ++i) {
      if (process->threads[i].CanResume()) events->push_back({Event::Kind::kStep, process, i});
    }
    if (client.owes_releases()) events->push_back({Event::Kind::kRelease, process});
    if (!process->is_driver() || (options_.drivers_may_die && Roll(random_, 200) == 0))
      victims.push_back(process);
  }
  if (!events->empty() && options_.memory_chance > 0 && counts_.events < kCalmAfterEvents &&
      static_cast<double>(Roll(random_, 1'000'000)) < options_.memory_chance * 1e6) {
    *events = {{Event::Kind::kMemory, nullptr}};
    return;
  }
  if (!events->empty() && !victims.empty() && crashes()) {
    ++counts_.crashes;
    Process* victim = victims[Roll(random_, victims.size())];
    victim->kill_asked = true;
    *events = {{Event::Kind::kKill, victim}};
  }
}

void World::Perform(const Event& event) {
  Process* process = event.process;
  switch (event.kind) {
    case Event::Kind::kToClient: {
      const Frame frame = std::move(process->client->to_client.front());
      process->client->to_client.pop_front();
      process->client->Receive(frame);
      break;
    }
    case Event::Kind::kToNode: {
      const Frame frame = std::move(process->client->to_node.front());
      process->client->to_node.pop_front();
      const absl::Status status = Handle(process, frame);
      if (!status.ok()) {
        Fail(absl::StrCat("the core refuses an honest client: ", status.message()));
      }
      break;
    }
    case Event::Kind::kStep:
      process->threads[event.thread].Resume();
      if (process->done() && !process->is_driver()) {
        Trace(absl::StrCat(process->Name(), " ends"));
        process->alive = false;
        process->cause = "exited with code 0";
      }
      break;
    case Event::Kind::kRelease:
      process->client->SendReleases();
      break;
    case Event::Kind::kJoin:
      if ((process->kill_asked && Roll(random_, 2) == 0) ||
          static_cast<double>(Roll(random_, 1000)) < options_.failed_start_chance * 1000) {
        Trace(absl::StrCat(process->Name(), " dies before it joins"));
        process->gone = true;
        core_.ProcessDied(process->number, "exited with code 1", 0);
        break;
      }
      process->client = std::make_unique<Client>(ClientId(next_client_++), &memory_);
      process->worker = std::make_unique<WorkerProgram>(
          process->client.get(),
          [words = words_.get(), id = process->client->id()](const wire::Dispatch& dispatch) {
            return words->TryBegin(id, dispatch.slot, dispatch.generation);
          },
          options_.damage_chance > 0);
      for (size_t i = 0; i < WorkerProgram::kThreads; ++i)
        process->threads.push_back(process->worker->Run());
      Trace(absl::StrCat(process->Name(), " joins as process ",
                         static_cast<uint64_t>(process->number)));
      if (!core_.WorkerJoined(process->number, process->client->id()).ok())
        Fail("the core does not know a worker that it has started");
      break;
    case Event::Kind::kKill:
      Trace(absl::StrCat(process->Name(), " is killed"));
      process->alive = false;
      process->cause = "killed by signal 9 (SIGKILL)";
      process->threads.clear();
      break;
    case Event::Kind::kFoundDead:
      Trace(absl::StrCat(process->Name(), " is found dead"));
      process->gone = true;
      if (process->is_driver()) {
        core_.DriverLeft(process->client->id());
      } else {
        process->runs_on = process->kill_asked && options_.workers_run_on;
        core_.ProcessDied(process->number, process->cause, 1, /*for_want_of_memory=*/false,
                          process->runs_on);
        if (process->runs_on) ++counts_.ran_on;
      }
      break;
    case Event::Kind::kEnd:
      Trace(absl::StrCat(process->Name(), " ends after it was given up"));
      process->runs_on = false;
      process->client->CheckViews();
      core_.ForgetHoldings(process->client->id());
      break;
    case Event::Kind::kLane: {
      const auto work = std::move(lane_.front());
      lane_.pop_front();
      work();
      break;
    }
    case Event::Kind::kMemory: {
      scheduler::Core::MemorySample sample{.used = 99, .limit = 100};
      core_.workers().ForEach([&](const scheduler::Worker& worker) {
        sample.processes.emplace_back(worker.process, Roll(random_, 1'000'000'000));
      });
      Trace("memory runs out");
      core_.MemorySampled(sample);
      break;
    }
    case Event::Kind::kJob: {
      const size_t which = Roll(random_, jobs_.size());
      const auto work = std::move(jobs_[which]);
      jobs_.erase(jobs_.begin() + static_cast<ptrdiff_t>(which));
      work();
      break;
    }
  }
}

absl::Status World::Handle(Process* process, const Frame& frame) {
  const wire::Bytes bytes = std::as_bytes(std::span(frame));
  const absl::StatusOr<wire::ClientMessage> message = wire::DecodeClientMessage(bytes);
  if (!message.ok()) return message.status();
  const ClientId client = process->client->id();
  struct Visitor {
    scheduler::Core& core;
    Counts& counts;
    ClientId client;
    wire::Bytes bytes;
    absl::Status operator()(const wire::TaskSpec& m) { return core.Submit(client, m, bytes); }
    absl::Status operator()(const wire::Seal& m) { return core.Seal(client, m); }
    absl::Status operator()(const wire::Complete& m) { return core.Complete(client, m); }
    absl::Status operator()(const wire::Subscribe& m) { return core.Subscribe(client, m); }
    absl::Status operator()(const wire::Release& m) { return core.Release(client, m); }
    absl::Status operator()(const wire::Claim& m) { return core.Claim(client, m); }
    absl::Status operator()(const wire::LeaseRequest& m) {
      return core.RequestLease(client, m.bytes);
    }
    absl::Status operator()(const wire::ReturnLease& m) {
      return core.ReturnLease(client, m.unused);
    }
    absl::Status operator()(const wire::Blocked& m) { return core.Blocked(client, m); }
    absl::Status operator()(const wire::Unblocked&) { return core.Unblocked(client); }
    absl::Status operator()(const wire::Kill& m) { return core.Kill(client, m); }
    absl::Status operator()(const wire::FindActor& m) { return core.FindActor(client, m); }
    absl::Status operator()(const wire::Cancel& m) { return core.Cancel(client, m); }
    absl::Status operator()(const wire::StreamItem& m) { return core.StreamItem(client, m); }
    absl::Status operator()(const wire::StreamDemand& m) { return core.StreamDemand(client, m); }
    absl::Status operator()(const wire::Fetch& m) { return core.Fetch(client, m); }
    absl::Status operator()(const wire::Free& m) {
      ++counts.frees;
      return core.Free(client, m);
    }
    absl::Status operator()(const wire::Unpinned& m) { return core.Unpinned(client, m); }
    absl::Status operator()(const wire::MemoryRequest&) {
      return absl::UnimplementedError("no simulated client asks what is in the store");
    }
    absl::Status operator()(const wire::Checkpoint& m) { return core.Checkpoint(client, m); }
    absl::Status operator()(const wire::ExitActor&) { return core.ExitActor(client); }
    absl::Status operator()(const wire::Suspend& m) {
      ++counts.suspensions;
      return core.Suspend(client, m);
    }
    absl::Status operator()(const wire::Resume& m) { return core.Resume(client, m); }
    absl::Status operator()(const wire::Promise& m) { return core.MakePromise(client, m); }
    absl::Status operator()(const wire::PlacementGroup& m) {
      return core.MakePlacementGroup(client, m);
    }
    absl::Status operator()(const wire::RemovePlacementGroup& m) {
      return core.RemovePlacementGroup(client, m.id);
    }
    absl::Status operator()(const wire::CodeNotice&) {
      return absl::UnimplementedError("no simulated client brings code");
    }
    absl::Status operator()(const wire::StatusRequest&) {
      return absl::UnimplementedError("no simulated client asks for the status");
    }
    absl::Status operator()(const wire::Stop&) {
      return absl::UnimplementedError("no simulated client stops the node");
    }
  };
  if (trace_) Trace(absl::StrCat("node <- ", process->Name(), ": ", Describe(*message)));
  return std::visit(Visitor{core_, counts_, client, bytes}, *message);
}

void World::Fail(const std::string& what) {
  if (error_.empty()) error_ = absl::StrCat("after ", counts_.events, " events: ", what);
}

void World::Trace(const std::string& line) const {
  if (trace_)
    std::fprintf(stderr, "%8llu %s\n", static_cast<unsigned long long>(counts_.events),
                 line.c_str());
}

std::string World::Describe(const wire::ClientMessage& message) {
  if (const auto* spec = std::get_if<wire::TaskSpec>(&message)) {
    std::string text = absl::StrCat("task ", spec->id.ToString());
    if (!spec->actor.is_null()) {
      absl::StrAppend(&text, ", call ", spec->sequence, " of ", spec->actor.ToString());
    }
    if (spec->kind == wire::TaskKind::kActorCreation) absl::StrAppend(&text, ", an actor");
    for (const wire::Argument& argument : spec->arguments) {
      const auto* id = std::get_if<ObjectId>(&argument.content);
      absl::StrAppend(&text, id == nullptr ? ", a value" : ", takes ",
                      id == nullptr ? "" : id->ToString());
    }
    return text;
  }
  if (const auto* complete = std::get_if<wire::Complete>(&message)) {
    return absl::StrCat("complete ", complete->task.ToString(), ", attempt ", complete->attempt);
  }
  if (const auto* kill = std::get_if<wire::Kill>(&message)) {
    return absl::StrCat("kill ", kill->actor.ToString(),
                        kill->no_restart ? "" : ", it may restart");
  }
  constexpr const char* kNames[] = {
      "task",     "seal",         "complete",   "subscribe",   "release",       "claim",
      "lease",    "return lease", "blocked",    "unblocked",   "kill",          "find",
      "status",   "stop",         "cancel",     "stream item", "stream demand", "fetch",
      "unpinned", "memory",       "checkpoint", "exit actor",  "promise",       "placement group",
      "remove",   "suspend",      "resume",     "free",        "code notice"};
  static_assert(std::size(kNames) == std::variant_size_v<wire::ClientMessage>);
  return kNames[message.index()];
}

}  // namespace troupe::simulation
