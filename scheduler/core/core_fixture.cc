#include "scheduler/core/core_fixture.h"

#include <variant>

namespace troupe::scheduler {

wire::TaskSpec Spec(ClientId client, uint64_t sequence) {
  wire::TaskSpec spec;
  spec.id = TaskId::Make(client, sequence);
  spec.cpu_units = kResourceUnit;
  spec.max_retries = 1;
  spec.name = "Work";
  return spec;
}

CoreTest::CoreTest(double cpus, uint64_t store_bytes)
    : CoreTest(ResourceSet::Cpus(cpus), store_bytes) {}

CoreTest::CoreTest(const ResourceSet& total, uint64_t store_bytes)
    : CoreTest(Core::Config{.total = total, .store_bytes = store_bytes}) {}

CoreTest::CoreTest(Core::Config config) : core_(WithCodec(std::move(config)), this) {
  core_.DriverJoined(kDriver, JobId(1));
}

CoreTest::~CoreTest() { core_.CheckInvariants(); }

void CoreTest::Queue(ClientId worker, uint32_t slot, uint64_t generation) {
  begun_.erase({worker, slot});
  generations_[{worker, slot}] = generation;
}

bool CoreTest::TryRecall(ClientId worker, uint32_t slot, uint64_t generation) {
  return generations_[{worker, slot}] == generation && begun_.insert({worker, slot}).second;
}

bool CoreTest::HasBegun(ClientId worker, uint32_t slot, uint64_t generation) {
  return generations_[{worker, slot}] == generation && begun_.contains({worker, slot});
}

absl::Status CoreTest::Submit(ClientId client, const wire::TaskSpec& spec) {
  wire::MessageBuffer buffer;
  return core_.Submit(client, spec, wire::Encode(spec, buffer));
}

void CoreTest::Perform() {
  for (auto actions = core_.TakeActions(); !actions.empty(); actions = core_.TakeActions()) {
    for (const Action& action : actions) {
      if (const auto* start = std::get_if<StartWorker>(&action)) {
        started_.push_back(start->process);
        if (!workers_join_) continue;
        const ClientId worker = WorkerOf(start->process);
        ASSERT_TRUE(core_.WorkerJoined(start->process, worker).ok());
      } else if (const auto* dispatch = std::get_if<SendDispatch>(&action)) {
        dispatches_.push_back(*dispatch);
      } else if (const auto* stop = std::get_if<SendStop>(&action)) {
        stops_.push_back(*stop);
      } else if (const auto* taken_back = std::get_if<SendTakenBack>(&action)) {
        taken_back_.push_back(*taken_back);
      } else if (const auto* finished = std::get_if<SendFinished>(&action)) {
        finished_.push_back(*finished);
      } else if (const auto* unread = std::get_if<SendUnreadError>(&action)) {
        unread_.push_back(*unread);
      } else if (const auto* ready = std::get_if<SendReady>(&action)) {
        ready_.push_back({ready->client, ready->object});
      } else if (const auto* streamed = std::get_if<SendStreamed>(&action)) {
        streamed_.push_back(streamed->object);
      } else if (const auto* demand = std::get_if<SendStreamDemand>(&action)) {
        demands_.push_back(*demand);
      } else if (const auto* kill = std::get_if<KillWorker>(&action)) {
        killed_.push_back(kill->process);
        if (kill->report) core_.Killed(kill->process, kLastLines, kPid);
      } else if (const auto* populate = std::get_if<PopulateLease>(&action)) {
        core_.LeasePopulated(populate->space, "");
      } else if (const auto* lease = std::get_if<SendLease>(&action)) {
        leases_.push_back(*lease);
      } else if (const auto* recall = std::get_if<SendRecall>(&action)) {
        recalls_.push_back(recall->client);
      } else if (const auto* punch = std::get_if<PunchChunk>(&action)) {
        punched_.push_back(punch->pages);
      } else if (const auto* drop = std::get_if<DropChunk>(&action)) {
        dropped_chunks_.push_back(drop->chunk);
      } else if (const auto* refused = std::get_if<RefuseLease>(&action)) {
        refusals_.push_back(refused->error);
      } else if (const auto* wait = std::get_if<SendWaitRefused>(&action)) {
        refusals_.push_back(wait->error);
        refused_waits_.push_back(*wait);
      } else if (const auto* unpin = std::get_if<SendUnpin>(&action)) {
        if (silent_.contains(unpin->client)) continue;
        ASSERT_TRUE(core_.Unpinned(unpin->client, {unpin->pins, {}}).ok());
      } else if (const auto* cut_off = std::get_if<CutOff>(&action)) {
        cut_off_.push_back(*cut_off);
      } else if (const auto* spilled = std::get_if<Spill>(&action)) {
        std::vector<Core::SpillResult> results;
        for (const auto& item : spilled->items) results.push_back({item.object, true, 0});
        core_.SpillEnded(spilled->file, results, "");
      } else if (const auto* end = std::get_if<EndWorker>(&action)) {
        ended_.push_back(end->worker);
      }
    }
  }
  core_.CheckInvariants();
}

const SendDispatch* CoreTest::FindDispatch(TaskId task) {
  for (auto it = dispatches_.rbegin(); it != dispatches_.rend(); ++it) {
    const auto spec = wire::DecodeClientMessage(it->spec.bytes());
    if (std::get<wire::TaskSpec>(*spec).id == task) return &*it;
  }
  return nullptr;
}

void CoreTest::Begin(const SendDispatch& dispatch) {
  begun_.insert({dispatch.worker, dispatch.slot});
}

absl::Status CoreTest::Complete(TaskId task, const wire::Value& value) {
  const SendDispatch dispatch = *FindDispatch(task);
  Begin(dispatch);
  return core_.Complete(dispatch.worker, {task, dispatch.attempt, dispatch.slot, {value}});
}

const ErrorInfo* CoreTest::ErrorOf(ObjectId id) {
  const objectstore::Entry* entry = core_.objects().Find(id);
  return entry == nullptr ? nullptr : entry->error().get();
}

Core::Config CoreTest::WithCodec(Core::Config config) {
  config.codec = &codec_;
  return config;
}

}  // namespace troupe::scheduler
