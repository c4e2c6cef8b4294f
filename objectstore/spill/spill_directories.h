// UsableSpillDirectories looks at the directories that a user names for objects that do not fit
// into memory, before the first one has to go there.
//
//   const std::vector<std::string> names = absl::StrSplit(flag, ',');  // an empty one is told
//   absl::StatusOr<std::vector<std::string>> directories = UsableSpillDirectories(names);
//
// An empty name is most likely a variable of a script that is not set: without the error, objects
// would go elsewhere, or nowhere.
#ifndef TROUPE_OBJECTSTORE_SPILL_SPILL_DIRECTORIES_H_
#define TROUPE_OBJECTSTORE_SPILL_SPILL_DIRECTORIES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace troupe::objectstore {

// Their absolute paths. Errors: InvalidArgument that names the one which is empty, or in which no
// file can be made.
absl::StatusOr<std::vector<std::string>> UsableSpillDirectories(
    const std::vector<std::string>& names);

}  // namespace troupe::objectstore

#endif  // TROUPE_OBJECTSTORE_SPILL_SPILL_DIRECTORIES_H_
