#include "objectstore/table/unpin_questions.h"

#include <algorithm>

#include "core/base/check.h"

namespace troupe::objectstore {

void UnpinQuestions::Ask(ClientId client, ObjectId id, uint32_t serial) {
  Client& asked = clients_[client];
  auto& questions = asked.by_object[id];
  TROUPE_CHECK(questions.empty() || questions.back().serial < serial, "a question is asked twice");
  questions.push_back({serial});
  ++asked.count;
}

bool UnpinQuestions::Answer(ClientId client, ObjectId id, uint32_t serial, bool agreed) {
  const auto asked = clients_.find(client);
  if (asked == clients_.end()) return false;
  const auto of_object = asked->second.by_object.find(id);
  if (of_object == asked->second.by_object.end()) return false;
  auto& questions = of_object->second;
  const auto question =
      std::lower_bound(questions.begin(), questions.end(), serial,
                       [](const Question& q, uint32_t wanted) { return q.serial < wanted; });
  if (question == questions.end() || question->serial != serial) return false;
  if (!agreed && question->refused) return false;
  question->refused = !agreed;
  const auto last = agreed ? question + 1 : question;
  asked->second.count -= static_cast<size_t>(last - questions.begin());
  questions.erase(questions.begin(), last);
  if (questions.empty()) asked->second.by_object.erase(of_object);
  if (asked->second.count == 0) clients_.erase(asked);
  return true;
}

size_t UnpinQuestions::count(ClientId client) const {
  const auto asked = clients_.find(client);
  return asked == clients_.end() ? 0 : asked->second.count;
}

}  // namespace troupe::objectstore
