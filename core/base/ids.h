// Ids of everything that crosses a process boundary.
//
// Problem: a driver must be able to name the result of a task before anybody else has heard of it,
// without asking the node and without ever colliding with another process's names. An ObjectId
// therefore holds the number of the client that made it (given by the node in the handshake), the
// client's own sequence number, and an index for the several results of one task. A TaskId is the
// ObjectId of the task's first result; an ActorId is the ObjectId of its creation. No id carries a
// machine's address: an object may move.
//
// Layout: hi = client << kIndexBits | index, lo = sequence (starting at 1). The zero id names
// nothing. Thread-safety: values; freely copied.
//
//   TaskId task = TaskId::Make(ClientId(7), 42);
//   ObjectId second_result = task.Result(1);
//   CHECK(second_result.task() == task);
//
// After Ray's TaskID / ObjectID, which embed the maker in the same way.
#ifndef TROUPE_CORE_BASE_IDS_H_
#define TROUPE_CORE_BASE_IDS_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace troupe {

// The number of one channel to the node: a driver or a worker. Never used twice by one node. At
// most 40 bits.
enum class ClientId : uint64_t { kNone = 0 };

class TaskId;

class ObjectId {
 public:
  static constexpr int kIndexBits = 24;
  static constexpr uint32_t kMaxIndex = (1u << kIndexBits) - 1;

  constexpr ObjectId() = default;
  constexpr ObjectId(uint64_t hi, uint64_t lo) : hi_(hi), lo_(lo) {}
  static constexpr ObjectId Make(ClientId client, uint64_t sequence, uint32_t index = 0) {
    return ObjectId(static_cast<uint64_t>(client) << kIndexBits | index, sequence);
  }

  constexpr uint64_t hi() const { return hi_; }
  constexpr uint64_t lo() const { return lo_; }
  constexpr ClientId client() const { return ClientId(hi_ >> kIndexBits); }
  constexpr uint64_t sequence() const { return lo_; }
  constexpr uint32_t index() const { return static_cast<uint32_t>(hi_) & kMaxIndex; }
  constexpr bool is_null() const { return lo_ == 0; }
  // The task whose result this is (for a Put value: an id that no task has).
  constexpr TaskId task() const;

  // "o-7.42" or, for a further result, "o-7.42.1".
  std::string ToString() const;

  friend constexpr auto operator<=>(const ObjectId&, const ObjectId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ObjectId& id) {
    return H::combine(std::move(h), id.hi_, id.lo_);
  }

 private:
  uint64_t hi_ = 0;
  uint64_t lo_ = 0;
};

class TaskId {
 public:
  constexpr TaskId() = default;
  constexpr TaskId(uint64_t hi, uint64_t lo) : first_(hi, lo) {}
  static constexpr TaskId Make(ClientId client, uint64_t sequence) {
    return TaskId(ObjectId::Make(client, sequence).hi(), sequence);
  }

  constexpr uint64_t hi() const { return first_.hi(); }
  constexpr uint64_t lo() const { return first_.lo(); }
  constexpr ClientId client() const { return first_.client(); }
  constexpr bool is_null() const { return first_.is_null(); }
  // The id of the task's result number `index`.
  constexpr ObjectId Result(uint32_t index) const {
    return ObjectId(first_.hi() | index, first_.lo());
  }

  // "t-7.42".
  std::string ToString() const;

  friend constexpr auto operator<=>(const TaskId&, const TaskId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const TaskId& id) {
    return H::combine(std::move(h), id.first_);
  }

 private:
  ObjectId first_;
};

constexpr TaskId ObjectId::task() const { return TaskId(hi_ & ~uint64_t{kMaxIndex}, lo_); }

// An actor is named by the ObjectId of its creation: handles are counted by the same protocol as
// references.
using ActorId = ObjectId;

// One connection of a driver. Workers never serve two jobs.
enum class JobId : uint32_t { kNone = 0 };

// A piece of shared memory that the node owns; unique within a node's life.
enum class ChunkId : uint32_t { kNone = 0 };

// "c-7".
std::string ToString(ClientId id);

}  // namespace troupe

template <>
struct std::hash<troupe::ObjectId> {
  size_t operator()(const troupe::ObjectId& id) const {
    return static_cast<size_t>((id.lo() ^ (id.hi() * 0x9E3779B97F4A7C15u)) * 0xFF51AFD7ED558CCDu);
  }
};

#endif  // TROUPE_CORE_BASE_IDS_H_
