#include "scheduler/server/chunk_store.h"

#include <utility>

#include "core/base/log.h"
#include "core/base/string_view.h"

namespace troupe::scheduler {

void ChunkStore::Create(ChunkId id, uint64_t bytes) {
  absl::StatusOr<objectstore::Chunk> chunk = objectstore::Chunk::Create(bytes);
  if (chunk.ok()) {
    chunks_.emplace(id, std::make_shared<const objectstore::Chunk>(*std::move(chunk)));
  } else {
    failure_ = std::string(ToStd(chunk.status().message()));
    Log(LogLevel::kError, failure_);
  }
}

std::shared_ptr<const objectstore::Chunk> ChunkStore::Find(ChunkId id) const {
  const auto it = chunks_.find(id);
  return it == chunks_.end() ? nullptr : it->second;
}

void ChunkStore::Punch(const Location& pages) {
  const auto chunk = Find(pages.chunk);
  if (chunk == nullptr) return;
  Queue([chunk, pages] { chunk->Punch(pages.offset, pages.size); }, [] {});
}

void ChunkStore::Drop(ChunkId id) {
  const auto it = chunks_.find(id);
  if (it == chunks_.end()) return;
  const std::shared_ptr<const objectstore::Chunk> chunk = std::move(it->second);
  chunks_.erase(it);
  Queue([chunk] { chunk->Punch(0, chunk->bytes()); }, [] {});
}

void ChunkStore::Populate(const Location& pages, std::function<void(const std::string&)> done) {
  const auto chunk = Find(pages.chunk);
  const auto failure = std::make_shared<std::string>(chunk == nullptr ? failure_ : "");
  Queue(
      [chunk, pages, failure] {
        if (chunk == nullptr) return;
        const absl::Status status = chunk->Populate(pages.offset, pages.size);
        if (!status.ok()) *failure = std::string(ToStd(status.message()));
      },
      [failure, done = std::move(done)] { done(*failure); });
}

void ChunkStore::Queue(std::function<void()> work, std::function<void()> done) {
  jobs_.push_back({std::move(work), std::move(done)});
  if (!running_) RunNext();
}

void ChunkStore::RunNext() {
  running_ = !jobs_.empty();
  if (!running_) return;
  Job job = std::move(jobs_.front());
  jobs_.pop_front();
  loop_->RunBeside(std::move(job.work), [this, done = std::move(job.done)] {
    RunNext();
    done();
  });
}

}  // namespace troupe::scheduler
