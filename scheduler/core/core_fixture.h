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

wire::TaskSpec Spec(ClientId client, uint64_t sequence);

// `bytes`: a literal, or what lives as long as the value.
inline wire::Value ValueOf(std::string_view bytes) {
  return {std::as_bytes(std::span(bytes.data(), bytes.size())), {}};
}

// A core, a driver, and whatever workers it starts, which join at once as clients 101, 102, ...
class CoreTest : public testing::Test, protected TaskWords {
 protected:
  explicit CoreTest(double cpus = 2, uint64_t store_bytes = kStoreBytes);
  explicit CoreTest(const ResourceSet& total, uint64_t store_bytes = kStoreBytes);
  // With `spill`, everything can be written, and is at once; whoever is asked for a place forgets
  // it.
  explicit CoreTest(Core::Config config);
  ~CoreTest() override;

  void Queue(ClientId worker, uint32_t slot, uint64_t generation) override;
  bool TryRecall(ClientId worker, uint32_t slot, uint64_t generation) override;
  bool HasBegun(ClientId worker, uint32_t slot, uint64_t generation) override;

  absl::Status Submit(ClientId client, const wire::TaskSpec& spec);

  // Performs what the core asks for; what it tells is collected in the lists below.
  void Perform();

  static ClientId WorkerOf(ProcessId process) {
    return ClientId(100 + static_cast<uint64_t>(process));
  }
  static ProcessId ProcessOf(ClientId worker) {
    return ProcessId(static_cast<uint64_t>(worker) - 100);
  }
  const SendDispatch* FindDispatch(TaskId task);
  void Begin(const SendDispatch& dispatch);
  absl::Status Complete(TaskId task, const wire::Value& value);
  const ErrorInfo* ErrorOf(ObjectId id);

  WireSpecCodec codec_;
  Core core_;
  bool workers_join_ = true;
  std::vector<ProcessId> started_;
  std::vector<SendDispatch> dispatches_;
  std::vector<SendStop> stops_;
  std::vector<SendTakenBack> taken_back_;
  std::vector<SendFinished> finished_;
  std::vector<SendUnreadError> unread_;
  std::vector<std::pair<ClientId, ObjectId>> ready_;
  std::vector<ObjectId> streamed_;
  std::vector<SendStreamDemand> demands_;
  std::vector<ProcessId> killed_;
  std::vector<ClientId> ended_;
  std::vector<SendLease> leases_;
  std::set<ClientId> silent_;  // who does not answer unpin?
  std::vector<CutOff> cut_off_;
  std::vector<ClientId> recalls_;  // whose leases were asked for
  std::vector<Location> punched_;
  std::vector<ChunkId> dropped_chunks_;
  std::vector<ErrorInfo> refusals_;
  std::vector<SendWaitRefused> refused_waits_;

 private:
  Core::Config WithCodec(Core::Config config);

  std::map<std::pair<ClientId, uint32_t>, uint64_t> generations_;
  std::set<std::pair<ClientId, uint32_t>> begun_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_CORE_FIXTURE_H_
