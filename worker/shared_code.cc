#include "worker/shared_code.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"
#include "core/base/unique_fd.h"
#include "worker/code_reference.h"

namespace troupe::worker {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

struct Loaded {
  // Open for ever: the dynamic linker knows what it has loaded by its path, which has this number.
  UniqueFd file;
  NamedFunctions functions;
};

ErrorInfo NoRoom(std::string_view path, const char* what) {
  return {
      .kind = ErrorKind::kResourceExhausted,
      .message = absl::StrCat("no copy of ", ToAbsl(path), ": ", what, ": ", std::strerror(errno))};
}

// A sealed file with these bytes.
std::variant<UniqueFd, ErrorInfo> SealedCopy(std::string_view path,
                                             std::span<const std::byte> bytes) {
  const std::string name(path.substr(path.rfind('/') + 1).substr(0, 200));
  UniqueFd file(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return NoRoom(path, "memfd_create");
  while (!bytes.empty()) {
    const ssize_t written = write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return NoRoom(path, "write");
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  if (fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return NoRoom(path, "F_ADD_SEALS");
  return file;
}

std::variant<std::string, ErrorInfo> Sha256OfFile(std::string_view path, int file, size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  if (memory == MAP_FAILED) return NoRoom(path, "mmap");
  std::string sha256 = Sha256({static_cast<const std::byte*>(memory), bytes});
  munmap(memory, bytes);
  return sha256;
}

// What is linked statically has no dynamic linker, or a C++ library that a shared object would get
// a second one beside.
bool IsLinkedStatically() {
  bool has_library = false;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* found) {
        const std::string_view name(info->dlpi_name);
        *static_cast<bool*>(found) |= name.find("libstdc++.so") != name.npos;
        return 0;
      },
      &has_library);
  return !has_library;
}

std::variant<std::unique_ptr<Loaded>, ErrorInfo> Load(std::string_view path,
                                                      const std::string& sha256,
                                                      std::span<const std::byte> bytes) {
  if (IsLinkedStatically()) {
    return ErrorInfo{.kind = ErrorKind::kBuildMismatch,
                     .message = absl::StrCat(ToAbsl(path),
                                             " cannot be loaded: this program is linked statically "
                                             "(Bazel: build it without --config=static)")};
  }
  auto copy = SealedCopy(path, bytes);
  if (auto* error = std::get_if<ErrorInfo>(&copy)) return std::move(*error);
  auto loaded = std::make_unique<Loaded>();
  loaded->file = std::get<UniqueFd>(std::move(copy));
  const auto actual = Sha256OfFile(path, loaded->file.get(), bytes.size());
  if (const auto* error = std::get_if<ErrorInfo>(&actual)) return *error;
  if (std::get<std::string>(actual) != sha256) {
    return ErrorInfo{.kind = ErrorKind::kInvalidArgument,
                     .message = absl::StrCat(ToAbsl(path), " is not opened: its SHA-256 is ",
                                             std::get<std::string>(actual),
                                             " and its caller has named ", sha256)};
  }
  const NamedFunctions::FillScope fill(&loaded->functions);
  const LocalCodeScope local;
  const std::string file = absl::StrCat("/proc/self/fd/", loaded->file.get());
  if (dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    return ErrorInfo{
        .kind = ErrorKind::kBuildMismatch,
        .message = absl::StrCat(ToAbsl(path), " does not fit this program: ", dlerror(),
                                "; it needs the same Troupe and compiler, and a program that is "
                                "linked with -rdynamic and has what the shared object uses")};
  }
  return loaded;
}

}  // namespace

std::string Sha256(std::span<const std::byte> bytes) {
  std::string hash(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return absl::BytesToHexString(hash);
}

std::variant<const NamedFunctions*, ErrorInfo> FunctionsOfSharedCode(
    std::string_view path, const std::string& sha256, std::span<const std::byte> bytes) {
  static std::mutex mutex;
  static auto* const all = new std::map<std::string, std::unique_ptr<Loaded>, std::less<>>;
  const std::lock_guard<std::mutex> lock(mutex);
  if (const auto it = all->find(sha256); it != all->end()) return &it->second->functions;
  auto loaded = Load(path, sha256, bytes);
  if (auto* error = std::get_if<ErrorInfo>(&loaded)) return std::move(*error);
  const auto it = all->emplace(sha256, std::get<0>(std::move(loaded))).first;
  return &it->second->functions;
}

}  // namespace troupe::worker
