// Lists of workers that are in order, and found by how much they have to do, without memory of
// their own and in a time that does not grow with their number.
//
//   WorkerList<&Worker::place> idle;
//   idle.PushFront(worker);
//   WorkersByDepth<&Worker::place> busy;
//   busy.Insert(worker, worker->queue.size());
//   Worker* least = busy.Shallowest();
//
// A worker has a link for each list in which it may be at the same time. Who changes the length of
// its queue takes it out first and puts it back: the lists are told its depth, and do not look.
// REQUIRES of what takes out: it is in the list. Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_WORKER_LIST_H_
#define TROUPE_SCHEDULER_CORE_WORKER_LIST_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/limits.h"
#include "scheduler/core/worker.h"

namespace troupe::scheduler {

template <WorkerLink Worker::*kLink>
class WorkerList {
 public:
  bool empty() const { return front_ == nullptr; }
  Worker* front() const { return front_; }
  Worker* back() const { return back_; }
  static Worker* After(const Worker* worker) { return (worker->*kLink).next; }

  void PushFront(Worker* worker) {
    worker->*kLink = {nullptr, front_};
    (front_ == nullptr ? back_ : (front_->*kLink).previous) = worker;
    front_ = worker;
  }
  void PushBack(Worker* worker) {
    worker->*kLink = {back_, nullptr};
    (back_ == nullptr ? front_ : (back_->*kLink).next) = worker;
    back_ = worker;
  }
  void Erase(Worker* worker) {
    const WorkerLink link = worker->*kLink;
    (link.previous == nullptr ? front_ : (link.previous->*kLink).next) = link.next;
    (link.next == nullptr ? back_ : (link.next->*kLink).previous) = link.previous;
  }

 private:
  Worker* front_ = nullptr;
  Worker* back_ = nullptr;
};

template <WorkerLink Worker::*kLink>
class WorkersByDepth {
 public:
  using List = WorkerList<kLink>;
  static constexpr size_t kDepths = Limits::kDispatchDepth + 1;

  void Insert(Worker* worker, size_t depth) {
    lists_[depth].PushBack(worker);
    not_empty_ |= uint64_t{1} << depth;
  }
  void Erase(Worker* worker, size_t depth) {
    lists_[depth].Erase(worker);
    if (lists_[depth].empty()) not_empty_ &= ~(uint64_t{1} << depth);
  }

  bool empty() const { return not_empty_ == 0; }
  // Null where there is none. Of several, the one that has been so deep for longest.
  Worker* Shallowest() const {
    return not_empty_ == 0 ? nullptr : lists_[size_t(std::countr_zero(not_empty_))].front();
  }
  Worker* Deepest() const {
    return not_empty_ == 0 ? nullptr : lists_[size_t(std::bit_width(not_empty_)) - 1].front();
  }
  // Whether there is any that deep, or deeper.
  bool AnyFrom(size_t depth) const { return not_empty_ >> depth != 0; }
  const List& at(size_t depth) const { return lists_[depth]; }
  // That it knows which of its lists are empty.
  bool IsMarked() const {
    for (size_t depth = 0; depth < kDepths; ++depth) {
      if (lists_[depth].empty() == ((not_empty_ >> depth & 1) != 0)) return false;
    }
    return true;
  }

 private:
  static_assert(kDepths <= 64, "a bit for each");
  std::array<List, kDepths> lists_;
  uint64_t not_empty_ = 0;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_WORKER_LIST_H_
