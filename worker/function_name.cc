#include "worker/function_name.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_replace.h"
#include "core/base/string_view.h"

namespace troupe::worker {
namespace {

// A file, read in place; empty where it cannot be.
class MappedFile {
 public:
  explicit MappedFile(const char* path) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
      void* bytes =
          mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
      if (bytes != MAP_FAILED) {
        bytes_ = {static_cast<const char*>(bytes), static_cast<size_t>(status.st_size)};
      }
    }
    if (fd >= 0) close(fd);
  }
  ~MappedFile() {
    if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view bytes_;
};

// False where `offset` lies too close to the end.
template <typename T>
bool Read(std::string_view bytes, size_t offset, T* value) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(value, bytes.data() + offset, sizeof(T));
  return true;
}

// What is there of it.
std::string_view Contents(std::string_view file, const ElfW(Shdr) & section) {
  if (section.sh_offset > file.size()) return {};
  return file.substr(section.sh_offset, section.sh_size);
}

// The function that begins at this address of the file; empty where there is none.
std::string_view SymbolIn(std::string_view file, ElfW(Addr) address) {
  ElfW(Ehdr) header;
  if (!file.starts_with(ELFMAG) || !Read(file, 0, &header)) return {};
  const auto read_section = [&](size_t number, ElfW(Shdr) * section) {
    return number < header.e_shnum &&
           Read(file, header.e_shoff + number * sizeof(*section), section);
  };
  ElfW(Shdr) section;
  for (size_t i = 0; read_section(i, &section); ++i) {
    ElfW(Shdr) names_section;
    if (section.sh_type != SHT_SYMTAB || !read_section(section.sh_link, &names_section)) continue;
    const std::string_view symbols = Contents(file, section);
    const std::string_view names = Contents(file, names_section);
    ElfW(Sym) symbol;
    for (size_t at = 0; Read(symbols, at, &symbol); at += sizeof(symbol)) {
      if (symbol.st_value != address || ELF64_ST_TYPE(symbol.st_info) != STT_FUNC ||
          symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names.size()) {
        continue;
      }
      const std::string_view name = names.substr(symbol.st_name);
      return name.substr(0, name.find('\0'));
    }
  }
  return {};
}

std::string SymbolOf(const void* function) {
  Dl_info info{};
  link_map* object = nullptr;
  if (dladdr1(function, &info, reinterpret_cast<void**>(&object), RTLD_DL_LINKMAP) == 0) return "";
  if (info.dli_sname != nullptr) return info.dli_sname;
  // The executable has no name here. Its file is the one that runs, even if its path has another.
  const MappedFile file(object->l_name[0] == '\0' ? "/proc/self/exe" : object->l_name);
  return std::string(
      SymbolIn(file.bytes(), reinterpret_cast<ElfW(Addr)>(function) - object->l_addr));
}

// One past the bracket that closes the one at `open`.
size_t EndOfGroup(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i + 1;
  }
  return text.size();
}

// "{lambda(int)#1}" becomes "{lambda #1}".
void DropParametersOfLambdas(std::string* text) {
  constexpr std::string_view kLambda = "{lambda";
  for (size_t at = 0; (at = text->find(kLambda, at)) != text->npos;) {
    at += kLambda.size();
    if (at < text->size() && (*text)[at] == '(') {
      text->replace(at, EndOfGroup(*text, at) - at, 1, ' ');
    }
  }
}

// How long the operator's name is that begins here, such as "operator<<"; 0: none does. What a
// conversion gives is no part of it.
size_t OperatorLength(std::string_view text, size_t at) {
  constexpr std::string_view kOperator = "operator";
  if (!text.substr(at).starts_with(kOperator)) return 0;
  if (at > 0 && text[at - 1] != ':' && text[at - 1] != ' ') return 0;
  const std::string_view sign = text.substr(at + kOperator.size());
  if (sign.starts_with("()")) return kOperator.size() + 2;
  const size_t length = sign.find_first_not_of("<>=!+-*/%^&|~,[]");
  if (length == 0 && !sign.starts_with(' ')) return 0;  // a longer identifier
  return kOperator.size() + (length == sign.npos ? sign.size() : length);
}

// Up to the function's parameters, without what it returns; those of the functions around it become
// "()".
std::string WithoutParameters(std::string_view text) {
  std::string name;
  bool may_return = true;  // what stands before a blank
  int depth = 0;           // of <> and {}
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (const size_t length = depth == 0 ? OperatorLength(text, i) : 0; length > 0) {
      name += text.substr(i, length);
      i += length;
      may_return = false;
    } else if (c == '(') {
      const size_t end = EndOfGroup(text, i);
      const std::string_view rest = text.substr(end);
      const bool of_type = depth > 0 || name.empty() || name.ends_with("decltype");
      if (!of_type && rest.starts_with("::")) {
        name += "()";
      } else if (!of_type) {
        break;
      } else {
        name += text.substr(i, end - i);
      }
      i = end;
    } else {
      if (c == '<' || c == '{') ++depth;
      if (c == '>' || c == '}') --depth;
      if (c == ' ' && depth == 0 && may_return) {
        name.clear();
      } else {
        name += c;
      }
      ++i;
    }
  }
  return name;
}

}  // namespace

std::string NameInSignature(std::string_view signature) {
  // "[abi:cxx11]": of functions that return a std::string. " const": of a function around it.
  std::string text = absl::StrReplaceAll(
      ToAbsl(signature),
      {{"(anonymous namespace)::", ""}, {"[abi:cxx11]", ""}, {") const::", ")::"}});
  DropParametersOfLambdas(&text);
  std::string name = WithoutParameters(text);
  // What a lambda is as a pointer, by g++ and by clang.
  for (const std::string_view pointee : {"::_FUN", "::__invoke"}) {
    name.resize(std::min(name.size(), name.rfind(pointee)));
  }
  return name.empty() ? std::string(signature) : name;
}

std::string FunctionName(const void* function) {
  const std::string symbol = SymbolOf(function);
  int status = 0;
  char* text = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  std::string name = status == 0 && text != nullptr ? NameInSignature(text) : symbol;
  std::free(text);
  return name;
}

}  // namespace troupe::worker
