// The session that this process uses; a worker that is a thread has its own, on its threads.
// Private to the SDK.
#ifndef TROUPE_SDK_INTERNAL_RUNTIME_H_
#define TROUPE_SDK_INTERNAL_RUNTIME_H_

#include <memory>

#include "worker/session.h"

namespace troupe::internal {

// Throws Unavailable where Init was not called, has been undone, or where this is a forked child.
std::shared_ptr<worker::Session> CurrentSession();
// Throws Unavailable where this is a forked child, whose handles are its parent's.
void RefuseForkedChild();
// Null: none any more.
void SetCurrentSession(std::shared_ptr<worker::Session> session);
bool HasCurrentSession();

}  // namespace troupe::internal

#endif  // TROUPE_SDK_INTERNAL_RUNTIME_H_
