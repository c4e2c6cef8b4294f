// What is written comes back, and nothing else does.
#include "objectstore/spill/spill_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/unique_fd.h"
#include "core/fault/fault.h"

namespace troupe::objectstore {
namespace {

std::string Directory() { return std::getenv("TEST_TMPDIR"); }

std::string Message(const absl::Status& status) { return std::string(status.message()); }

UniqueFd Chunk(const std::string& bytes) {
  UniqueFd fd(memfd_create("chunk", MFD_CLOEXEC));
  EXPECT_EQ(pwrite(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return fd;
}

std::string BytesAt(int fd, uint64_t at, size_t size) {
  std::string bytes(size, '\0');
  EXPECT_EQ(pread(fd, bytes.data(), size, static_cast<off_t>(at)), static_cast<ssize_t>(size));
  return bytes;
}

std::string Random(size_t size) {
  std::mt19937_64 random(size);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// Numbers one after another, as people write them.
std::string Text(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + " bottles; ";
  return text.substr(0, size);
}

TEST(SpillFile, WhatIsWrittenComesBackAndTheFileHasNoName) {
  const auto file = SpillFile::Create(Directory());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(std::filesystem::is_empty(Directory()));
  std::string bytes(3'000'001, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 131 + i / 256);
  const UniqueFd chunk = Chunk(bytes);
  const auto large = file->Write(chunk.get(), 0, bytes.size(), 8192);
  const auto small = file->Write(chunk.get(), 64, 1, 0);
  ASSERT_TRUE(large.ok() && small.ok());
  const UniqueFd back = Chunk(std::string(bytes.size() + 64, 'x'));
  ASSERT_TRUE(file->Read(back.get(), 64, bytes.size(), 8192, *large).ok());
  EXPECT_EQ(BytesAt(back.get(), 64, bytes.size()), bytes);
  ASSERT_TRUE(file->Read(back.get(), 0, 1, 0, *small).ok());
  EXPECT_EQ(BytesAt(back.get(), 0, 1), bytes.substr(64, 1));
  // The neighbours of a hole stay.
  file->Punch(0, 4096);
  EXPECT_TRUE(file->Read(back.get(), 64, bytes.size(), 8192, *large).ok());
}

// On a file system without O_TMPFILE, the name that the file gets is taken away at once.
TEST(SpillFile, NeedsNoFileSystemThatMakesFilesWithoutNames) {
  const fault::Armed faults("spill.create=fail:1:EOPNOTSUPP");
  const auto file = SpillFile::Create(Directory());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(fault::TimesOf("spill.create"), 1u);
  EXPECT_TRUE(std::filesystem::is_empty(Directory()));
  const std::string bytes = Random(100'000);
  const UniqueFd chunk = Chunk(bytes), back = Chunk("");
  const auto copy = file->Write(chunk.get(), 0, bytes.size(), 4096);
  ASSERT_TRUE(copy.ok()) << copy.status();
  ASSERT_TRUE(file->Read(back.get(), 0, bytes.size(), 4096, *copy).ok());
  EXPECT_EQ(BytesAt(back.get(), 0, bytes.size()), bytes);
  const std::string missing = Directory() + "/missing";
  EXPECT_NE(Message(SpillFile::Create(missing).status()).find(missing + ": No such file"),
            std::string::npos);
}

// A disk that takes and gives a part at a time, and is interrupted.
TEST(SpillFile, ShortWritesAndReadsAreGoneOnWith) {
  const auto file = SpillFile::Create(Directory());
  ASSERT_TRUE(file.ok());
  std::string bytes(100'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 131 + i / 256);
  const UniqueFd chunk = Chunk(bytes);
  const UniqueFd back = Chunk(std::string(bytes.size(), 'x'));
  for (const char* faults :
       {"spill.write=truncate,spill.read=truncate,store.read=truncate,store.write=truncate",
        "spill.write=fail:0.5:EINTR,spill.read=fail:0.5:EINTR,store.read=fail:0.5:EINTR"}) {
    const fault::Armed armed(faults);
    const auto checksum = file->Write(chunk.get(), 0, bytes.size(), 0);
    ASSERT_TRUE(checksum.ok()) << checksum.status();
    ASSERT_TRUE(file->Read(back.get(), 0, bytes.size(), 0, *checksum).ok());
    EXPECT_EQ(BytesAt(back.get(), 0, bytes.size()), bytes);
    EXPECT_GT(fault::TimesOf("spill.write") + fault::TimesOf("spill.read"), 0u);
  }
}

TEST(SpillFile, EachFailureIsNamed) {
  const auto file = SpillFile::Create(Directory());
  ASSERT_TRUE(file.ok());
  const UniqueFd chunk = Chunk(std::string(1000, 'a'));
  const auto checksum = file->Write(chunk.get(), 0, 1000, 0);
  ASSERT_TRUE(checksum.ok());
  const fault::Armed faults(
      "spill.create=fail:1:EMFILE,spill.write=fail:1:ENOSPC,spill.read=fail:1:EIO");
  const absl::Status create = SpillFile::Create(Directory()).status();
  EXPECT_TRUE(absl::IsUnavailable(create));
  EXPECT_NE(Message(create).find(Directory() + ": Too many open files"), std::string::npos);
  const absl::Status write = file->Write(chunk.get(), 0, 1000, 0).status();
  EXPECT_TRUE(absl::IsUnavailable(write));
  EXPECT_NE(Message(write).find("No space left on device"), std::string::npos) << write;
  const absl::Status read = file->Read(chunk.get(), 0, 1000, 0, *checksum);
  EXPECT_TRUE(absl::IsDataLoss(read));
  EXPECT_NE(Message(read).find("cannot be read: Input/output error"), std::string::npos) << read;
}

TEST(SpillFile, DamageIsSeen) {
  const auto file = SpillFile::Create(Directory());
  ASSERT_TRUE(file.ok());
  const UniqueFd chunk = Chunk(Random(100'000));
  const auto copy = file->Write(chunk.get(), 0, 100'000, 0);
  ASSERT_TRUE(copy.ok());
  ASSERT_EQ(pwrite(file->fd(), "b", 1, 77'777), 1);
  const absl::Status changed = file->Read(chunk.get(), 0, 100'000, 0, *copy);
  EXPECT_TRUE(absl::IsDataLoss(changed));
  EXPECT_NE(Message(changed).find("damaged"), std::string::npos);
  ASSERT_EQ(ftruncate(file->fd(), 50'000), 0);
  const absl::Status cut = file->Read(chunk.get(), 0, 100'000, 0, *copy);
  EXPECT_TRUE(absl::IsDataLoss(cut));
  EXPECT_NE(Message(cut).find("cut off"), std::string::npos);
}

TEST(SpillFile, WhatCompressesTakesLessAndComesBack) {
  const auto file = SpillFile::Create(Directory());
  ASSERT_TRUE(file.ok());
  // Sizes around those of a sample and of a block.
  for (const size_t size : {1, 100, 16'383, 16'385, 524'287, 524'288, 524'289, 3'000'001}) {
    const std::string bytes = Text(size);
    const UniqueFd chunk = Chunk(bytes);
    const auto copy = file->Write(chunk.get(), 0, size, 4096);
    ASSERT_TRUE(copy.ok());
    if (size >= 16'383) {
      EXPECT_LT(copy->size, size / 2) << size;
    }
    const UniqueFd back = Chunk("");
    ASSERT_TRUE(file->Read(back.get(), 0, size, 4096, *copy).ok()) << size;
    EXPECT_EQ(BytesAt(back.get(), 0, size), bytes) << size;
  }
}

TEST(SpillFile, WhatDoesNotCompressIsKeptAsItIs) {
  const auto file = SpillFile::Create(Directory());
  ASSERT_TRUE(file.ok());
  const std::string random = Random(2'000'000);
  // The samples promise more than there is: they are of the beginning of each quarter.
  std::string misleading = random;
  for (size_t i = 0; i < 4; ++i) misleading.replace(i * 500'000, 16'384, Text(16'384));
  for (const std::string& bytes : {random, misleading}) {
    const UniqueFd chunk = Chunk(bytes);
    const auto copy = file->Write(chunk.get(), 0, bytes.size(), 0);
    ASSERT_TRUE(copy.ok());
    EXPECT_EQ(copy->size, bytes.size());
    EXPECT_EQ(BytesAt(file->fd(), 0, bytes.size()), bytes);
    const UniqueFd back = Chunk("");
    ASSERT_TRUE(file->Read(back.get(), 0, bytes.size(), 0, *copy).ok());
    EXPECT_EQ(BytesAt(back.get(), 0, bytes.size()), bytes);
  }
  // A block that does not compress, among others that do.
  const std::string mixed = Text(1'048'576) + Random(524'288) + Text(1'000'000);
  const UniqueFd chunk = Chunk(mixed);
  const auto copy = file->Write(chunk.get(), 0, mixed.size(), 0);
  ASSERT_TRUE(copy.ok());
  EXPECT_LT(copy->size, mixed.size() * 7 / 8);
  const UniqueFd back = Chunk("");
  ASSERT_TRUE(file->Read(back.get(), 0, mixed.size(), 0, *copy).ok());
  EXPECT_EQ(BytesAt(back.get(), 0, mixed.size()), mixed);
}

TEST(SpillFile, DamageOfWhatIsCompressedIsSeenWhereverItIs) {
  const auto file = SpillFile::Create(Directory());
  ASSERT_TRUE(file.ok());
  const std::string bytes = Text(1'200'000);
  const UniqueFd chunk = Chunk(bytes);
  const auto copy = file->Write(chunk.get(), 0, bytes.size(), 0);
  ASSERT_TRUE(copy.ok());
  ASSERT_LT(copy->size, bytes.size());
  const std::string stored = BytesAt(file->fd(), 0, copy->size);
  const UniqueFd back = Chunk("");
  for (size_t at = 0; at < stored.size(); at += at < 64 ? 1 : stored.size() / 97) {
    for (const char mask : {'\x01', '\x80', '\xFF'}) {
      const char damaged = static_cast<char>(stored[at] ^ mask);
      ASSERT_EQ(pwrite(file->fd(), &damaged, 1, static_cast<off_t>(at)), 1);
      EXPECT_TRUE(absl::IsDataLoss(file->Read(back.get(), 0, bytes.size(), 0, *copy))) << at;
    }
    ASSERT_EQ(pwrite(file->fd(), &stored[at], 1, static_cast<off_t>(at)), 1);
  }
  EXPECT_TRUE(file->Read(back.get(), 0, bytes.size(), 0, *copy).ok());
  ASSERT_EQ(ftruncate(file->fd(), static_cast<off_t>(copy->size) - 1), 0);
  EXPECT_TRUE(absl::IsDataLoss(file->Read(back.get(), 0, bytes.size(), 0, *copy)));
}

TEST(SpillFile, ADirectoryThatCannotBeUsedIsNamed) {
  const auto missing = SpillFile::Create("/no/such/directory");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(Message(missing.status()).find("/no/such/directory"), std::string::npos);
  EXPECT_NE(Message(missing.status()).find("No such file"), std::string::npos);
  // Where nobody may write, not even root.
  EXPECT_FALSE(SpillFile::Create("/proc").ok());
}

}  // namespace
}  // namespace troupe::objectstore
