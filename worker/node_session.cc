#include "worker/node_session.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/base/string_view.h"
#include "worker/warm_heap.h"

namespace troupe::worker {
namespace {

ErrorInfo Unavailable(std::string message) {
  return {.kind = ErrorKind::kUnavailable, .message = std::move(message)};
}

}  // namespace

std::optional<ErrorInfo> NodeSession::Submit(
    wire::TaskSpec& spec, absl::FunctionRef<void(objectstore::HandleCount*)> take) {
  Lock lock(mutex_);
  if (death_.has_value()) return *death_;
  if (!is_worker_ && spec.kind != wire::TaskKind::kActorCreation) {
    if (window_.full() && refuse_when_full_) {
      return ErrorInfo{.kind = ErrorKind::kResourceExhausted,
                       .message = absl::StrCat(window_.unfinished(),
                                               " tasks of this program are not done, and "
                                               "its submission_window is ",
                                               window_.window(), ": wait for some of them first")};
    }
    WaitUntil(
        lock, [this] { return !window_.full(); }, kForever);
    if (death_.has_value()) return *death_;
    window_.Submitted();
  }
  spec.id = TaskId::Make(client_, next_sequence_++);
  if (spec.kind == wire::TaskKind::kActorCall) spec.sequence = ++actor_sequences_[spec.actor];
  for (uint32_t i = 0; i < spec.num_returns; ++i) {
    objectstore::ObjectRecord* const result = references_.Take(spec.id.Result(i));
    objectstore::ObjectCache::Expect(result);
    take(result);
  }
  for (const wire::Argument& argument : spec.arguments) {
    if (const auto* object = std::get_if<ObjectId>(&argument.content)) {
      objects_.LookAt(*object);
    } else if (const auto* list = std::get_if<wire::Argument::Objects>(&argument.content)) {
      for (const ObjectId id : *list) objects_.LookAt(id);
    }
  }
  if (spec.stream_window > 0) incoming_streams_[spec.id].window = spec.stream_window;
  // Who submits and waits in turn has dropped the last result by now: one wake-up of the node for
  // both.
  if (std::exchange(has_led_, false)) SendReleases(1);
  Send(spec);
  FinishSending();
  Throttle(lock);
  return std::nullopt;
}

std::variant<size_t, ErrorInfo> NodeSession::Wait(std::span<const ObjectId> ids, size_t count,
                                                  int64_t deadline_nanos, bool until_error) {
  Lock lock(mutex_);
  std::vector<ObjectId> ask;
  bool failed = false;
  // Objects that were not there at the last look; ready ones are not looked at again.
  std::vector<ObjectId> pending;
  for (const ObjectId id : ids) {
    // Whoever asks for all of them is told of one error, and knows.
    if (until_error) objects_.LookAt(id);
    if (objects_.IsResolved(id)) {
      failed |= until_error && objects_.FindError(id) != nullptr;
      continue;
    }
    pending.push_back(id);
    if (objects_.Subscribe(id)) ask.push_back(id);
  }
  count = std::min(count, ids.size());
  const auto ready = [&] { return ids.size() - pending.size(); };
  // An error may be of an object that somebody else waits for: only then are ours looked at.
  uint64_t errors_seen = errors_learned_;
  const auto found_error = [&] {
    if (!until_error || failed) return failed;
    if (std::exchange(errors_seen, errors_learned_) == errors_learned_) return false;
    failed = std::any_of(pending.begin(), pending.end(),
                         [&](ObjectId id) { return objects_.FindError(id) != nullptr; });
    return failed;
  };
  const auto enough = [&] {
    if (ready() >= count) return true;
    // From the back: the order in which tasks were submitted is mostly that in which they finish.
    std::erase_if(pending, [&](ObjectId id) { return objects_.IsResolved(id); });
    return ready() >= count;
  };
  if (!ask.empty()) Send(wire::Subscribe{std::move(ask)});
  if (enough() || failed || deadline_nanos <= MonotonicNanos()) {
    FinishSending();
    // A poll sees what has come by now.
    if (ready() < count && !reading_) {
      Receive(1024);
      RequestStops(lock);
      enough();
    }
    return ready();
  }
  // Enough of them for the node to see what is waited for; a wait for all of many is one for these.
  constexpr size_t kNamed = 1024;
  const size_t named = std::min(pending.size(), kNamed);
  const uint64_t wait =
      BeginWait({pending.begin(), pending.begin() + static_cast<ptrdiff_t>(named)},
                std::min(named, count - ready()));
  // With many pending objects, looking at all of them after each message would be quadratic: only
  // one of them is watched.
  const auto watched = [&] {
    if (WaitRefused(wait) || Stopped() || found_error()) return true;
    if (pending.size() <= ids.size() - count) return true;
    if (count < ids.size()) return enough();
    while (!pending.empty() && objects_.IsResolved(pending.back())) pending.pop_back();
    return pending.empty();
  };
  // Whoever waits for long is told once for what.
  constexpr int64_t kPatienceNanos = 10'000'000'000;
  const int64_t patience = MonotonicNanos() + kPatienceNanos;
  if (!is_worker_ && deadline_nanos > patience) {
    if (!WaitUntil(lock, watched, patience) && !death_.has_value() && !pending.empty())
      AskWhy(pending.back());
  }
  WaitUntil(lock, watched, deadline_nanos);
  enough();
  const bool refused = WaitRefused(wait);
  EndWait(wait);
  if (ready() < count && Stopped()) return *running_->stopped;
  if (ready() < count && refused) return wait_refusal_->first;
  if (ready() < count && death_.has_value()) return *death_;
  return ready();
}

std::vector<bool> NodeSession::AreReady(std::span<const ObjectId> ids) {
  const Lock lock(mutex_);
  std::vector<bool> ready(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    ready[i] = objects_.IsResolved(ids[i]);
  }
  return ready;
}

std::optional<ErrorInfo> NodeSession::FirstError(std::span<const ObjectId> ids) {
  const Lock lock(mutex_);
  for (const ObjectId id : ids) {
    const ErrorInfo* error = objects_.FindError(id);
    if (error == nullptr) continue;
    objects_.LookAt(id);
    return *error;
  }
  return std::nullopt;
}

bool NodeSession::IsReady(ObjectId id) {
  const Lock lock(mutex_);
  return objects_.IsResolved(id);
}

std::variant<std::pair<ActorId, std::string>, ErrorInfo> NodeSession::FindActor(
    std::string_view name, int64_t deadline_nanos) {
  Lock lock(mutex_);
  const uint64_t request = next_request_++;
  Send(wire::FindActor{request, name});
  FinishSending();
  WaitUntil(
      lock, [&] { return found_actors_.contains(request); }, deadline_nanos);
  const auto it = found_actors_.find(request);
  if (it == found_actors_.end())
    return death_.has_value() ? *death_ : Unavailable("the node did not answer in time");
  std::pair<ActorId, std::string> found = std::move(it->second);
  found_actors_.erase(it);
  return found;
}

void NodeSession::Kill(ActorId actor, bool no_restart) {
  const Lock lock(mutex_);
  Send(wire::Kill{actor, no_restart});
  FinishSending();
}

void NodeSession::AskWhy(ObjectId id) {
  explanations_.push_back(next_request_);
  const std::string query = "why " + id.ToString();
  Send(wire::StatusRequest{next_request_++, query});
  FinishSending();
}

std::optional<ErrorInfo> NodeSession::SaveCheckpoint(std::string_view state) {
  auto space = Reserve(state.size());
  if (auto* error = std::get_if<ErrorInfo>(&space)) return std::move(*error);
  auto& memory = std::get<ValueSpace>(space);
  std::memcpy(memory.bytes().data(), state.data(), state.size());
  auto sealed = Seal(std::move(memory), {});
  if (auto* error = std::get_if<ErrorInfo>(&sealed)) return std::move(*error);
  const ObjectId id = std::get<objectstore::HandleCount*>(sealed)->id;
  {
    const Lock lock(mutex_);
    Send(wire::Checkpoint{id});
    FinishSending();
  }
  DropHandle(id);
  return std::nullopt;
}

void NodeSession::ExitActor() {
  const Lock lock(mutex_);
  Send(wire::ExitActor{});
  FinishSending();
}

void NodeSession::Cancel(ObjectId result, bool force, bool recursive) {
  const Lock lock(mutex_);
  Send(wire::Cancel{result, force, recursive});
  FinishSending();
}

void NodeSession::BeginRunning(RunningSlot* running) {
  const Lock lock(mutex_);
  if (death_.has_value()) running->stopped = death_;  // nobody will ask it to stop any more
  running_slots_.push_back(running);
  running_ = running;
  if (Tell(calls_.Begin())) FinishSending();
}

void NodeSession::EndRunning(RunningSlot* running, const wire::Complete* complete,
                             const wire::Dispatch& given) {
  Lock lock(mutex_);
  if (complete != nullptr) Send(*complete);
  std::erase(running_slots_, running);
  running_ = nullptr;
  DropGiven(given);
  SendReleases(1);  // with it, for one wake-up of the node
  // Of one that is suspended the node was told then.
  if (!running->suspended && !death_.has_value()) Tell(calls_.End());
  FinishSending();
  Throttle(lock);
}

// Whoever asks late has it stopped already: no code is tied to it yet.
std::stop_token NodeSession::StopToken(RunningSlot* running) {
  const Lock lock(mutex_);
  if (!running->stop.stop_possible()) {
    running->stop = std::stop_source();
    if (running->stopped.has_value()) running->stop.request_stop();
  }
  return running->stop.get_token();
}

// No bell: whoever waits rings it (WaitUntil), once for all that was sent.
uint64_t NodeSession::BeginWait(std::vector<ObjectId> ids, size_t needed) {
  if (!ShouldBlock()) return 0;
  const scheduler::RunningCalls::Wait wait = calls_.BeginWait(
      std::move(ids), needed,
      RunningHere() == nullptr ? scheduler::RunningCalls::kNoThread : running_->thread);
  Tell(wait.tell);
  return wait.number;
}

// No bell: the node is told with the next message, or when the I/O thread looks.
void NodeSession::EndWait(uint64_t wait) {
  if (wait == 0) return;
  Tell(calls_.EndWait(wait));
  ArmTimer();
}

bool NodeSession::Tell(const scheduler::RunningCalls::Tell& tell) {
  if (!tell.has_value()) return false;
  std::visit([this](const auto& message) { Send(message); }, *tell);
  return true;
}

std::vector<std::string> NodeSession::RunningTasks() {
  const Lock lock(mutex_);
  std::vector<std::string> names;
  for (const RunningSlot* running : running_slots_) {
    const absl::StatusOr<wire::ClientMessage> message = wire::DecodeClientMessage(running->spec);
    if (!message.ok()) continue;
    if (const auto* spec = std::get_if<wire::TaskSpec>(&*message)) names.emplace_back(spec->name);
  }
  return names;
}

void NodeSession::RequestStops(Lock& lock) {
  if (stops_.empty()) return;
  std::vector<std::stop_source> stops = std::exchange(stops_, {});
  lock.unlock();
  for (std::stop_source& stop : stops) stop.request_stop();
  lock.lock();
}

std::optional<Session::Work> NodeSession::NextWork() {
  Lock lock(mutex_);
  // What this process owes goes out before it sleeps.
  SendReleases(1);
  FinishSending();
  std::deque<uint64_t>& suspended = suspended_.ready_;
  const auto has_work = [&] { return !tasks_.empty() || !suspended.empty() || exit_asked_; };
  if (heap_is_warm_ && !WaitUntil(lock, has_work, MonotonicNanos() + kWarmHeapNanos)) {
    lock.unlock();
    GiveBackHeap();
    lock.lock();
    heap_is_warm_ = false;
  }
  WaitUntil(lock, has_work, kForever);
  if (death_.has_value()) return std::nullopt;
  heap_is_warm_ = !is_thread_;
  suspended_had_turn_ = !suspended.empty() && (tasks_.empty() || !suspended_had_turn_);
  if (suspended_had_turn_) {
    auto* running = reinterpret_cast<RunningSlot*>(suspended.front());
    suspended.pop_front();
    running->suspended = false;
    return running;
  }
  if (tasks_.empty()) return std::nullopt;
  DispatchedTask task = std::move(tasks_.front());
  tasks_.pop_front();
  return task;
}

bool NodeSession::Suspend(RunningSlot* running, ObjectId awaits) {
  const Lock lock(mutex_);
  if (death_.has_value() || running->stopped.has_value() || objects_.IsResolved(awaits))
    return false;
  running_ = nullptr;
  running->suspended = true;
  running->awaits = awaits;
  ++running->suspensions;
  watchers_[awaits].push_back({&suspended_, reinterpret_cast<uint64_t>(running)});
  if (objects_.Subscribe(awaits)) Send(wire::Subscribe{{awaits}});
  Send(wire::Suspend{running->task, running->attempt, running->slot, awaits, running->thread});
  Tell(calls_.Suspend());
  FinishSending();
  return true;
}

std::optional<ErrorInfo> NodeSession::Resume(RunningSlot* running) {
  const Lock lock(mutex_);
  running_ = running;
  Send(wire::Resume{running->task, running->attempt, running->slot});
  if (Tell(calls_.Resume())) FinishSending();
  return std::exchange(running->refused, std::nullopt);
}

void NodeSession::Stop(RunningSlot* running, ErrorInfo why) {
  running->stopped = std::move(why);
  if (running->stop.stop_possible()) stops_.push_back(running->stop);
  WakeSuspended(running);
}

void NodeSession::StopAll(const ErrorInfo& why) {
  for (RunningSlot* running : running_slots_) {
    if (!running->stopped.has_value()) Stop(running, why);
  }
}

void NodeSession::WakeSuspended(RunningSlot* running) {
  const auto tag = reinterpret_cast<uint64_t>(running);
  const auto it = running->suspended ? watchers_.find(running->awaits) : watchers_.end();
  // Where it is not there, the call goes on already.
  if (it == watchers_.end() || std::erase_if(it->second, [&](const Watcher& watcher) {
                                 return watcher.queue == &suspended_ && watcher.tag == tag;
                               }) == 0) {
    return;
  }
  if (it->second.empty()) watchers_.erase(it);
  suspended_.ready_.push_back(tag);
}

bool NodeSession::TryBegin(const wire::Dispatch& dispatch) {
  return dispatch.slot < static_cast<uint32_t>(Limits::kStateWords) &&
         channel_->task_word(dispatch.slot).TryBegin(dispatch.generation);
}

std::optional<ErrorInfo> NodeSession::death() {
  const Lock lock(mutex_);
  return death_;
}

void NodeSession::Sent(const absl::Status& status) {
  if (!status.ok())
    Die(Unavailable(absl::StrCat("sending to the node: ", ToAbsl(ToStd(status.message())))));
}

void NodeSession::SendReleases(size_t at_least) {
  if (references_.release_count() < at_least || !references_.has_releases()) return;
  wire::Release message;
  message.grants.reserve(references_.release_count());
  for (const auto& release : references_.TakeReleases())
    message.grants.push_back({release.id, release.count, release.unread});
  Send(message);
}

void NodeSession::FinishSending() {
  if (!death_.has_value()) channel_->RingPeer();
}

void NodeSession::DropGiven(const wire::Dispatch& given) {
  for (const wire::ReadyValue& value : given.values) {
    if (!wire::IsCopy(value)) DropHandleLocked(value.id);
  }
  for (const ObjectId id : given.refs) DropHandleLocked(id);
}

// The frame leaves the ring: the task may have to wait for the one before it.
absl::Status NodeSession::TakeDispatch(wire::Bytes bytes) {
  DispatchedTask& task = tasks_.emplace_back();
  task.frame.resize(bytes.size() / sizeof(uint64_t));
  std::memcpy(task.frame.data(), bytes.data(), bytes.size());
  if (absl::Status status =
          wire::DecodeDispatch(std::as_bytes(std::span(task.frame)), &task.dispatch);
      !status.ok()) {
    tasks_.pop_back();
    return status;
  }
  for (const wire::ReadyValue& value : task.dispatch.values) {
    if (wire::IsCopy(value)) continue;
    references_.Take(value.id);
    Learn(value);
  }
  for (const ObjectId id : task.dispatch.refs) references_.Take(id);
  return absl::OkStatus();
}

absl::Status NodeSession::Handle(wire::Bytes bytes) {
  if (wire::LooksLikeDispatch(bytes)) return TakeDispatch(bytes);
  absl::StatusOr<wire::NodeMessage> message = wire::DecodeNodeMessage(bytes);
  if (!message.ok()) return message.status();
  if (const auto* ready = std::get_if<wire::Ready>(&*message)) {
    for (const wire::ReadyValue& value : ready->values) Learn(value);
  } else if (std::holds_alternative<wire::Dispatch>(*message)) {
    return TakeDispatch(bytes);
  } else if (const auto* taken_back = std::get_if<wire::TakenBack>(&*message)) {
    DropFrames(taken_back->generations);
  } else if (const auto* unread = std::get_if<wire::UnreadError>(&*message)) {
    TellUnread(unread->error);
  } else if (const auto* streamed = std::get_if<wire::Streamed>(&*message)) {
    for (const wire::ReadyValue& value : streamed->values) TakeItem(value);
  } else if (const auto* demand = std::get_if<wire::StreamDemand>(&*message)) {
    if (const auto it = outgoing_streams_.find(demand->task); it != outgoing_streams_.end()) {
      it->second = {std::max(it->second.consumed, demand->consumed),
                    it->second.stopped || demand->stopped};
    }
  } else if (const auto* lease = std::get_if<wire::LeaseGranted>(&*message)) {
    fresh_leases_.push_back(lease->space);
    carver_.Granted(lease->space);
  } else if (auto* refused = std::get_if<wire::LeaseRefused>(&*message)) {
    carver_.Refused(refused->bytes, std::move(refused->error));
  } else if (std::holds_alternative<wire::Recall>(*message)) {
    ReturnLeases(carver_.TakeAll());
    chunks_.ForgetPrepared();
  } else if (const auto* unpin = std::get_if<wire::Unpin>(&*message)) {
    AnswerUnpin(*unpin);
  } else if (const auto* memory = std::get_if<wire::MemoryReport>(&*message)) {
    std::vector<uint64_t>& frame = memory_reports_[memory->request];
    frame.resize(bytes.size() / sizeof(uint64_t));
    std::memcpy(frame.data(), bytes.data(), bytes.size());
  } else if (auto* no_fetch = std::get_if<wire::FetchRefused>(&*message)) {
    objects_.FetchRefused(no_fetch->id);
    if (references_.Holds(no_fetch->id)) fetch_refusals_[no_fetch->id] = std::move(no_fetch->error);
  } else if (auto* wait = std::get_if<wire::WaitRefused>(&*message)) {
    if (wait->task.is_null()) {
      wait_refusal_.emplace(std::move(wait->error), wait->wait);
      return absl::OkStatus();
    }
    for (RunningSlot* running : running_slots_) {
      if (!running->suspended || running->task != wait->task || running->suspensions != wait->wait)
        continue;
      running->refused = std::move(wait->error);
      WakeSuspended(running);
    }
  } else if (auto* stop = std::get_if<wire::StopTask>(&*message)) {
    for (RunningSlot* running : running_slots_) {
      if (running->slot != stop->slot || running->generation != stop->generation) continue;
      Stop(running, std::move(stop->error));
    }
  } else if (const auto* drop = std::get_if<wire::DropChunk>(&*message)) {
    FetchDescriptors();  // its own may still be under way
    chunks_.Drop(drop->chunk);
  } else if (const auto* found = std::get_if<wire::ActorFound>(&*message)) {
    if (!found->actor.is_null()) {
      references_.Take(found->actor);
    }
    found_actors_[found->request] = {found->actor, std::string(found->type_name)};
  } else if (const auto* finished = std::get_if<wire::Finished>(&*message)) {
    window_.Finished(finished->count);
  } else if (const auto* report = std::get_if<wire::StatusReport>(&*message)) {
    if (std::erase(explanations_, report->request) > 0) {
      std::fprintf(stderr, "troupe: a Get or Wait has taken 10 s so far:\n%.*s",
                   static_cast<int>(report->text.size()), report->text.data());
    }
  } else if (const auto* exit = std::get_if<wire::Exit>(&*message)) {
    exit_asked_ = true;
    for (RunningSlot* running : running_slots_)
      Stop(running, {.kind = ErrorKind::kCancelled, .message = "its process is to end"});
    if (!is_worker_) Die(Unavailable(std::string(exit->reason)));
  }
  return absl::OkStatus();
}

// What came with dispatches that will never begin goes back before the executor comes to them.
void NodeSession::DropFrames(const std::vector<uint64_t>& generations) {
  for (const uint64_t generation : generations) {
    const auto it = std::find_if(tasks_.begin(), tasks_.end(), [&](const DispatchedTask& task) {
      return task.dispatch.generation == generation;
    });
    if (it == tasks_.end()) continue;  // the executor has come to it
    DropGiven(it->dispatch);
    tasks_.erase(it);
  }
}

void NodeSession::Learn(const wire::ReadyValue& ready) {
  if (!references_.Holds(ready.id)) return;  // released meanwhile
  objectstore::ObjectCache::Content content;
  if (const auto* bytes = std::get_if<wire::Bytes>(&ready.value.content)) {
    if (objects_.IsKnown(ready.id)) return;
    content = *bytes;
  } else if (const auto* location = std::get_if<Location>(&ready.value.content)) {
    content = *location;
    if (!chunks_.Has(location->chunk, objectstore::Mapping::Access::kRead)) FetchDescriptors();
  } else if (const auto* error = std::get_if<ErrorInfo>(&ready.value.content)) {
    content = objectstore::ObjectCache::Error(*error);
    ++errors_learned_;
  } else if (std::holds_alternative<wire::Pending>(ready.value.content)) {
    return;  // it is asked for when somebody waits
  }
  objects_.Learn(ready.id, std::move(content), ready.value.refs);
  if (!watchers_.empty()) TellWatchers(ready.id);
}

void NodeSession::Die(ErrorInfo error) {
  if (death_.has_value()) return;
  death_ = std::move(error);
  followers_cv_.notify_all();
  callbacks_cv_.notify_all();
}

}  // namespace troupe::worker
