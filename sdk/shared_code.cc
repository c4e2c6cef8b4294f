#include "sdk/shared_code.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <variant>

#include "absl/strings/str_cat.h"
#include "core/base/unique_fd.h"
#include "worker/shared_code.h"

namespace troupe {
namespace internal {
namespace {

// What goes before the arguments of a call, with the code.
struct SharedCall {
  std::string path;
  std::string sha256;
  std::string function;
  std::string signature;
};

// What a worker runs for each call of shared code.
void RunStoredCode(worker::TaskCall& call) {
  IncomingArgument<SharedCall> incoming;
  IncomingArgument<const Array<uint8_t>&> code;
  std::optional<ErrorInfo> error;
  if (call.arguments.size() < 2) {
    error = ErrorInfo{.kind = ErrorKind::kInternal, .message = "a call of code that did not come"};
  }
  if (!error.has_value()) error = incoming.Decode(call.session, &call.arguments[0]);
  if (!error.has_value()) error = code.Decode(call.session, &call.arguments[1]);
  if (error.has_value()) {
    call.Fail(*std::move(error));
    return;
  }
  const SharedCall what = incoming.Forward();
  const Array<uint8_t>& bytes = code.Forward();
  auto functions =
      worker::FunctionsOfSharedCode(what.path, what.sha256, std::as_bytes(bytes.span()));
  if (auto* unfit = std::get_if<ErrorInfo>(&functions)) {
    call.Fail(std::move(*unfit));
    return;
  }
  call.arguments.erase(call.arguments.begin(), call.arguments.begin() + 2);
  auto found = worker::PrepareNamed(*std::get<const worker::NamedFunctions*>(functions),
                                    what.function, what.signature, /*of_actor=*/false, &call);
  if (auto* unknown = std::get_if<ErrorInfo>(&found)) {
    unknown->message = absl::StrCat(what.path, ": ", unknown->message);
    call.Fail(std::move(*unknown));
    return;
  }
  const worker::NamedCall named = std::get<worker::NamedCall>(std::move(found));
  named.entry(call);
}

[[noreturn]] void Refuse(const std::string& path, const std::string& why) {
  Throw(ErrorKind::kInvalidArgument, absl::StrCat("SharedCode: ", path, " ", why));
}

// The whole file, where it will lie.
Builder<uint8_t> ReadIntoStore(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0)
    Refuse(path, absl::StrCat("cannot be read: ", std::strerror(errno)));
  if (!S_ISREG(info.st_mode)) Refuse(path, "is no file");
  Builder<uint8_t> bytes = Create<uint8_t>(static_cast<size_t>(info.st_size));
  for (std::span<uint8_t> rest = bytes.span(); !rest.empty();) {
    const ssize_t got = read(file.get(), rest.data(), rest.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) Refuse(path, absl::StrCat("cannot be read: ", std::strerror(errno)));
    if (got == 0) Refuse(path, "has become shorter while it was read");
    rest = rest.subspan(static_cast<size_t>(got));
  }
  return bytes;
}

// The ELF header of this program, which a shared object's must be like.
void CheckKind(const std::string& path, std::span<const uint8_t> bytes) {
  ElfW(Ehdr) header;
  if (bytes.size() < sizeof(header) || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
    Refuse(path, "is no shared object (ELF)");
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.e_type != ET_DYN) Refuse(path, "is no shared object: link it with -shared");
#if defined(__aarch64__)
  constexpr int kMachine = EM_AARCH64;
#else
  constexpr int kMachine = EM_X86_64;
#endif
  if (header.e_machine != kMachine) Refuse(path, "is a shared object for another processor");
}

StoredCode Store(const std::string& path) {
  Builder<uint8_t> bytes = ReadIntoStore(path);
  CheckKind(path, bytes.span());
  std::string sha256 = worker::Sha256(std::as_bytes(bytes.span()));
  CurrentSession()->TellOfCode({path, sha256, bytes.span().size()});
  return {path, std::move(sha256), bytes.Seal()};
}

}  // namespace

void CallStoredCode(const StoredCode& code, const std::string& function,
                    const std::string& signature, OutgoingCall& call) {
  call.SetEntry(&RunStoredCode);
  call.Add<SharedCall>(SharedCall{code.path, code.sha256, function, signature});
  call.Add<const Array<uint8_t>&>(code.bytes);
}

}  // namespace internal

SharedCode::SharedCode(const std::string& path)
    : code_(std::make_shared<const internal::StoredCode>(internal::Store(path))) {}

}  // namespace troupe
