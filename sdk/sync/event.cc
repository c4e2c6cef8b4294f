#include "sdk/sync/event.h"

#include <utility>

namespace troupe {

using internal::EventServer;

void EventServer::Set() {
  if (!std::exchange(set_, true)) next_.Set();
}

void EventServer::Clear() {
  if (std::exchange(set_, false)) next_ = Promise<void>();
}

Event Event::New() { return Event(Start()); }

Event Event::Named(const std::string& name) { return Event(StartNamed("event", name)); }

bool Event::Wait(absl::Duration timeout) const {
  const internal::Ticket<void> ticket = Ask(&EventServer::Wait);
  if (!Await(ticket, timeout)) return false;
  Get(ticket.promised);
  return true;
}

void Event::Set() const { Ask(&EventServer::Set); }

void Event::Clear() const { Ask(&EventServer::Clear); }

bool Event::IsSet() const { return Ask(&EventServer::IsSet); }

}  // namespace troupe
