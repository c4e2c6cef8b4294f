// What the tests of the core share: a core, a driver, and workers that join at once.
//
//   TEST_F(CoreTest, ATaskRuns) {
//     ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
//     Perform();                                              // what the core asks for
//     ASSERT_TRUE(Complete(TaskId::Make(kDriver, 1), ValueOf("12345678")).ok());
//   }
//
// The core's invariants are checked after each Perform, and at the end. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_CORE_FIXTURE_H_
#define TROUPE_SCHEDULER_CORE_CORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/base/ids.h"
#include "core/wire/messages.h"
#include "scheduler/core/core.h"
#include "scheduler/core/wire_spec_codec.h"

namespace troupe::scheduler {

inline constexpr ClientId kDriver = ClientId(1);
inline constexpr int64_t kSecond = 1'000'000'000;
inline constexpr uint64_t kStoreBytes = 64 << 20;
// Of each process that is killed with a report.
inline constexpr std::string_view kLastLines = "; the last lines that it wrote: none";
inline constexpr int32_t kPid = 17;

inline wire::TaskSpec Spec(ClientId client, uint64_t sequence) {
  wire::TaskSpec spec;
  spec.id = TaskId::Make(client, sequence);
  spec.cpu_units = kResourceUnit;
  spec.max_retries = 1;
  spec.name = "Work";
  return spec;
}

// `bytes`: a literal, or what lives as long as the value.
inline wire::Value ValueOf(std::string_view bytes) {
  return {std::as_bytes(std::span(bytes.data(), bytes.size())), {}};
}

// A core, a driver, and whatever workers it starts, which join at once as clients 101, 102, ...
class CoreTest : public testing::Test, protected TaskWords {
 protected:
  explicit CoreTest(double cpus = 2, uint64_t store_bytes = kStoreBytes)
      : CoreTest(ResourceSet::Cpus(cpus), store_bytes) {}
  explicit CoreTest(const ResourceSet& total, uint64_t store_bytes = kStoreBytes)
      : CoreTest(Core::Config{.total = total, .store_bytes = store_bytes}) {}
  // With `spill`, everything can be written, and is at once; whoever is asked for a place forgets
  // it.
  explicit CoreTest(Core::Config config) : core_(WithCodec(std::move(config)), this) {
    core_.DriverJoined(kDriver, JobId(1));
  }
  ~CoreTest() override { core_.CheckInvariants(); }

  void Queue(ClientId worker, uint32_t slot, uint64_t generation) override {
    begun_.erase({worker, slot});
    generations_[{worker, slot}] = generation;
  }
  bool TryRecall(ClientId worker, uint32_t slot, uint64_t generation) override {
    return generations_[{worker, slot}] == generation && begun_.insert({worker, slot}).second;
  }
  bool HasBegun(ClientId worker, uint32_t slot, uint64_t generation) override {
    return generations_[{worker, slot}] == generation && begun_.contains({worker, slot});
  }

  absl::Status Submit(ClientId client, const wire::TaskSpec& spec) {
    wire::MessageBuffer buffer;
    return core_.Submit(client, spec, wire::Encode(spec, buffer));
  }

  // Performs what the core asks for; what it tells is collected in the lists below.
  void Perform() {
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
        } else if (const auto* finished = std::get_if<SendFinished>(&action)) {
          finished_.push_back(*finished);
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
          leases_.push_back(lease->space);
        } else if (const auto* refused = std::get_if<RefuseLease>(&action)) {
          refusals_.push_back(refused->error);
        } else if (const auto* wait = std::get_if<SendWaitRefused>(&action)) {
          refusals_.push_back(wait->error);
          refused_waits_.push_back(*wait);
        } else if (const auto* unpin = std::get_if<SendUnpin>(&action)) {
          ASSERT_TRUE(core_.Unpinned(unpin->client, {unpin->pins, {}}).ok());
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

  static ClientId WorkerOf(ProcessId process) {
    return ClientId(100 + static_cast<uint64_t>(process));
  }
  static ProcessId ProcessOf(ClientId worker) {
    return ProcessId(static_cast<uint64_t>(worker) - 100);
  }
  const SendDispatch* FindDispatch(TaskId task) {
    for (auto it = dispatches_.rbegin(); it != dispatches_.rend(); ++it) {
      const auto spec = wire::DecodeClientMessage(it->spec.bytes());
      if (std::get<wire::TaskSpec>(*spec).id == task) return &*it;
    }
    return nullptr;
  }
  void Begin(const SendDispatch& dispatch) { begun_.insert({dispatch.worker, dispatch.slot}); }
  absl::Status Complete(TaskId task, const wire::Value& value) {
    const SendDispatch dispatch = *FindDispatch(task);
    Begin(dispatch);
    return core_.Complete(dispatch.worker, {task, dispatch.attempt, dispatch.slot, {value}});
  }
  const ErrorInfo* ErrorOf(ObjectId id) {
    const objectstore::Entry* entry = core_.objects().Find(id);
    return entry == nullptr ? nullptr : entry->error().get();
  }

  WireSpecCodec codec_;
  Core core_;
  bool workers_join_ = true;
  std::vector<ProcessId> started_;
  std::vector<SendDispatch> dispatches_;
  std::vector<SendStop> stops_;
  std::vector<SendFinished> finished_;
  std::vector<std::pair<ClientId, ObjectId>> ready_;
  std::vector<ObjectId> streamed_;
  std::vector<SendStreamDemand> demands_;
  std::vector<ProcessId> killed_;
  std::vector<ClientId> ended_;
  std::vector<Location> leases_;
  std::vector<ErrorInfo> refusals_;
  std::vector<SendWaitRefused> refused_waits_;

 private:
  Core::Config WithCodec(Core::Config config) {
    config.codec = &codec_;
    return config;
  }

  std::map<std::pair<ClientId, uint32_t>, uint64_t> generations_;
  std::set<std::pair<ClientId, uint32_t>> begun_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_CORE_FIXTURE_H_
