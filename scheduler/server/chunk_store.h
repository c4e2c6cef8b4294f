// ChunkStore holds the node's chunks and gives their pages memory, and takes it away, beside the
// loop.
//
// Problem: fresh pages cost a zeroing each, and giving a large hole back takes milliseconds; the
// node's loop must not wait for either, and the cap is exceeded if memory is taken before what was
// given up has gone. So punching and populating are one queue, worked off in order by one thread at
// a time.
//
// Not thread-safe: the loop's thread calls it, and gets the answers.
#ifndef TROUPE_SCHEDULER_SERVER_CHUNK_STORE_H_
#define TROUPE_SCHEDULER_SERVER_CHUNK_STORE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/ids.h"
#include "core/base/location.h"
#include "core/loop/event_loop.h"
#include "objectstore/chunk/chunk.h"

namespace troupe::scheduler {

class ChunkStore {
 public:
  explicit ChunkStore(loop::EventLoop* loop) : loop_(loop) {}

  // Where there is none to be had, Populate says why.
  void Create(ChunkId id, uint64_t bytes);
  // Null where it could not be made.
  std::shared_ptr<const objectstore::Chunk> Find(ChunkId id) const;
  // The pages' memory goes back to the system; with Drop, that of the whole chunk, whoever has it
  // mapped still.
  void Punch(const Location& pages);
  void Drop(ChunkId id);
  // The pages have memory, after all that was punched before; `done` is told why not, or "".
  void Populate(const Location& pages, std::function<void(const std::string&)> done);

 private:
  struct Job {
    std::function<void()> work;
    std::function<void()> done;
  };
  void Queue(std::function<void()> work, std::function<void()> done);
  void RunNext();

  loop::EventLoop* loop_;
  std::map<ChunkId, std::shared_ptr<const objectstore::Chunk>> chunks_;
  std::string failure_;  // of the last Create that failed
  std::deque<Job> jobs_;
  bool running_ = false;
};

}  // namespace troupe::scheduler

#endif  // TROUPE_SCHEDULER_SERVER_CHUNK_STORE_H_
