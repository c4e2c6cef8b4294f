#include "core/serialize/serialize.h"

#include <cxxabi.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"

namespace troupe::serialize {

namespace {

// Runs f, which writes into the archive or reads from it, and turns what it throws into a Status.
template <typename Archive, typename F>
absl::Status Guard(const ValueType& type, Archive& archive, F f) {
  const auto error = [&](std::string_view what) {
    constexpr bool writes = std::is_same_v<Archive, OutputArchive>;
    const std::string text = archive.path().Before(what);
    return writes ? internal::EncodeError(type.name, text) : internal::DecodeError(type.name, text);
  };
  try {
    f();
    return absl::OkStatus();
  } catch (const std::exception& e) {
    return error(e.what());
  } catch (const abi::__forced_unwind&) {  // the thread is ended
    throw;
  } catch (...) {
    return error("something that is no std::exception was thrown");
  }
}

}  // namespace

absl::StatusOr<EncodedSize> Measure(const ValueType& type, const void* value) {
  if (type.number_bytes != 0) return EncodedSize{sizeof(ValueHeader) + type.number_bytes, 0};
  if (type.numbers != nullptr) return EncodedSize{kArrayDataAt + type.numbers(value).size(), 0};
  OutputArchive archive({}, sizeof(ValueHeader), nullptr, type.own_levels);
  absl::Status status = Guard(type, archive, [&] { type.write(archive, value); });
  if (!status.ok()) return status;
  return EncodedSize{archive.offset(), archive.ref_count()};
}

absl::Status EncodeTo(const ValueType& type, const void* value, std::span<std::byte> out,
                      std::vector<ObjectId>* refs) {
  if (type.number_bytes != 0) {
    const ValueHeader header{.fingerprint = type.fingerprint()};
    std::memcpy(out.data(), &header, sizeof(header));
    std::memcpy(out.data() + sizeof(header), value, type.number_bytes);
    return absl::OkStatus();
  }
  if (type.numbers != nullptr) {
    const std::span<const std::byte> numbers = type.numbers(value);
    internal::WriteArrayHeader(type.fingerprint(), out, numbers.size() / type.element_bytes);
    CopyBytes(out.data() + kArrayDataAt, numbers.data(), numbers.size());
    return absl::OkStatus();
  }
  OutputArchive archive(out, sizeof(ValueHeader), refs, type.own_levels);
  return Guard(type, archive, [&] {
    type.write(archive, value);
    if (archive.offset() != out.size())
      throw ArchiveError("its size changed while it was being written");
    const ValueHeader header{.fingerprint = type.fingerprint(), .ref_count = archive.ref_count()};
    std::memcpy(out.data(), &header, sizeof(header));
  });
}

absl::Status DecodeInto(const ValueType& type, std::span<const std::byte> bytes,
                        std::span<const ObjectId> refs, void* value) {
  if (type.numbers != nullptr) {
    const auto numbers = internal::NumbersIn(type, bytes);
    if (!numbers.ok()) return numbers.status();
    type.set_numbers(value, *numbers);
    return absl::OkStatus();
  }
  if (absl::Status status = internal::CheckHeader(type, bytes); !status.ok()) return status;
  if (type.number_bytes != 0 && bytes.size() == sizeof(ValueHeader) + type.number_bytes) {
    std::memcpy(value, bytes.data() + sizeof(ValueHeader), type.number_bytes);
    return absl::OkStatus();
  }
  InputArchive archive(bytes, sizeof(ValueHeader), refs, type.own_levels);
  absl::Status status = Guard(type, archive, [&] {
    type.read(archive, value);
    if (archive.remaining() != 0) throw ArchiveError("it has bytes left over");
  });
  if (!status.ok()) archive.EmptyShared();
  return status;
}

absl::StatusOr<std::string_view> ViewString(std::span<const std::byte> bytes) {
  const auto view = ViewContiguous<std::string>(bytes);
  if (!view.ok()) return view.status();
  return std::string_view(reinterpret_cast<const char*>(view->data()), view->size());
}

}  // namespace troupe::serialize

