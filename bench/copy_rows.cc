// How a value is copied into the store: plain stores, past the caches, or by the kernel.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "bench/limits.h"
#include "bench/rows.h"
#include "core/serialize/copy_bytes.h"

namespace bench {
namespace {

constexpr size_t kMebibyte = size_t{1} << 20;
constexpr size_t kMostBytes = 64 * kMebibyte;

// A chunk as a client has it: shared pages of a memfd, mapped and warm.
struct Chunk {
  Chunk() : file(memfd_create("bench", MFD_CLOEXEC)) {
    Expect(file >= 0 && ftruncate(file, kMostBytes) == 0, "a memfd");
    void* memory =
        mmap(nullptr, kMostBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    Expect(memory != MAP_FAILED, "mmap");
    bytes = static_cast<std::byte*>(memory);
  }

  int file;
  std::byte* bytes = nullptr;
};

using Copy = std::function<void(const Chunk& to, size_t at, const std::byte* from, size_t bytes)>;

// GB/s, of values of that size, one behind the other, that are in no cache and go where nothing is.
double CopyRateOf(size_t bytes, const Copy& copy) {
  static const Chunk chunk;
  static std::vector<std::byte> from(kMostBytes, std::byte{1});
  constexpr size_t kBytes = 8 * kMostBytes;
  size_t last = 0;
  const double seconds = Seconds([&] {
    for (size_t done = 0; done < kBytes; done += bytes) {
      const size_t at = last = done % kMostBytes;
      from[at] = static_cast<std::byte>(done / kMebibyte);
      copy(chunk, at, from.data() + at, bytes);
    }
  });
  Expect(chunk.bytes[last] == from[last], "a copy");
  return static_cast<double>(kBytes) / 1e9 / seconds;
}

}  // namespace

void AddCopyRows(Report& report) {
  const Copy ours = [](const Chunk& to, size_t at, const std::byte* from, size_t bytes) {
    troupe::serialize::CopyBytes(to.bytes + at, from, bytes);
  };
  const Copy plain = [](const Chunk& to, size_t at, const std::byte* from, size_t bytes) {
    std::memcpy(to.bytes + at, from, bytes);
  };
  const Copy by_the_kernel = [](const Chunk& to, size_t at, const std::byte* from, size_t bytes) {
    const auto offset = static_cast<off_t>(at);
    Expect(pwrite(to.file, from, bytes, offset) == static_cast<ssize_t>(bytes), "pwrite");
  };
  for (const size_t mebibytes : {1, 4, 16, 64}) {
    const size_t bytes = mebibytes * kMebibyte;
    const std::string name = "copy_" + std::to_string(mebibytes) + "mib";
    const auto rate = [bytes, ours] { return CopyRateOf(bytes, ours); };
    report.Row(name, "GB/s", rate, {"memcpy", [=] { return CopyRateOf(bytes, plain); }});
    report.Row(name + "_beside_pwrite", "GB/s", rate,
               {"pwrite", [=] { return CopyRateOf(bytes, by_the_kernel); }});
  }
}

}  // namespace bench
