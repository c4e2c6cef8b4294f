// What /proc says of processes: who lives, whose child, with which shared memory. For tests that
// kill.
//
// Everything is a snapshot: processes come and go meanwhile.
#ifndef TROUPE_TESTS_INTEGRATION_PROCESSES_H_
#define TROUPE_TESTS_INTEGRATION_PROCESSES_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/conditions.h"  // IWYU pragma: export

namespace troupe::testing {

// False for a zombie, too.
bool Lives(int pid);
// By a signal, until it is told to go on.
bool IsStopped(int pid);
// 0 where there is no such process.
int ParentOf(int pid);
// As the kernel names it: "troupe-node", "troupe-worker", ...; empty where there is none.
std::string NameOf(int pid);
// The processes below `root`, itself not among them; parents before their children.
std::vector<int> Descendants(int root);
std::vector<int> AllProcesses();
// In which this program's embedded node runs: a child, or, in process, this one.
int EmbeddedNode();
// The inodes of Troupe's shared memory that the process has open.
std::set<ino_t> SharedMemoryOf(int pid);
// How many descriptors it has open: files, sockets and all else.
size_t DescriptorsOf(int pid);

// Memory of a process, in KiB; 0 where there is none: of no file and nobody else's (RssAnon);
// mapped by nobody else, be it of a file (Private_Clean and Private_Dirty); its share of all it
// maps (Pss).
int64_t RssAnonKib(int pid);
int64_t PrivateKib(int pid);
int64_t PssKib(int pid);
// The memory that the chunks have of which the process has a descriptor, in bytes.
int64_t ChunkBytesOf(int pid);

// Whether an address of this process lies in the object store.
bool LiesInAChunk(const void* address);

}  // namespace troupe::testing

#endif  // TROUPE_TESTS_INTEGRATION_PROCESSES_H_
