#include "objectstore/table/residency.h"

#include <algorithm>

#include "core/base/check.h"

namespace troupe::objectstore {

namespace {

bool IsOut(Residency::Standing standing) {
  return standing == Residency::Standing::kAway || standing == Residency::Standing::kRestoring;
}

}  // namespace

void Residency::Add(ObjectId id, const Location& location, ClientId sealer, std::string maker) {
  auto [it, inserted] = records_.try_emplace(id);
  TROUPE_CHECK(inserted && location.size > 0, "an object is stored twice");
  Record& record = it->second;
  record.place = location;
  record.size = location.size;
  record.maker = std::move(maker);
  if (sealer != ClientId::kNone) AddPin(record, sealer);
  record.order = next_order_++;
  by_use_.emplace(record.order, id);
}

void Residency::AddPin(Record& record, ClientId client) {
  const uint32_t serial = record.next_serial++;
  for (Record::Pin& pin : record.pins) {
    if (pin.client != client) continue;
    pin = {client, serial};
    return;
  }
  record.pins.push_back({client, serial});
}

void Residency::SetStanding(ObjectId id, Record& record, Standing standing) {
  if (record.standing == Standing::kCandidate) by_use_.erase(record.order);
  if (record.standing == Standing::kAsked) asked_bytes_ -= record.size;
  if (record.standing == Standing::kSpilling) spilling_bytes_ -= record.size;
  if (IsOut(record.standing)) away_sizes_.erase(away_sizes_.find(record.size));
  record.standing = standing;
  if (IsOut(standing)) away_sizes_.insert(record.size);
  if (standing == Standing::kCandidate) by_use_.emplace(record.order, id);
  if (standing == Standing::kAsked) asked_bytes_ += record.size;
  if (standing == Standing::kSpilling) spilling_bytes_ += record.size;
}

void Residency::Forget(Records::iterator it) {
  SetStanding(it->first, it->second, Standing::kAway);
  away_sizes_.erase(away_sizes_.find(it->second.size));
  records_.erase(it);
}

void Residency::Use(ObjectId id, Record& record) {
  const bool clean = record.in_memory() && record.has_copy;
  if (clean) clean_.erase(record.order);
  if (record.standing == Standing::kCandidate) by_use_.erase(record.order);
  record.order = next_order_++;
  if (record.standing == Standing::kCandidate) by_use_.emplace(record.order, id);
  if (clean) clean_.emplace(record.order, id);
}

void Residency::Told(ObjectId id, ClientId client) {
  Record& record = records_.at(id);
  TROUPE_CHECK(record.in_memory(), "a place is told where nothing is");
  AddPin(record, client);
  Use(id, record);
  if (record.standing != Standing::kSpilling) SetStanding(id, record, Standing::kCandidate);
}

void Residency::DropPin(ObjectId id, ClientId client) {
  const auto it = records_.find(id);
  if (it == records_.end()) return;
  Record& record = it->second;
  std::erase(record.wanted_by, client);
  const auto pin = std::find_if(record.pins.begin(), record.pins.end(),
                                [&](const Record::Pin& p) { return p.client == client; });
  if (pin == record.pins.end()) return;
  record.pins.erase(pin);
  SettleAsked(id, record);
}

// What follows from an answer, or from a pin that is gone.
void Residency::SettleAsked(ObjectId id, Record& record) {
  if (record.standing != Standing::kAsked && record.standing != Standing::kHeld) return;
  bool waiting = false, refused = false;
  for (const Record::Pin& pin : record.pins) {
    waiting |= pin.asked && !pin.refused;
    refused |= pin.refused;
  }
  const Standing standing = refused   ? Standing::kHeld
                            : waiting ? Standing::kAsked
                                      : Standing::kCandidate;
  if (standing != record.standing) SetStanding(id, record, standing);
}

void Residency::AskPins(ObjectId id, Record& record, std::vector<Question>* asked) {
  bool refused = false;
  for (Record::Pin& pin : record.pins) {
    if (!std::exchange(pin.asked, true)) {
      questions_.Ask(pin.client, id, pin.serial);
      asked->push_back({pin.client, id, pin.serial});
    }
    refused |= pin.refused;
  }
  SetStanding(id, record, refused ? Standing::kHeld : Standing::kAsked);
}

std::vector<Residency::Question> Residency::Ask(ObjectId id) {
  Record& record = records_.at(id);
  TROUPE_CHECK(record.in_memory(), "a place is asked for where nothing is");
  std::vector<Question> questions;
  if (!record.pins.empty() && record.standing != Standing::kSpilling)
    AskPins(id, record, &questions);
  return questions;
}

Residency::Plan Residency::Choose(uint64_t bytes, bool may_write) {
  Plan plan;
  uint64_t left = 0;
  const auto consider = [&](ObjectId id) {
    Record& record = records_.at(id);
    if (record.pins.empty() && record.has_copy) {
      left += record.size;
      plan.leave.emplace_back(id, record.place);
      clean_.erase(record.order);
      SetStanding(id, record, Standing::kAway);
      record.place = {};
    } else if (record.pins.empty()) {
      plan.spill.push_back(id);
      SetStanding(id, record, Standing::kSpilling);
    } else {
      AskPins(id, record, &plan.ask);
    }
  };
  if (may_write) {
    for (auto it = by_use_.begin(); it != by_use_.end() && leaving_bytes() + left < bytes;) {
      const ObjectId id = (it++)->second;
      consider(id);
    }
  } else {
    for (auto it = clean_.begin(); it != clean_.end() && leaving_bytes() + left < bytes;) {
      const ObjectId id = (it++)->second;
      if (records_.at(id).standing == Standing::kCandidate) consider(id);
    }
  }
  return plan;
}

bool Residency::Answer(ClientId client, ObjectId id, uint32_t serial, bool agreed) {
  if (!questions_.Answer(client, id, serial, agreed)) return false;
  const auto it = records_.find(id);
  if (it == records_.end()) return true;
  Record& record = it->second;
  const auto pin = std::find_if(record.pins.begin(), record.pins.end(), [&](const Record::Pin& p) {
    return p.client == client && p.serial == serial && p.asked;
  });
  if (pin == record.pins.end()) return true;  // it was told again meanwhile
  if (agreed) {
    record.pins.erase(pin);
  } else {
    pin->refused = true;
    pin->silent = false;
  }
  SettleAsked(id, record);
  return true;
}

std::set<ClientId> Residency::GiveUpAnswers() {
  std::set<ClientId> silent;
  for (auto& [id, record] : records_) {
    if (record.standing != Standing::kAsked) continue;
    for (Record::Pin& pin : record.pins) {
      if (!pin.asked || pin.refused) continue;
      pin.refused = pin.silent = true;
      silent.insert(pin.client);
    }
    SetStanding(id, record, Standing::kHeld);
  }
  return silent;
}

bool Residency::OwesAnAnswer(ClientId client) const {
  return std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
    const auto& pins = entry.second.pins;
    return std::any_of(pins.begin(), pins.end(),
                       [&](const Record::Pin& pin) { return pin.client == client && pin.silent; });
  });
}

