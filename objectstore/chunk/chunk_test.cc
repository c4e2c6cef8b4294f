// Chunks are sealed, shared between mappings, and read-only for readers.
#include "objectstore/chunk/chunk.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "core/fault/fault.h"

namespace troupe::objectstore {
namespace {

TEST(Chunk, AReaderSeesWhatTheWriterWrote) {
  const auto chunk = *Chunk::Create(1 << 20);
  const auto writer = *Mapping::Map(chunk.writable_fd(), 1 << 20, Mapping::Access::kWrite);
  const auto reader = *Mapping::Map(chunk.read_only_fd(), 1 << 20, Mapping::Access::kRead);
  std::memcpy(writer.data() + 4096, "hello", 6);
  EXPECT_STREQ(reinterpret_cast<const char*>(reader.data()) + 4096, "hello");
}

TEST(Chunk, ASystemWithoutMemoryIsNamed) {
  const auto chunk = *Chunk::Create(8192);
  const fault::Armed faults(
      "store.chunk=fail:1:EMFILE,store.populate=fail:1:ENOMEM,store.map=fail:1:ENOMEM");
  const auto expect = [](const absl::Status& status, const char* part) {
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_NE(std::string(status.message()).find(part), std::string::npos) << status;
  };
  expect(Chunk::Create(8192).status(), "cannot make a chunk of 8.0 KiB: Too many open files");
  expect(chunk.Populate(0, 4096), "memory for a chunk of 4.0 KiB: Cannot allocate memory");
  expect(Mapping::Map(chunk.read_only_fd(), 8192, Mapping::Access::kRead).status(),
         "cannot map a chunk of 8.0 KiB: Cannot allocate memory");
}

TEST(Chunk, NobodyCanCutItOffOrWriteThroughAReadersDescriptor) {
  const auto chunk = *Chunk::Create(8192);
  EXPECT_NE(ftruncate(chunk.writable_fd(), 0), 0);
  EXPECT_EQ(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, chunk.read_only_fd(), 0),
            MAP_FAILED);
  EXPECT_FALSE(Mapping::Map(chunk.read_only_fd(), 8192, Mapping::Access::kWrite).ok());
  EXPECT_FALSE(Mapping::Map(chunk.read_only_fd(), 4096, Mapping::Access::kRead).ok())
      << "a size that was not announced";
  EXPECT_FALSE(Mapping::Map(STDIN_FILENO, 8192, Mapping::Access::kRead).ok());
}

TEST(Chunk, ASizeThatCannotBeHadIsNamed) {
  const auto chunk = Chunk::Create(uint64_t{1} << 62);
  if (chunk.ok()) {
    EXPECT_FALSE(
        Mapping::Map(chunk->read_only_fd(), uint64_t{1} << 62, Mapping::Access::kRead).ok());
  } else {
    EXPECT_NE(chunk.status().message().find("TiB"), absl::string_view::npos) << chunk.status();
  }
}

}  // namespace
}  // namespace troupe::objectstore
