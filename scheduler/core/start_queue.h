// StartQueue is the actors and placement groups that wait only for resources to exist at all, in
// the order in which they came.
//
// Problem: thousands may wait, and each event asks which is the first of all, and of each job.
// Complexity: O(1) but for Take(i): O(i). Not thread-safe.
#ifndef TROUPE_SCHEDULER_CORE_START_QUEUE_H_
#define TROUPE_SCHEDULER_CORE_START_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <utility>

#include "core/base/check.h"
#include "core/base/ids.h"

namespace troupe::scheduler {

class StartQueue {
 public:
  bool empty() const { return all_.empty(); }
  size_t size() const { return all_.size(); }
  ObjectId operator[](size_t i) const { return all_[i].first; }

  void Push(ObjectId start, JobId job) {
    all_.emplace_back(start, job);
    by_job_[job].push_back(start);
  }
  // Takes out the one at that place. REQUIRES: i < size().
  ObjectId Take(size_t i) {
    const auto [start, job] = all_[i];
    all_.erase(all_.begin() + static_cast<ptrdiff_t>(i));
    // There, at most as many are before it.
    const auto of_job = by_job_.find(job);
    const auto it = std::find(of_job->second.begin(), of_job->second.end(), start);
    of_job->second.erase(it);
    if (of_job->second.empty()) by_job_.erase(of_job);
    return start;
  }

  // f(JobId, const std::deque<ObjectId>&), for each job with those of it, none of which are empty.
  template <typename F>
  void ForEachJob(F f) const {
    for (const auto& [job, starts] : by_job_) f(job, starts);
  }

  void CheckInvariants() const {
    std::map<JobId, std::deque<ObjectId>> by_job;
    for (const auto& [start, job] : all_) by_job[job].push_back(start);
    TROUPE_CHECK(by_job == by_job_, "what waits to be started is not what waits of each job");
  }

 private:
  std::deque<std::pair<ObjectId, JobId>> all_;
  std::map<JobId, std::deque<ObjectId>> by_job_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_CORE_START_QUEUE_H_
