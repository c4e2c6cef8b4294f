#include "bench/task_graph/kernels.h"

#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include "bench/task_graph/patterns.h"
#include "bench/timing.h"

namespace bench {
namespace {

uint64_t HashOf(int64_t step, int64_t point) {
  return Mix(Mix(static_cast<uint64_t>(step)) ^ static_cast<uint64_t>(point));
}

// In registers: what is stored and read again is fast or slow by how the processor guesses, which
// differs from one process to the next.
uint64_t Compute(int64_t iterations) {
  // Each goes towards 2 and gets there only in the limit.
  double a = 1, b = 1.1, c = 1.2, d = 1.3;
  for (int64_t i = 0; i < iterations; ++i) {
    a = a * 0.999 + 0.002;
    b = b * 0.999 + 0.002;
    c = c * 0.999 + 0.002;
    d = d * 0.999 + 0.002;
  }
  uint64_t sum = 0;
  for (const double x : {a, b, c, d}) sum = Mix(sum ^ std::bit_cast<uint64_t>(x));
  return sum;
}

// Each thread has 32 MiB: blocks to copy, and as much room for the copies.
class Memory {
 public:
  // Where one begins, another has hardly been.
  uint64_t CopyBlocks(uint64_t first, int64_t iterations) {
    uint64_t sum = 0;
    for (int64_t i = 0; i < iterations; ++i) {
      const size_t block = (first + static_cast<size_t>(i)) % kBlocks;
      std::memcpy(&to_[block * kWords], &from_[block * kWords], kWords * sizeof(uint64_t));
      sum = Mix(sum ^ to_[block * kWords + kWords / 2]);
    }
    return sum;
  }

 private:
  static constexpr size_t kWords = 512;
  static constexpr size_t kBlocks = 4096;

  std::vector<uint64_t> from_ = [] {
    std::vector<uint64_t> words(kWords * kBlocks);
    for (size_t i = 0; i < words.size(); ++i) words[i] = i;
    return words;
  }();
  std::vector<uint64_t> to_ = std::vector<uint64_t>(kWords * kBlocks);
};

}  // namespace

std::span<const NamedKernel> Kernels() {
  static constexpr NamedKernel kKernels[] = {
      {KernelType::kEmpty, "empty"},
      {KernelType::kCompute, "compute"},
      {KernelType::kMemory, "memory"},
      {KernelType::kLoadImbalanced, "load_imbalanced"},
  };
  return kKernels;
}

int64_t IterationsOf(const Kernel& kernel, int64_t step, int64_t point) {
  if (kernel.type != KernelType::kLoadImbalanced) return kernel.iterations;
  return kernel.iterations / 2 +
         static_cast<int64_t>(HashOf(step, point) % static_cast<uint64_t>(kernel.iterations + 1));
}

uint64_t RunKernel(const Kernel& kernel, int64_t step, int64_t point) {
  const int64_t iterations = IterationsOf(kernel, step, point);
  switch (kernel.type) {
    case KernelType::kEmpty:
      break;
    case KernelType::kCompute:
    case KernelType::kLoadImbalanced:
      return Compute(iterations);
    case KernelType::kMemory: {
      thread_local Memory memory;
      return memory.CopyBlocks(HashOf(step, point), iterations);
    }
  }
  return 0;
}

double PeakRate(KernelType type, int threads) {
  constexpr int64_t kPieceIterations = 1'000;
  constexpr auto kTime = std::chrono::milliseconds(50);
  using Clock = std::chrono::steady_clock;
  std::vector<double> rates(static_cast<size_t>(threads));
  std::atomic<int> ready = 0;
  std::vector<std::thread> all;
  for (double& rate : rates) {
    all.emplace_back([&, &own_rate = rate] {
      // The first touch of memory is not timed, and they all work at the same time.
      Expect(RunKernel({type, kPieceIterations}, 0, 0) != 0, "a kernel's first run");
      ++ready;
      while (ready < threads) std::this_thread::yield();
      const auto begin = Clock::now();
      int64_t iterations = 0;
      uint64_t sum = 0;
      while (Clock::now() < begin + kTime) {
        sum = Mix(sum ^ RunKernel({type, kPieceIterations}, 0, iterations));
        iterations += IterationsOf({type, kPieceIterations}, 0, iterations);
      }
      own_rate = static_cast<double>(iterations) /
                 std::chrono::duration<double>(Clock::now() - begin).count();
      Expect(sum != 0, "a kernel");
    });
  }
  for (std::thread& thread : all) thread.join();
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace bench
