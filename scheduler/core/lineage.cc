#include "scheduler/core/lineage.h"

#include <algorithm>

#include "core/base/check.h"

namespace troupe::scheduler {
namespace {

template <typename T>
void KeepEachOnce(std::vector<T>* ids) {
  std::sort(ids->begin(), ids->end());
  ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
  ids->shrink_to_fit();
}

}  // namespace

size_t Lineage::Record::bytes() const {
  return sizeof(Record) + task->bytes() + needs.size() * sizeof(TaskId) +
         values.size() * sizeof(ObjectId);
}

Lineage::Standing Lineage::StandingOf(TaskId id) const {
  const auto it = tasks_.find(id);
  return it == tasks_.end() ? Standing::kUnknown : it->second.standing;
}

const Lineage::Record* Lineage::Find(TaskId id) const {
  const auto it = tasks_.find(id);
  return it == tasks_.end() ? nullptr : it->second.record.get();
}

std::unique_ptr<Task> Lineage::Awake(const Record& record) const {
  std::unique_ptr<Task> task = record.task->Awake(*codec_);
  task->state = Task::State::kWaiting;
  task->attempt = record.attempt;
  task->retries_left = record.retries_left;
  return task;
}

Lineage::Known& Lineage::Ended(const Task& task, Standing standing) {
  Known& known = tasks_[task.id];
  TROUPE_CHECK(known.record == nullptr, "a task that ends twice");
  if (known.standing == Standing::kUnknown) known.results = known.num_returns = task.num_returns;
  known.standing = standing;
  return known;
}

void Lineage::Keep(const Task& task, std::vector<TaskId> needs, const std::vector<Value>& values) {
  auto record = std::make_unique<Record>();
  record->task.reset(ParkedTask::New(task, task.spec.size(), codec_->Pack(task.spec.bytes())));
  record->attempt = task.attempt;
  record->retries_left = task.retries_left;
  record->age = next_age_++;
  for (const Value& value : values) record->values.push_back(value.id);
  KeepEachOnce(&needs);
  KeepEachOnce(&record->values);
  record->needs = std::move(needs);
  for (const TaskId need : record->needs) ++tasks_[need].needed_by;
  for (const Value& value : values) {
    if (values_.try_emplace(value.id, KeptValue{value.bytes, 0}).second) {
      kept_.push_back(value.id);
      bytes_ += value.bytes;
    }
  }
  for (const ObjectId value : record->values) ++values_.at(value).kept_by;
  bytes_ += record->bytes();
  by_age_.emplace(record->age, task.id);
  Ended(task, Standing::kKept).record = std::move(record);
  while (bytes_ > max_bytes_) Drop(&tasks_.at(by_age_.begin()->second), Standing::kDropped);
  ForgetUnneeded();
}

void Lineage::Refuse(const Task& task, Standing why) { Ended(task, why); }

void Lineage::RunAgain(TaskId id) {
  Drop(&tasks_.at(id), Standing::kRunsAgain);
  ForgetUnneeded();
}

void Lineage::ResultFreed(ObjectId id) {
  const auto it = tasks_.find(id.task());
  if (it == tasks_.end() || it->second.standing == Standing::kUnknown ||
      id.index() >= it->second.num_returns) {
    return;
  }
  TROUPE_CHECK(it->second.results > 0, "a result that was freed twice");
  if (--it->second.results == 0) unneeded_.push_back(id.task());
  ForgetUnneeded();
}

void Lineage::DropIf(absl::FunctionRef<bool(const QueuedTask&)> is_one) {
  std::vector<TaskId> found;
  for (const auto& [age, id] : by_age_) {
    if (is_one(*tasks_.at(id).record->task)) found.push_back(id);
  }
  for (const TaskId id : found) Drop(&tasks_.at(id), Standing::kJobEnded);
  ForgetUnneeded();
}

void Lineage::Drop(Known* known, Standing standing) {
  const std::unique_ptr<Record> record = std::exchange(known->record, nullptr);
  known->standing = standing;
  Release(*record);
}

void Lineage::Release(const Record& record) {
  bytes_ -= record.bytes();
  by_age_.erase(record.age);
  for (const TaskId need : record.needs) {
    if (--tasks_.at(need).needed_by == 0) unneeded_.push_back(need);
  }
  for (const ObjectId id : record.values) {
    const auto value = values_.find(id);
    if (--value->second.kept_by > 0) continue;
    bytes_ -= value->second.bytes;
    values_.erase(value);
    released_.push_back(id);
  }
}

void Lineage::ForgetUnneeded() {
  while (!unneeded_.empty()) {
    const TaskId id = unneeded_.back();
    unneeded_.pop_back();
    const auto it = tasks_.find(id);
    if (it == tasks_.end() || it->second.needed_by > 0 || it->second.results > 0) continue;
    const std::unique_ptr<Record> record = std::move(it->second.record);
    tasks_.erase(it);
    if (record != nullptr) Release(*record);
  }
}

void Lineage::CheckInvariants() const {
  absl::flat_hash_map<TaskId, uint32_t> needed;
  absl::flat_hash_map<ObjectId, uint32_t> kept;
  uint64_t bytes = 0;
  size_t records = 0;
  for (const auto& [id, known] : tasks_) {
    TROUPE_CHECK(known.needed_by > 0 || known.results > 0, "a task is known that nobody needs");
    TROUPE_CHECK((known.record != nullptr) == (known.standing == Standing::kKept),
                 "a task without a record that has one, or with one that has none");
    TROUPE_CHECK(known.results <= known.num_returns, "more results than the task has");
    if (known.record == nullptr) continue;
    ++records;
    bytes += known.record->bytes();
    const auto aged = by_age_.find(known.record->age);
    TROUPE_CHECK(aged != by_age_.end() && aged->second == id, "a record that has no age");
    for (const TaskId need : known.record->needs) ++needed[need];
    for (const ObjectId value : known.record->values) ++kept[value];
  }
  for (const auto& [id, known] : tasks_) {
    const auto it = needed.find(id);
    TROUPE_CHECK(known.needed_by == (it == needed.end() ? 0 : it->second),
                 "a task that is needed by another number of records");
  }
  for (const auto& [id, value] : values_) {
    const auto it = kept.find(id);
    TROUPE_CHECK(it != kept.end() && it->second == value.kept_by,
                 "a value that is kept by another number of records");
    bytes += value.bytes;
  }
  TROUPE_CHECK(records == by_age_.size() && kept.size() == values_.size(),
               "records or values that are listed and do not exist");
  TROUPE_CHECK(bytes == bytes_ && bytes <= max_bytes_, "bytes of lineage that do not add up");
}

}  // namespace troupe::scheduler
