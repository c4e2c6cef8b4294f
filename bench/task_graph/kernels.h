// What a task of a graph does: Task Bench's kernels. Each returns a number that nobody has who did
// not do the work, and that depends on the kernel, the step and the point alone.
//
//   empty             nothing
//   compute           so many iterations of four multiplications and additions, in registers
//   memory            so many iterations that copy 4 KiB, anywhere in 32 MiB
//   load_imbalanced   compute, with between half and one and a half times the iterations
#ifndef TROUPE_BENCH_TASK_GRAPH_KERNELS_H_
#define TROUPE_BENCH_TASK_GRAPH_KERNELS_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace bench {

enum class KernelType : uint8_t { kEmpty, kCompute, kMemory, kLoadImbalanced };

struct NamedKernel {
  KernelType type;
  std::string_view name;
};
// All of them.
std::span<const NamedKernel> Kernels();

struct Kernel {
  KernelType type = KernelType::kEmpty;
  int64_t iterations = 0;
};

// Of the task there.
int64_t IterationsOf(const Kernel& kernel, int64_t step, int64_t point);
uint64_t RunKernel(const Kernel& kernel, int64_t step, int64_t point);

// Iterations a second that `threads` threads of this process do together, with nothing to wait for.
// REQUIRES: not kEmpty.
double PeakRate(KernelType type, int threads);

}  // namespace bench

#endif  // TROUPE_BENCH_TASK_GRAPH_KERNELS_H_