void Residency::Spilling(ObjectId id, const SpillSlot& slot) {
  Record& record = records_.at(id);
  TROUPE_CHECK(record.standing == Standing::kSpilling && !record.has_copy,
               "an object is written that is not to be");
  record.copy.slot = slot;
}

void Residency::NotSpilled(ObjectId id) {
  Record& record = records_.at(id);
  TROUPE_CHECK(record.standing == Standing::kSpilling, "an object stays that was not to leave");
  SetStanding(id, record, Standing::kCandidate);
}

SpillSlot Residency::SlotOf(ObjectId id) const {
  const Record& record = records_.at(id);
  TROUPE_CHECK(record.standing == Standing::kSpilling, "the slot of what is not being written");
  return record.copy.slot;
}

Residency::Outcome Residency::Spilled(ObjectId id, bool written, uint64_t checksum,
                                      uint64_t saved_bytes) {
  const auto it = records_.find(id);
  TROUPE_CHECK(it != records_.end() && it->second.standing == Standing::kSpilling,
               "an object was written that is not known");
  Record& record = it->second;
  TROUPE_CHECK(saved_bytes < record.copy.slot.size, "nothing was written");
  record.copy.slot.size -= saved_bytes;
  Outcome outcome;
  if (record.removed) {
    outcome.free_place = record.place;
    outcome.free_slot = record.copy.slot;
    Forget(it);
    return outcome;
  }
  if (!written) {
    outcome.free_slot = std::exchange(record.copy.slot, {});
    SetStanding(id, record, Standing::kCandidate);
    return outcome;
  }
  record.copy.checksum = checksum;
  record.has_copy = true;
  if (record.pins.empty()) {
    outcome.free_place = std::exchange(record.place, {});
    outcome.away = true;
    SetStanding(id, record, Standing::kAway);
  } else {
    clean_.emplace(record.order, id);
    SetStanding(id, record, Standing::kCandidate);
  }
  return outcome;
}

bool Residency::Want(ObjectId id, ClientId client) {
  Record& record = records_.at(id);
  TROUPE_CHECK(!record.in_memory(), "an object is wanted back that is there");
  if (std::find(record.wanted_by.begin(), record.wanted_by.end(), client) ==
      record.wanted_by.end()) {
    record.wanted_by.push_back(client);
  }
  if (record.standing == Standing::kRestoring) return false;
  SetStanding(id, record, Standing::kRestoring);
  return true;
}

