#include "worker/code_reference.h"

#include <elf.h>
#include <link.h>

#include <cstring>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace troupe::worker {
namespace {

struct Executable {
  uintptr_t base = 0;
  uintptr_t code_begin = 0;  // of the executable segment
  uintptr_t code_end = 0;
  std::vector<std::pair<uintptr_t, uintptr_t>> constants;  // begin and end of what nobody writes
  std::string build_id;

  // Where the constants around an address end; 0 where there are none.
  uintptr_t EndOfConstants(uintptr_t address) const {
    for (const auto& [begin, end] : constants) {
      if (begin <= address && address < end) return end;
    }
    return 0;
  }
};

void ReadNotes(const char* at, const char* end, std::string* build_id) {
  while (static_cast<size_t>(end - at) >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof(note));
    const char* name = at + sizeof(note);
    const char* content = name + ((note.n_namesz + 3) & ~3u);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
      build_id->assign(content, note.n_descsz);
    }
    at = content + ((note.n_descsz + 3) & ~3u);
  }
}

// The first object that is reported is the executable itself.
int Inspect(dl_phdr_info* info, size_t, void* data) {
  auto* executable = static_cast<Executable*>(data);
  executable->base = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0 && executable->code_begin == 0) {
      executable->code_begin = begin;
      executable->code_end = begin + header.p_memsz;
    }
    if (header.p_type == PT_LOAD && (header.p_flags & (PF_R | PF_W)) == PF_R)
      executable->constants.emplace_back(begin, begin + header.p_memsz);
    if (header.p_type == PT_NOTE) {
      ReadNotes(reinterpret_cast<const char*>(begin),
                reinterpret_cast<const char*>(begin + header.p_memsz), &executable->build_id);
    }
  }
  return 1;
}

const Executable& ThisExecutable() {
  static const Executable executable = [] {
    Executable e;
    dl_iterate_phdr(Inspect, &e);
    return e;
  }();
  return executable;
}

// What has been referred to within a LocalCodeScope. Never destroyed, as the code.
struct LocalCode {
  std::mutex mutex;
  absl::flat_hash_set<uintptr_t> addresses;
};
LocalCode& TheLocalCode() {
  static auto* const local = new LocalCode;
  return *local;
}
thread_local int local_scopes = 0;

}  // namespace

LocalCodeScope::LocalCodeScope() { ++local_scopes; }
LocalCodeScope::~LocalCodeScope() { --local_scopes; }

absl::StatusOr<uint64_t> OffsetOfCode(const void* function) {
  const Executable& executable = ThisExecutable();
  const auto address = reinterpret_cast<uintptr_t>(function);
  if (address < executable.code_begin || address >= executable.code_end) {
    if (local_scopes == 0) {
      return absl::FailedPreconditionError(
          "the function lies in a shared object, which workers may load elsewhere: link it into "
          "the executable (Bazel: --dynamic_mode=off), or call it by a troupe::SharedCode");
    }
    LocalCode& local = TheLocalCode();
    const std::lock_guard<std::mutex> lock(local.mutex);
    local.addresses.insert(address);
  }
  return address - executable.base;
}

absl::StatusOr<const void*> CodeAtOffset(uint64_t offset) {
  const Executable& executable = ThisExecutable();
  const uintptr_t address = executable.base + offset;
  if (address < executable.code_begin || address >= executable.code_end) {
    LocalCode& local = TheLocalCode();
    const std::lock_guard<std::mutex> lock(local.mutex);
    if (!local.addresses.contains(address)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "code offset ", offset, " is not in this executable: the caller is another build"));
    }
  }
  return reinterpret_cast<const void*>(address);
}

uint32_t OffsetOfText(const char* text) {
  const Executable& executable = ThisExecutable();
  const auto address = reinterpret_cast<uintptr_t>(text);
  if (executable.EndOfConstants(address) == 0) return 0;
  const uintptr_t offset = address - executable.base;
  return offset <= std::numeric_limits<uint32_t>::max() ? static_cast<uint32_t>(offset) : 0;
}

const char* TextAtOffset(uint32_t offset) {
  const Executable& executable = ThisExecutable();
  const uintptr_t address = executable.base + offset;
  const uintptr_t end = offset == 0 ? 0 : executable.EndOfConstants(address);
  const auto* const text = reinterpret_cast<const char*>(address);
  // Another process has sent it: what is there may have no end.
  return end != 0 && std::memchr(text, 0, end - address) != nullptr ? text : "";
}

const std::string& BuildId() { return ThisExecutable().build_id; }

}  // namespace troupe::worker
