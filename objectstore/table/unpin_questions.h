// UnpinQuestions knows which questions (unpin?) clients may still answer, so that an answer to what
// nobody has asked is known for a lie.
//
// Problem: messages cross. When an honest answer comes, the object may be gone, or its place may
// have been told once more, and nothing of the pin that was asked for is left. So a question is
// kept apart from its pin, until it cannot be answered any more.
//
// A question is agreed to; or refused, since somebody looks, and agreed to when the last view goes.
// Channels are FIFO and clients answer in the order of the questions: an answer ends the earlier
// ones about the same object, of which nothing can come.
//
// Pure. Bounds: none of its own; the caller looks at count(). Cost: O(1), amortised. Not
// thread-safe.
#ifndef TROUPE_OBJECTSTORE_TABLE_UNPIN_QUESTIONS_H_
#define TROUPE_OBJECTSTORE_TABLE_UNPIN_QUESTIONS_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "core/base/ids.h"

namespace troupe::objectstore {

class UnpinQuestions {
 public:
  // REQUIRES: of one object, `serial` grows.
  void Ask(ClientId client, ObjectId id, uint32_t serial);
  // False: there is no such question, or it was answered so before.
  bool Answer(ClientId client, ObjectId id, uint32_t serial, bool agreed);
  // It answers nothing any more.
  void DropClient(ClientId client) { clients_.erase(client); }

  // That the client may answer.
  size_t count(ClientId client) const;
  // Clients that may answer something.
  size_t clients() const { return clients_.size(); }

 private:
  struct Question {
    uint32_t serial;
    bool refused = false;
  };
  struct Client {
    absl::flat_hash_map<ObjectId, absl::InlinedVector<Question, 1>> by_object;  // by serial
    size_t count = 0;
  };

  absl::flat_hash_map<ClientId, Client> clients_;
};

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_TABLE_UNPIN_QUESTIONS_H_