SpilledCopy Residency::Restoring(ObjectId id, const Location& place) {
  Record& record = records_.at(id);
  TROUPE_CHECK(
      record.standing == Standing::kRestoring && !record.reading && place.size == record.size,
      "an object is read back that nobody wants");
  record.reading = true;
  return record.copy;
}

Residency::Restored Residency::RestoreEnded(ObjectId id, const Location& place, Reading reading) {
  const auto it = records_.find(id);
  TROUPE_CHECK(it != records_.end() && it->second.reading, "an object was read that is not known");
  Record& record = it->second;
  Restored restored;
  restored.freed = record.removed;
  restored.wanted_by = std::exchange(record.wanted_by, {});
  record.reading = false;
  if (record.removed || reading == Reading::kLost) {
    restored.free_slot = record.copy.slot;
    Forget(it);
    return restored;
  }
  if (reading == Reading::kNoMemory) {
    SetStanding(id, record, Standing::kAway);
    return restored;
  }
  record.place = place;
  record.order = next_order_++;
  clean_.emplace(record.order, id);
  for (const ClientId client : restored.wanted_by) AddPin(record, client);
  SetStanding(id, record, Standing::kCandidate);
  return restored;
}

std::vector<ClientId> Residency::GiveUpWaiting(ObjectId id) {
  Record& record = records_.at(id);
  TROUPE_CHECK(record.standing == Standing::kRestoring && !record.reading,
               "waiting is given up for what is on its way");
  SetStanding(id, record, Standing::kAway);
  return std::exchange(record.wanted_by, {});
}

Residency::Outcome Residency::Remove(ObjectId id) {
  const auto it = records_.find(id);
  TROUPE_CHECK(it != records_.end() && !it->second.removed, "an object is freed twice");
  Record& record = it->second;
  Outcome outcome;
  if (record.standing == Standing::kSpilling || record.reading) {
    record.removed = true;
    record.pins.clear();
    record.wanted_by.clear();
    return outcome;
  }
  if (record.in_memory()) {
    outcome.free_place = record.place;
    if (record.has_copy) clean_.erase(record.order);
  }
  if (record.has_copy) outcome.free_slot = record.copy.slot;
  Forget(it);
  return outcome;
}

std::optional<SpillSlot> Residency::TakeCleanCopy() {
  if (clean_.empty()) return std::nullopt;
  const auto last = std::prev(clean_.end());
  Record& record = records_.at(last->second);
  clean_.erase(last);
  record.has_copy = false;
  return std::exchange(record.copy, {}).slot;
}

const Residency::Record* Residency::Find(ObjectId id) const {
  const auto it = records_.find(id);
  return it == records_.end() || it->second.removed ? nullptr : &it->second;
}

bool Residency::InMemory(ObjectId id) const {
  const Record* record = Find(id);
  return record != nullptr && record->in_memory();
}

void Residency::CheckInvariants() const {
  size_t candidates = 0, clean = 0, away = 0;
  uint64_t asked = 0, spilling = 0;
  for (const auto& [id, record] : records_) {
    TROUPE_CHECK(record.in_memory() || record.has_copy, "an object that is nowhere");
    TROUPE_CHECK(record.pins.empty() || record.in_memory(), "a pin on what is not in memory");
    const bool out = IsOut(record.standing);
    away += out ? 1 : 0;
    TROUPE_CHECK(out != record.in_memory(), "a standing that contradicts the place");
    TROUPE_CHECK(record.wanted_by.empty() || record.standing == Standing::kRestoring,
                 "somebody waits for what is not being read");
    if (record.standing == Standing::kCandidate) {
      const auto it = by_use_.find(record.order);
      TROUPE_CHECK(it != by_use_.end() && it->second == id, "a candidate that cannot be found");
      ++candidates;
    }
    if (record.in_memory() && record.has_copy) {
      const auto it = clean_.find(record.order);
      TROUPE_CHECK(it != clean_.end() && it->second == id, "a clean object that cannot be found");
      ++clean;
    }
    if (record.standing == Standing::kAsked) {
      asked += record.size;
      TROUPE_CHECK(std::any_of(record.pins.begin(), record.pins.end(),
                               [](const Record::Pin& p) { return p.asked && !p.refused; }),
                   "an answer is awaited that nobody owes");
    }
    if (record.standing == Standing::kHeld) {
      TROUPE_CHECK(std::any_of(record.pins.begin(), record.pins.end(),
                               [](const Record::Pin& p) { return p.refused; }),
                   "an object is held that nobody holds");
    }
    if (record.standing == Standing::kSpilling) spilling += record.size;
  }
  TROUPE_CHECK(candidates == by_use_.size() && clean == clean_.size() && away == away_sizes_.size(),
               "objects that are listed and do not exist");
  TROUPE_CHECK(asked == asked_bytes_ && spilling == spilling_bytes_,
               "bytes under way that do not add up");
}

}  // namespace troupe::objectstore
