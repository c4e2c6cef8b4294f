#include "core/wire/message_samples.h"

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "absl/container/inlined_vector.h"

namespace troupe::wire {
namespace {

constexpr uint64_t kMax64 = std::numeric_limits<uint64_t>::max();
constexpr uint32_t kMax32 = std::numeric_limits<uint32_t>::max();

constexpr std::string_view kSha256 =
    "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";

Bytes SomeBytes(size_t size) {
  static constexpr std::array<unsigned char, 40> kBytes = {1, 2, 3, 0, 0xff, 6, 7, 8, 9, 10};
  return std::as_bytes(std::span(kBytes)).first(size);
}

ErrorInfo SampleError() {
  return {.kind = ErrorKind::kTaskError,
          .message = std::string("no such\0file", 12),
          .exception_type = "std::runtime_error",
          .origin = "Load",
          .task = TaskId(7, 8),
          .attempt = 2,
          .pid = -1,
          .payload = std::string("pay\0load", 8)};
}
ErrorInfo SampleErrorWithStack() {
  ErrorInfo error = SampleError();
  error.stack = "Parse\nLoad\n";
  return error;
}

Location SampleLocation() { return {.chunk = ChunkId(kMax32), .offset = kMax64, .size = 64}; }

std::vector<ObjectId> SomeIds(uint64_t count) {
  std::vector<ObjectId> ids;
  for (uint64_t i = 0; i < count; ++i) ids.push_back(ObjectId(kMax64 - i, i));
  return ids;
}

// Of each alternative.
absl::InlinedVector<Value, 1> SampleValues() {
  return {{Bytes(), {}},          {SomeBytes(1), SomeIds(1)},
          {SomeBytes(8), {}},     {SomeBytes(40), {}},
          {SampleLocation(), {}}, {Location(), SomeIds(3)},
          {SampleError(), {}},    {ErrorInfo(), {}},
          {Pending(), {}},        {Pending(), SomeIds(2)},
          {Away(), {}},           {Away(), SomeIds(1)}};
}

std::vector<ReadyValue> SampleReadyValues() {
  std::vector<ReadyValue> values;
  uint64_t sequence = 0;
  for (Value& value : SampleValues()) values.push_back({ObjectId(1, ++sequence), std::move(value)});
  return values;
}

TaskSpec SampleSpec() {
  TaskSpec spec;
  spec.id = TaskId(1, 2);
  spec.kind = TaskKind::kActorCreation;
  spec.entry = 3;
  spec.actor = ActorId(4, 5);
  spec.sequence = 6;
  spec.cpu_units = -7;
  spec.resources = {{"gpu", 10'000}, {"", -1}};
  spec.num_returns = 8;
  spec.max_retries = -1;
  spec.max_restarts = 9;
  spec.priority = std::numeric_limits<int32_t>::min();
  spec.depth = 10;
  spec.detached = true;
  spec.timeout_nanos = 11;
  spec.grace_nanos = -1;
  spec.caller.task = TaskId(12, 13);
  spec.retry_on = 14;
  spec.max_calls = 15;
  spec.max_task_retries = -1;
  spec.max_pending_calls = 16;
  spec.checkpoint_every = 17;
  spec.max_concurrency = 18;
  spec.concurrency_groups = {{"io", 4}, {"", 0}};
  spec.concurrency_group = "io";
  spec.placement = {ObjectId(19, 20), kMax32};
  spec.name = "Train";
  spec.type_name = "Model";
  spec.actor_name = "the model";
  spec.callable = SomeBytes(16);
  spec.function = "models.Train";
  spec.stream_window = kMax32;
  spec.arguments = {{Argument::Inline{SomeBytes(5), SomeIds(2)}},
                    {Argument::Inline{}},
                    {ObjectId(11, 12)},
                    {SomeIds(3)},
                    {Argument::Objects{}}};
  return spec;
}

}  // namespace

Samples<ClientMessage> ClientMessageSamples() {
  TaskSpec task = SampleSpec(), call = SampleSpec();
  task.kind = TaskKind::kTask;
  call.kind = TaskKind::kActorCall;
  TaskSpec with_site;
  with_site.caller.site_file = kMax32;
  with_site.caller.site_line = 0xFFFE;
  Samples<ClientMessage> samples = {
      {"submit_empty", TaskSpec()},
      {"submit_task", task},
      {"submit_actor_creation", SampleSpec()},
      {"submit_actor_call", call},
      {"submit_with_call_site", with_site},
      {"complete_empty", Complete()},
      {"complete", Complete{TaskId(1, 2), 3, kMax32, SampleValues(), false}},
      {"complete_to_retry", Complete{TaskId(1, 2), 3, 4, {}, true}},
      {"subscribe_empty", Subscribe()},
      {"subscribe", Subscribe{SomeIds(5)}},
      {"release_empty", Release()},
      {"release", Release{{{ObjectId(1, 2), kMax32}, {ObjectId(), 0}}}},
      {"release_unread", Release{{{ObjectId(1, 2), 1, true}}}},
      {"claim_empty", Claim()},
      {"claim", Claim{ObjectId(1, 2), 3, 4}},
      {"lease_empty", LeaseRequest()},
      {"lease", LeaseRequest{kMax64}},
      {"return_lease_empty", ReturnLease()},
      {"return_lease", ReturnLease{SampleLocation()}},
      {"blocked_empty", Blocked()},
      {"blocked", Blocked{SomeIds(2), 1, kMax64}},
      {"unblocked", Unblocked()},
      {"kill", Kill{ActorId(1, 2), true}},
      {"kill_and_restart", Kill{ActorId(), false}},
      {"find_actor_empty", FindActor()},
      {"find_actor", FindActor{kMax64, "hits"}},
      {"status_empty", StatusRequest()},
      {"fetch_empty", Fetch()},
      {"fetch", Fetch{SomeIds(3)}},
      {"unpinned_empty", Unpinned()},
      {"unpinned", Unpinned{{{ObjectId(1, 2), kMax32}}, {{ObjectId(3, 4), 5}, {ObjectId(), 0}}}},
      {"memory_empty", MemoryRequest()},
      {"memory", MemoryRequest{kMax64, kMax32}},
      {"status", StatusRequest{7, "why t-1.2"}},
      {"stop", Stop()},
      {"cancel_empty", Cancel()},
      {"cancel", Cancel{ObjectId(1, 2), true, false}},
      {"stream_item_empty", StreamItem()},
      {"stream_item", StreamItem{TaskId(1, 2), 3, 4, kMax32, {SomeBytes(16), SomeIds(1)}}},
      {"stream_demand_empty", StreamDemand()},
      {"stream_demand", StreamDemand{TaskId(kMax64, 1), kMax32, true}},
      {"checkpoint_empty", Checkpoint()},
      {"checkpoint", Checkpoint{ObjectId(1, 2)}},
      {"exit_actor", ExitActor()},
      {"promise", Promise{ObjectId(1, 2)}},
      {"placement_group_empty", PlacementGroup()},
      {"placement_group", PlacementGroup{ObjectId(1, 2),
                                         {{10'000, {{"gpu", 2'500}, {"", -1}}}, {}, {-1, {}}},
                                         PlacementStrategy::kStrictSpread,
                                         "stages",
                                         SomeBytes(9)}},
      {"remove_placement_group", RemovePlacementGroup{ObjectId(1, 2)}},
      {"suspend_empty", Suspend()},
      {"suspend", Suspend{TaskId(1, 2), 3, kMax32, ObjectId(kMax64, 4), 5}},
      {"resume_empty", Resume()},
      {"resume", Resume{TaskId(kMax64, 2), kMax32, 4}},
      {"free_empty", Free()},
      {"free", Free{SomeIds(3)}},
      {"code_notice_empty", CodeNotice()},
      {"code_notice", CodeNotice{"/opt/libgeometry.so", kSha256, kMax64}},
  };
  int number = 0;
  for (Value& value : SampleValues())
    samples.emplace_back("seal_" + std::to_string(number++), Seal{ObjectId(1, 2), value});
  return samples;
}

Samples<NodeMessage> NodeMessageSamples() {
  return {
      {"dispatch_empty", Dispatch()},
      {"dispatch",
       Dispatch{1, kMax64, 2, SampleReadyValues(), SomeIds(2), SomeBytes(24), 5, true, 3}},
      {"ready_empty", Ready()},
      {"ready", Ready{SampleReadyValues()}},
      {"lease_granted_empty", LeaseGranted()},
      {"lease_granted", LeaseGranted{SampleLocation()}},
      {"lease_refused_empty", LeaseRefused()},
      {"lease_refused", LeaseRefused{SampleError(), kMax64}},
      {"wait_refused_empty", WaitRefused()},
      {"wait_refused", WaitRefused{SampleError(), 3, {}}},
      {"wait_refused_of_a_call", WaitRefused{SampleError(), 3, TaskId(4, kMax64)}},
      {"drop_chunk_empty", DropChunk()},
      {"drop_chunk", DropChunk{ChunkId(kMax32)}},
      {"actor_found_empty", ActorFound()},
      {"actor_found", ActorFound{1, ActorId(2, 3), "Counter"}},
      {"status_empty", StatusReport()},
      {"status", StatusReport{7, "3 workers\n2 tasks\n"}},
      {"streamed_empty", Streamed()},
      {"streamed", Streamed{SampleReadyValues()}},
      {"stream_demand_empty", StreamDemand()},
      {"stream_demand", StreamDemand{TaskId(1, kMax64), 2, true}},
      {"exit_empty", Exit()},
      {"exit", Exit{"the driver is gone"}},
      {"stop_task_empty", StopTask()},
      {"stop_task", StopTask{1, kMax64, SampleError()}},
      {"unpin_empty", Unpin()},
      {"unpin", Unpin{{{ObjectId(1, 2), 3}, {ObjectId(4, 5), kMax32}}}},
      {"recall", Recall()},
      {"unread_error_empty", UnreadError()},
      {"unread_error", UnreadError{SampleErrorWithStack()}},
      {"fetch_refused_empty", FetchRefused()},
      {"fetch_refused", FetchRefused{ObjectId(1, 2), SampleError()}},
      {"fetch_refused_with_a_stack", FetchRefused{ObjectId(1, 2), SampleErrorWithStack()}},
      {"memory_empty", MemoryReport()},
      {"memory", MemoryReport{.request = 1,
                              .cap = kMax64,
                              .object_bytes = 2,
                              .leased_bytes = 3,
                              .kept_bytes = 4,
                              .inline_bytes = 5,
                              .spilled_bytes = 6,
                              .object_count = 7,
                              .objects = {{.id = ObjectId(1, 2),
                                           .size = kMax64,
                                           .state = ObjectState::kSpilled,
                                           .holders = 1,
                                           .holds = 2,
                                           .pins = kMax32,
                                           .maker = "Train"},
                                          {}}}},
      {"finished_empty", Finished()},
      {"finished", Finished{kMax64}},
      {"taken_back_empty", TakenBack()},
      {"taken_back", TakenBack{{1, kMax64}}},
  };
}

Samples<ControlMessage> ControlMessageSamples() {
  Hello hello{.version = kMax32,
              .role = Role::kWorker,
              .nonce = kMax64,
              .pid = -2,
              .ring_bytes = 3,
              .build_id = SomeBytes(20),
              .executable = "a.out",
              .environment = {"HOME=/", "", "EMPTY="},
              .flags = {{"v", "1"}, {"", ""}},
              .job_name = "nightly",
              .job_weight = -4,
              .window = kMax32};
  Hello tool = hello;
  tool.role = Role::kTool;
  return {
      {"hello_driver", Hello()},
      {"hello_worker", hello},
      {"hello_tool", tool},
      {"welcome_empty", Welcome()},
      {"welcome", Welcome{.version = 2,
                          .client = ClientId(kMax64),
                          .job = JobId(kMax32),
                          .cpus = 4,
                          .store_bytes = kMax64 - 1,
                          .flags = {{"name", "value"}, {"no value", ""}}}},
      {"refused_empty", Refused()},
      {"refused", Refused{"another build"}},
      {"chunk_empty", ChunkNotice()},
      {"chunk", ChunkNotice{ChunkId(kMax32), kMax64, true}},
  };
}

}  // namespace troupe::wire