namespace troupe::serialize::internal {

namespace {

constexpr char kTooShort[] = "its bytes end too early";

// Initialised before any code runs: types become known before main.
constinit std::atomic<const KnownType*> known_types = nullptr;

absl::Status MismatchError(uint64_t wanted_fingerprint, uint64_t stored_fingerprint) {
  std::string stored = TextOf(stored_fingerprint);
  for (const KnownType* known = known_types; stored.empty() && known != nullptr;
       known = known->next()) {
    if (known->type().fingerprint() == stored_fingerprint) stored = TextOf(stored_fingerprint);
  }
  if (stored.empty()) stored = "that this program does not know";
  return absl::FailedPreconditionError(absl::StrCat(
      "a value of type ", stored, " (", absl::Hex(stored_fingerprint, absl::kZeroPad16),
      ") was read as ", TextOf(wanted_fingerprint), " (",
      absl::Hex(wanted_fingerprint, absl::kZeroPad16), ")"));
}

// After the header: a count or size.
absl::StatusOr<uint64_t> SizeIn(const ValueType& type, std::span<const std::byte> bytes) {
  if (absl::Status status = CheckHeader(type, bytes); !status.ok()) return status;
  uint64_t size = 0;
  if (bytes.size() < sizeof(ValueHeader) + sizeof(size)) return DecodeError(type.name, kTooShort);
  std::memcpy(&size, bytes.data() + sizeof(ValueHeader), sizeof(size));
  return size;
}

void WriteHeaderAndSize(uint64_t fingerprint, uint64_t size, std::span<std::byte> out) {
  std::memset(out.data(), 0, out.size());
  const ValueHeader header{.fingerprint = fingerprint};
  std::memcpy(out.data(), &header, sizeof(header));
  std::memcpy(out.data() + sizeof(header), &size, sizeof(size));
}

}  // namespace

KnownType::KnownType(const ValueType* type) : type_(type), next_(known_types) {
  while (!known_types.compare_exchange_weak(next_, this)) {
  }
}

absl::Status CheckHeader(const ValueType& type, std::span<const std::byte> bytes) {
  ValueHeader header;
  if (bytes.size() < sizeof(header)) return DecodeError(type.name, kTooShort);
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.fingerprint != type.fingerprint())
    return MismatchError(type.fingerprint(), header.fingerprint);
  return absl::OkStatus();
}

void WriteArrayHeader(uint64_t fingerprint, std::span<std::byte> out, uint64_t count) {
  WriteHeaderAndSize(fingerprint, count, out.first(kArrayDataAt));
}

absl::StatusOr<std::span<const std::byte>> NumbersIn(const ValueType& type,
                                                     std::span<const std::byte> bytes) {
  const auto count = SizeIn(type, bytes);
  if (!count.ok()) return count.status();
  if (bytes.size() < kArrayDataAt || *count > (bytes.size() - kArrayDataAt) / type.element_bytes)
    return DecodeError(type.name, kTooShort);
  return bytes.subspan(kArrayDataAt, static_cast<size_t>(*count) * type.element_bytes);
}

void WriteContiguousHeader(uint64_t fingerprint, std::span<std::byte> out, uint64_t size) {
  WriteHeaderAndSize(fingerprint, size, out.first(ContiguousAt(static_cast<size_t>(size))));
}

absl::StatusOr<std::span<const std::byte>> ContiguousIn(const ValueType& type,
                                                        std::span<const std::byte> bytes) {
  const auto size = SizeIn(type, bytes);
  if (!size.ok()) return size.status();
  if (*size > bytes.size()) return DecodeError(type.name, kTooShort);
  const size_t begin = ContiguousAt(static_cast<size_t>(*size));
  if (begin > bytes.size() || *size > bytes.size() - begin)
    return DecodeError(type.name, kTooShort);
  return bytes.subspan(begin, static_cast<size_t>(*size));
}

std::string PolymorphicError(const std::type_info& base, const std::string& derived) {
  const auto demangled = [](const std::string& name) {
    int status = 0;
    char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
    std::string result = status == 0 && text != nullptr ? text : name;
    std::free(text);
    return result;
  };
  return absl::StrCat("the class ", demangled(derived), " is not registered for pointers to ",
                      demangled(base.name()),
                      ": add const bool registered = RegisterDerived<Base, "
                      "Derived>(\"name\") at namespace scope");
}

absl::Status EncodeError(std::string_view type, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("a ", ReadableName(type), " cannot be sent: ", ToAbsl(what)));
}

absl::Status DecodeError(std::string_view type, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("this is no ", ReadableName(type), ": ", ToAbsl(what)));
}

}  // namespace troupe::serialize::internal
