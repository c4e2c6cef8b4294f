// The part of NodeSession that carries streams: items as they come, and the demand that holds the
// producer back.
#include <utility>

#include "core/base/check.h"
#include "worker/node_session.h"

namespace troupe::worker {

// A grant has come with it. Of a stream that was closed meanwhile, it goes back.
void NodeSession::TakeItem(const wire::ReadyValue& item) {
  references_.Granted(item.id);
  const auto it = incoming_streams_.find(item.id.task());
  if (it == incoming_streams_.end()) {
    references_.Settle(item.id);
    return;
  }
  references_.AddHandle(item.id);
  Learn(item);
  it->second.items.push_back(item.id);
}

std::variant<NodeSession::StreamNext, ErrorInfo> NodeSession::NextItem(TaskId task,
                                                                       int64_t deadline_nanos) {
  Lock lock(mutex_);
  const ObjectId end = task.Result(0);
  // The map may grow while we wait: nothing is kept of it.
  const auto has_item = [&] {
    const auto it = incoming_streams_.find(task);
    return it == incoming_streams_.end() || !it->second.items.empty();
  };
  const auto ended = [&] { return objects_.IsResolved(end); };
  const auto ready = [&] { return has_item() || ended(); };
  if (!ready()) {
    if (auto refusal = WaitLending(lock, {end}, ready, deadline_nanos)) return *std::move(refusal);
  }
  const auto it = incoming_streams_.find(task);
  if (it == incoming_streams_.end()) return StreamNext{};  // it was closed
  IncomingStream& stream = it->second;
  if (!stream.items.empty()) {
    const ObjectId item = stream.items.front();
    stream.items.pop_front();
    ++stream.taken;
    // The producer is told in time to go on, and not of each item.
    if ((stream.taken - stream.told) * 2 >= stream.window && !ended()) {
      stream.told = stream.taken;
      Send(wire::StreamDemand{task, stream.taken, false});
      FinishSending();
    }
    return StreamNext{StreamNext::What::kItem, item};
  }
  if (ended()) {
    objects_.LookAt(end);
    if (const ErrorInfo* error = objects_.FindError(end)) return *error;
    return StreamNext{};
  }
  if (death_.has_value()) return *death_;
  return StreamNext{StreamNext::What::kTimeout};
}

void NodeSession::CloseStream(TaskId task) {
  if (forked_) return;
  std::deque<ObjectId> unread;
  {
    const Lock lock(mutex_);
    const auto it = incoming_streams_.find(task);
    if (it == incoming_streams_.end()) return;
    unread = std::move(it->second.items);
    const uint32_t taken = it->second.taken;
    incoming_streams_.erase(it);
    if (!objects_.IsResolved(task.Result(0))) {
      Send(wire::StreamDemand{task, taken, true});
      FinishSending();
    }
  }
  for (const ObjectId id : unread) DropHandle(id);
}

void NodeSession::OpenProducer(TaskId task) {
  const Lock lock(mutex_);
  outgoing_streams_[task] = {};
}

std::variant<bool, ErrorInfo> NodeSession::Yield(const wire::StreamItem& item, uint32_t window) {
  Lock lock(mutex_);
  const auto may_send = [&] {
    const OutgoingStream& stream = outgoing_streams_[item.task];
    return stream.stopped || item.index < stream.consumed + window;
  };
  if (!reading_) {  // a demand that has come by now
    Receive(64);
    RequestStops(lock);
  }
  if (!may_send()) {
    if (auto refusal = WaitLending(lock, {}, may_send, kForever)) return *std::move(refusal);
  }
  if (death_.has_value()) return *death_;
  if (outgoing_streams_[item.task].stopped) return false;
  Send(item);
  SendReleases(1);
  FinishSending();
  Throttle(lock);
  return true;
}

void NodeSession::CloseProducer(TaskId task) {
  const Lock lock(mutex_);
  outgoing_streams_.erase(task);
}

}  // namespace troupe::worker
