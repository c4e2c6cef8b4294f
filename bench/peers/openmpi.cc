// OpenMPI in shared memory: rank 0 sends numbers, the others send them back doubled. No scheduler,
// and who waits spins: it is the floor of what messages between processes can cost.
//
//   mpirun -n 2 openmpi    # the rows of actors: one worker
//   mpirun -n 3 openmpi    # the rows of tasks: two workers, in turn
#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <vector>

#include "bench/peers/peer.h"

namespace peers {
namespace {

constexpr int kCall = 0;
constexpr int kEnd = 1;

void Work() {
  for (;;) {
    int64_t x = 0;
    MPI_Status status;
    MPI_Recv(&x, 1, MPI_INT64_T, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
    if (status.MPI_TAG == kEnd) return;
    x = Double(x);
    MPI_Send(&x, 1, MPI_INT64_T, 0, kCall, MPI_COMM_WORLD);
  }
}

void Drive(Peer& peer, int workers) {
  const auto worker_of = [&](int64_t x) { return 1 + static_cast<int>(x % workers); };
  const auto call = [&](int64_t x) {
    int64_t twice = 0;
    MPI_Send(&x, 1, MPI_INT64_T, worker_of(x), kCall, MPI_COMM_WORLD);
    MPI_Recv(&twice, 1, MPI_INT64_T, worker_of(x), kCall, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return twice;
  };
  const auto batch = [&](int64_t first, int64_t last) {
    const auto count = static_cast<size_t>(last - first);
    std::vector<int64_t> arguments(count);
    std::vector<int64_t> results(count);
    std::vector<MPI_Request> requests(2 * count);
    std::iota(arguments.begin(), arguments.end(), first);
    for (size_t i = 0; i < count; ++i) {
      const int worker = worker_of(arguments[i]);
      MPI_Irecv(&results[i], 1, MPI_INT64_T, worker, kCall, MPI_COMM_WORLD, &requests[2 * i]);
      MPI_Isend(&arguments[i], 1, MPI_INT64_T, worker, kCall, MPI_COMM_WORLD, &requests[2 * i + 1]);
    }
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
    return std::accumulate(results.begin(), results.end(), int64_t{0});
  };
  peer.Sync(workers == 1 ? "1_1_actor_calls_sync" : "single_client_tasks_sync", call);
  peer.Pipelined(workers == 1 ? "1_1_actor_calls_async" : "single_client_tasks_async", batch);
  const int64_t nothing = 0;
  for (int worker = 1; worker <= workers; ++worker)
    MPI_Send(&nothing, 1, MPI_INT64_T, worker, kEnd, MPI_COMM_WORLD);
}

int Run(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Peer peer("OpenMPI", 100'000, argc, argv);
  int rank = 0;
  int size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size < 2) {
    std::fprintf(stderr, "openmpi: start it by mpirun -n 2 or -n 3\n");
    return 2;
  }
  if (rank == 0) {
    Drive(peer, size - 1);
  } else {
    Work();
  }
  MPI_Finalize();
  return 0;
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::Run(argc, argv); }
