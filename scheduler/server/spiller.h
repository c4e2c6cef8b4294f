// Spiller writes objects to disk and reads them back, beside the loop, as the core has decided.
//
// A file is made when the first object is written to it. Several writes and reads run at the same
// time. Not thread-safe: the loop's thread calls it, and gets the answers.
#ifndef TROUPE_SCHEDULER_SERVER_SPILLER_H_
#define TROUPE_SCHEDULER_SERVER_SPILLER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/loop/event_loop.h"
#include "objectstore/table/residency.h"
#include "objectstore/table/spill_space.h"
#include "scheduler/core/actions.h"
#include "scheduler/core/core.h"
#include "scheduler/server/chunk_store.h"

namespace troupe::scheduler {

class Spiller {
 public:
  Spiller(loop::EventLoop* loop, ChunkStore* chunks) : loop_(loop), chunks_(chunks) {}

  using Written =
      std::function<void(const std::vector<Core::SpillResult>&, const std::string& failure)>;
  void Write(const Spill& spill, Written done);
  using Read = std::function<void(objectstore::Residency::Reading, const std::string& failure)>;
  void ReadBack(const Restore& restore, Read done);
  void Punch(const objectstore::SpillSlot& hole);
  void Drop(objectstore::SpillFileId file) { files_.erase(file); }

 private:
  class File;
  loop::EventLoop* loop_;
  ChunkStore* chunks_;
  std::map<objectstore::SpillFileId, std::shared_ptr<File>> files_;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_SPILLER_H_
