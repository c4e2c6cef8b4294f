#include "scheduler/server/spiller.h"

#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "core/base/string_view.h"
#include "objectstore/spill/spill_file.h"

namespace troupe::scheduler {

using objectstore::Residency;

// Made by the first thread that writes to it.
class Spiller::File {
 public:
  explicit File(std::string directory) : directory_(std::move(directory)) {}

  absl::StatusOr<const objectstore::SpillFile*> Get() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!file_.has_value()) {
      absl::StatusOr<objectstore::SpillFile> file = objectstore::SpillFile::Create(directory_);
      if (!file.ok()) return file.status();
      file_.emplace(*std::move(file));
    }
    return &*file_;
  }

 private:
  const std::string directory_;
  std::mutex mutex_;
  std::optional<objectstore::SpillFile> file_;
};

void Spiller::Write(const Spill& spill, Written done) {
  std::shared_ptr<File>& file = files_[spill.file];
  if (file == nullptr) file = std::make_shared<File>(spill.directory);
  struct Batch {
    std::shared_ptr<File> file;
    std::vector<Spill::Item> items;
    std::vector<std::shared_ptr<const objectstore::Chunk>> chunks;  // of each item
    std::vector<Core::SpillResult> results;
    std::string failure;
  };
  const auto batch = std::make_shared<Batch>();
  batch->file = file;
  batch->items = spill.items;
  for (const Spill::Item& item : spill.items) {
    batch->chunks.push_back(chunks_->Find(item.place.chunk));
    batch->results.push_back({item.object});
  }
  loop_->RunBeside(
      [batch] {
        const auto to = batch->file->Get();
        if (!to.ok()) {
          batch->failure = std::string(ToStd(to.status().message()));
          return;
        }
        for (size_t i = 0; i < batch->items.size(); ++i) {
          const Spill::Item& item = batch->items[i];
          const auto copy = (*to)->Write(batch->chunks[i]->read_only_fd(), item.place.offset,
                                         item.place.size, item.slot.offset);
          if (!copy.ok()) {
            batch->failure = std::string(ToStd(copy.status().message()));
            return;
          }
          batch->results[i] = {.object = item.object,
                               .written = true,
                               .checksum = copy->checksum,
                               .saved_bytes = item.slot.size - copy->size};
        }
      },
      [batch, done = std::move(done)] { done(batch->results, batch->failure); });
}

void Spiller::ReadBack(const Restore& restore, Read done) {
  struct Reading {
    std::shared_ptr<File> file;
    std::shared_ptr<const objectstore::Chunk> chunk;
    Residency::Reading outcome = Residency::Reading::kRead;
    std::string failure;
  };
  const auto reading = std::make_shared<Reading>();
  reading->file = files_.at(restore.copy.slot.file);
  reading->chunk = chunks_->Find(restore.place.chunk);
  // First the memory, in the order in which it was given: the pages may have to be punched before.
  chunks_->Populate(
      restore.place, [this, reading, restore, done = std::move(done)](const std::string& failure) {
        if (!failure.empty()) return done(Residency::Reading::kNoMemory, failure);
        loop_->RunBeside(
            [reading, restore] {
              const auto from = reading->file->Get();
              absl::Status status = from.status();
              if (from.ok()) {
                status = (*from)->Read(reading->chunk->writable_fd(), restore.place.offset,
                                       restore.place.size, restore.copy.slot.offset,
                                       {restore.copy.slot.size, restore.copy.checksum});
              }
              if (status.ok()) return;
              reading->outcome = absl::IsResourceExhausted(status) ? Residency::Reading::kNoMemory
                                                                   : Residency::Reading::kLost;
              reading->failure = std::string(ToStd(status.message()));
            },
            [reading, done] { done(reading->outcome, reading->failure); });
      });
}

void Spiller::Punch(const objectstore::SpillSlot& hole) {
  const auto file = files_.find(hole.file);
  if (file == files_.end()) return;
  loop_->RunBeside(
      [file = file->second, hole] {
        if (const auto made = file->Get(); made.ok()) (*made)->Punch(hole.offset, hole.size);
      },
      [] {});
}

}  // namespace troupe::scheduler
