// AsCompleted(refs) gives references in the order in which their values come, and each with its
// index; more may be added meanwhile.
//
//   for (auto [index, ref] : troupe::AsCompleted(refs)) Use(index, troupe::Get(ref));
//
//   auto pages = troupe::AsCompleted(std::move(first_pages));
//   for (auto [index, page] : pages)
//     for (const std::string& link : troupe::Get(page)) pages.Add(troupe::Task(Load).Remote(link));
//
// A reference whose task has failed comes, too: its Get throws. Each costs the same, however many
// are pending. The index counts from 0 in the order of the vector, then of Add. Throws
// DeadlineExceeded where the timeout of the whole iteration passes, and what Wait throws. In a
// task, waiting lends the CPU.   Not thread-safe.   After Dask's as_completed.
#ifndef TROUPE_SDK_AS_COMPLETED_H_
#define TROUPE_SDK_AS_COMPLETED_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sdk/get.h"
#include "sdk/internal/next_iterator.h"

namespace troupe {

namespace internal {

// Which of many objects came next, by tags.
class CompletionOrder {
 public:
  CompletionOrder() = default;
  CompletionOrder(const CompletionOrder&) = delete;
  CompletionOrder& operator=(const CompletionOrder&) = delete;
  ~CompletionOrder();

  // The caller keeps a handle on it until its tag has come.
  void Add(const Handle& handle, uint64_t tag);
  void Add(const std::shared_ptr<worker::Session>& session, const std::vector<ObjectId>& ids,
           uint64_t first_tag);
  // Waits; none where the deadline passed. Throws.
  std::optional<uint64_t> Next(int64_t deadline_nanos);

 private:
  std::shared_ptr<worker::Session> session_;
  worker::CompletionQueue queue_;
  std::vector<uint64_t> tags_;
  size_t next_ = 0;  // of tags_
};

}  // namespace internal

template <typename T>
struct Completed {
  size_t index = 0;
  ObjectRef<T> ref;
};

template <typename T>
class CompletedRefs {
 public:
  CompletedRefs(std::vector<ObjectRef<T>> refs, absl::Duration timeout)
      : refs_(std::make_move_iterator(refs.begin()), std::make_move_iterator(refs.end())),
        pending_(refs_.size()),
        timeout_(timeout),
        deadline_nanos_(internal::DeadlineAfter(timeout)) {
    std::vector<ObjectId> ids;
    ids.reserve(refs_.size());
    for (const ObjectRef<T>& ref : refs_) {
      if (!ref) internal::Throw(internal::NullRefError("AsCompleted"));
      ids.push_back(ref.id());
    }
    if (!refs_.empty()) order_.Add(refs_[0].handle().session(), ids, 0);
  }

  // The index under which it will come.
  size_t Add(ObjectRef<T> ref) {
    if (!ref) internal::Throw(internal::NullRefError("Add"));
    refs_.push_back(std::move(ref));
    order_.Add(refs_.back().handle(), refs_.size() - 1);
    ++pending_;
    return refs_.size() - 1;
  }
  // How many have not been given yet.
  size_t pending() const { return pending_; }
  // The next one; none where all were given.
  std::optional<Completed<T>> Next() {
    if (pending_ == 0) return std::nullopt;
    const std::optional<uint64_t> tag = order_.Next(deadline_nanos_);
    if (!tag.has_value()) {
      internal::Throw(ErrorKind::kDeadlineExceeded,
                      "AsCompleted: after " + internal::TimeoutText(timeout_) + " " +
                          std::to_string(pending_) + " values are not there; the tasks go on");
    }
    --pending_;
    return Completed<T>{static_cast<size_t>(*tag), std::move(refs_[*tag])};
  }

  // Once: what was given does not come again.
  auto begin() { return internal::NextIterator<CompletedRefs, Completed<T>>(this); }
  std::default_sentinel_t end() { return {}; }

 private:
  std::deque<ObjectRef<T>> refs_;  // those that were given are null
  size_t pending_;
  absl::Duration timeout_;
  int64_t deadline_nanos_;
  internal::CompletionOrder order_;
};

template <typename T>
[[nodiscard]] CompletedRefs<T> AsCompleted(std::vector<ObjectRef<T>> refs,
                                           absl::Duration timeout = absl::InfiniteDuration()) {
  return CompletedRefs<T>(std::move(refs), timeout);
}

}  // namespace troupe

#endif  // TROUPE_SDK_AS_COMPLETED_H_
