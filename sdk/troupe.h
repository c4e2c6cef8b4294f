// Everything that a program needs: tasks, actors and objects on a cluster. See docs/ and examples/.
//
//   #include "sdk/troupe.h"
//
//   int Square(int x) { return x * x; }
//
//   int main() {
//     troupe::Cluster cluster = troupe::Init();
//     troupe::ObjectRef<int> nine = troupe::Task(Square).Remote(3);
//     return troupe::Get(nine) == 9 ? 0 : 1;
//   }
#ifndef TROUPE_SDK_TROUPE_H_
#define TROUPE_SDK_TROUPE_H_

#include "sdk/actor.h"                 // IWYU pragma: export
#include "sdk/actor_pool.h"            // IWYU pragma: export
#include "sdk/array.h"                 // IWYU pragma: export
#include "sdk/as_completed.h"          // IWYU pragma: export
#include "sdk/async.h"                 // IWYU pragma: export
#include "sdk/bind.h"                  // IWYU pragma: export
#include "sdk/cancel.h"                // IWYU pragma: export
#include "sdk/current_task.h"          // IWYU pragma: export
#include "sdk/errors.h"                // IWYU pragma: export
#include "sdk/function_registry.h"     // IWYU pragma: export
#include "sdk/generator.h"             // IWYU pragma: export
#include "sdk/get.h"                   // IWYU pragma: export
#include "sdk/init.h"                  // IWYU pragma: export
#include "sdk/map.h"                   // IWYU pragma: export
#include "sdk/memory.h"                // IWYU pragma: export
#include "sdk/object_ref.h"            // IWYU pragma: export
#include "sdk/overload.h"              // IWYU pragma: export
#include "sdk/pack.h"                  // IWYU pragma: export
#include "sdk/pin.h"                   // IWYU pragma: export
#include "sdk/placement_group.h"       // IWYU pragma: export
#include "sdk/progress.h"              // IWYU pragma: export
#include "sdk/promise.h"               // IWYU pragma: export
#include "sdk/reduce.h"                // IWYU pragma: export
#include "sdk/registered_exception.h"  // IWYU pragma: export
#include "sdk/resolve.h"               // IWYU pragma: export
#include "sdk/retry_on.h"              // IWYU pragma: export
#include "sdk/secret.h"                // IWYU pragma: export
#include "sdk/shared_code.h"           // IWYU pragma: export
#include "sdk/stream.h"                // IWYU pragma: export
#include "sdk/task.h"                  // IWYU pragma: export
#include "sdk/then.h"                  // IWYU pragma: export
#include "sdk/worker_local.h"          // IWYU pragma: export

#endif  // TROUPE_SDK_TROUPE_H_
