// Multiplies two matrices by blocks. The blocks lie in the object store; tasks take references and
// read them in place: no block is copied on its way to any number of tasks.
//
//   bazel run -c opt //examples:matrix_multiply -- [BLOCKS_PER_SIDE [ROWS_PER_BLOCK]]
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include "examples/comparison.h"
#include "sdk/troupe.h"

namespace {

using Block = troupe::Array<double>;  // row by row
using BlockRef = troupe::ObjectRef<Block>;

size_t Side(size_t elements) {
  size_t side = 0;
  while (side * side < elements) ++side;
  return side;
}

// c += a * b, in the order of k that makes every way to call it add the same numbers alike.
void MultiplyAdd(std::span<const double> a, std::span<const double> b, std::span<double> c) {
  const size_t n = Side(a.size());
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < n; ++k) {
      for (size_t j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
    }
  }
}

// One block of the product: the sum over a row of blocks times a column of blocks.
std::vector<double> MultiplyRowByColumn(const std::vector<BlockRef>& row,
                                        const std::vector<BlockRef>& column) {
  std::vector<double> product;
  for (size_t k = 0; k < row.size(); ++k) {
    const Block a = troupe::Get(row[k]);
    const Block b = troupe::Get(column[k]);
    product.resize(a.size());
    MultiplyAdd(a, b, product);
  }
  return product;
}

// A matrix of blocks of random numbers, made in place.
std::vector<std::vector<BlockRef>> RandomMatrix(uint64_t seed, size_t blocks, size_t rows) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> number(-1, 1);
  std::vector<std::vector<BlockRef>> matrix(blocks);
  for (auto& row : matrix) {
    for (size_t i = 0; i < blocks; ++i) {
      troupe::Builder<double> block = troupe::Create<double>(rows * rows);
      for (double& x : block.span()) x = number(random);
      row.push_back(block.Seal());
    }
  }
  return matrix;
}

std::vector<BlockRef> ColumnOf(const std::vector<std::vector<BlockRef>>& matrix, size_t j) {
  std::vector<BlockRef> column;
  for (const auto& row : matrix) column.push_back(row[j]);
  return column;
}

}  // namespace

int main(int argc, char** argv) {
  const auto blocks = static_cast<size_t>(
      examples::NumberArgument(argc, argv, 1, "number of blocks per side", 4, 1, 64));
  const auto rows = static_cast<size_t>(
      examples::NumberArgument(argc, argv, 2, "number of rows per block", 128, 1, 4096));
  const troupe::Cluster cluster = troupe::Init();
  const auto a = RandomMatrix(1, blocks, rows);
  const auto b = RandomMatrix(2, blocks, rows);

  const auto parallel = examples::Timed([&] {
    std::vector<troupe::ObjectRef<std::vector<double>>> product;
    for (size_t i = 0; i < blocks; ++i) {
      for (size_t j = 0; j < blocks; ++j)
        product.push_back(troupe::Task(MultiplyRowByColumn).Remote(a[i], ColumnOf(b, j)));
    }
    return troupe::Get(product);
  });
  const auto serial = examples::Timed([&] {
    std::vector<std::vector<double>> product;
    for (size_t i = 0; i < blocks; ++i) {
      for (size_t j = 0; j < blocks; ++j) {
        std::vector<double> block(rows * rows);
        for (size_t k = 0; k < blocks; ++k)
          MultiplyAdd(troupe::Get(a[i][k]), troupe::Get(b[k][j]), block);
        product.push_back(std::move(block));
      }
    }
    return product;
  });
  const auto n = static_cast<double>(blocks * rows);
  std::printf("%.0f x %.0f times %.0f x %.0f in %zu tasks: %.2f GFLOP/s\n", n, n, n, n,
              blocks * blocks, 2 * n * n * n / parallel.seconds / 1e9);
  return examples::Verdict(parallel.result == serial.result, parallel.seconds, serial.seconds);
}
