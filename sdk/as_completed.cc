#include "sdk/as_completed.h"

namespace troupe::internal {

CompletionOrder::~CompletionOrder() {
  if (session_ != nullptr) session_->Unwatch(&queue_);
}

void CompletionOrder::Add(const Handle& handle, uint64_t tag) {
  session_ = handle.session();
  session_->Watch(&queue_, handle.id(), tag);
}

void CompletionOrder::Add(const std::shared_ptr<worker::Session>& session,
                          const std::vector<ObjectId>& ids, uint64_t first_tag) {
  session_ = session;
  session_->Watch(&queue_, ids, first_tag);
}

std::optional<uint64_t> CompletionOrder::Next(int64_t deadline_nanos) {
  if (next_ == tags_.size()) {
    tags_.clear();
    next_ = 0;
    auto error = session_->TakeCompletions(&queue_, deadline_nanos, &tags_);
    if (error.has_value()) Throw(*std::move(error));
    if (tags_.empty()) return std::nullopt;
  }
  return tags_[next_++];
}

}  // namespace troupe::internal
