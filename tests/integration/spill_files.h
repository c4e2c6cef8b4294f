// Finds, and harms, what this program's embedded node has spilled. For tests of what follows.
//
// Spill files have no name: they are reached by the descriptors of the node, which is a child of
// this process or, in process, a thread of it.
#ifndef TROUPE_TESTS_INTEGRATION_SPILL_FILES_H_
#define TROUPE_TESTS_INTEGRATION_SPILL_FILES_H_

#include <cstddef>
#include <string>

namespace troupe::testing {

// How many spill files there are in the directory.
size_t SpillFilesIn(const std::string& directory);
// Overwrites a few bytes of each page of each spill file in the directory. Returns how many files
// there were.
size_t DamageSpillFiles(const std::string& directory);

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_SPILL_FILES_H_
