// Cap'n Proto messages as values: arguments, results and objects that are read where they lie.
//
//   capnp::MallocMessageBuilder message;
//   FillIn(message.initRoot<AddressBook>());
//   auto book = troupe::Put(troupe::CapnpMessage<AddressBook>(message));
//
//   size_t CountPeople(const troupe::CapnpMessage<AddressBook>& book) {   // in a worker, no copy
//     return book.root().getPeople().size();
//   }
//   size_t people = troupe::Get(troupe::Task(CountPeople).Remote(book));
//
//   troupe::CapnpBuilder<AddressBook> built = troupe::CreateCapnp<AddressBook>(1 << 20);
//   FillIn(built.root());                                                 // in the object store
//   troupe::ObjectRef<troupe::CapnpMessage<AddressBook>> same = built.Seal();
//
// A message has the type of its root: one that is read as another is a TypeMismatch. Fields may be
// added to a schema as Cap'n Proto allows it. References (ObjectRef) do not travel inside a
// message: pass them beside it. Reading never goes outside of the message, whatever its bytes;
// what is wrong with a pointer in it is thrown as kj::Exception when it is followed.
// Thread-safety: a copy for each thread; copies share the bytes.
#ifndef TROUPE_SDK_CAPNP_H_
#define TROUPE_SDK_CAPNP_H_

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/array.h>
#include <kj/exception.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sdk/troupe.h"

namespace troupe {

template <typename S>
class CapnpMessage {
 public:
  using Reader = typename S::Reader;

  // A message whose root has its defaults.
  CapnpMessage() {
    static const kj::Array<capnp::word> defaults = [] {
      capnp::MallocMessageBuilder message(8);
      message.initRoot<S>();
      return capnp::messageToFlatArray(message);
    }();
    View({defaults.begin(), defaults.size()}, nullptr);
  }
  // A copy of what was built. Throws kj::Exception.
  explicit CapnpMessage(capnp::MessageBuilder& message) { Adopt(message); }
  // A view of a flat message, as capnp::messageToFlatArray makes it, which `owner` keeps where it
  // is. Throws kj::Exception where it is cut off.
  CapnpMessage(std::span<const capnp::word> words, std::shared_ptr<const void> owner) {
    View(words, std::move(owner));
  }
  CapnpMessage(const CapnpMessage& other) { View(other.words_, other.owner_); }
  CapnpMessage(CapnpMessage&&) noexcept = default;
  CapnpMessage& operator=(CapnpMessage other) noexcept {
    words_ = other.words_;
    owner_.swap(other.owner_);
    reader_.swap(other.reader_);
    return *this;
  }

  // Valid as long as this message, or a copy of it, lives.
  Reader root() const { return reader_->template getRoot<S>(); }
  // The flat message.
  std::span<const capnp::word> words() const { return words_; }

  // For troupe::serialize.
  template <typename Archive>
  void save(Archive& archive) const {  // NOLINT(readability-identifier-naming): cereal's name
    const size_t bytes = words_.size_bytes();
    archive(cereal::make_size_tag(static_cast<cereal::size_type>(bytes)));
    archive(cereal::binary_data(words_.data(), bytes));
  }
  template <typename Archive>
  void load(Archive& archive) {  // NOLINT(readability-identifier-naming)
    cereal::size_type bytes = 0;
    archive(cereal::make_size_tag(bytes));
    auto memory = std::make_shared<std::vector<capnp::word>>(bytes / sizeof(capnp::word));
    const std::span<capnp::word> words(*memory);
    if (words.size_bytes() != bytes)
      throw serialize::ArchiveError("a Cap'n Proto message is made of words");
    archive(cereal::binary_data(words.data(), words.size_bytes()));
    View(words, std::move(memory));
  }

 private:
  void Adopt(capnp::MessageBuilder& message) {
    auto words = std::make_shared<kj::Array<capnp::word>>(capnp::messageToFlatArray(message));
    const std::span<const capnp::word> view(words->begin(), words->size());
    View(view, std::move(words));
  }
  void View(std::span<const capnp::word> words, std::shared_ptr<const void> owner) {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = UINT64_MAX;  // it may be read many times
    words_ = words;
    owner_ = std::move(owner);
    reader_ = std::make_unique<capnp::FlatArrayMessageReader>(
        kj::arrayPtr(words.data(), words.size()), options);
  }

  std::span<const capnp::word> words_;
  std::shared_ptr<const void> owner_;
  std::unique_ptr<capnp::FlatArrayMessageReader> reader_;
};

namespace internal {

template <typename S>
absl::Status ViewCapnp(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                       void* message) {
  const auto content = serialize::ViewContiguous<CapnpMessage<S>>(bytes);
  if (!content.ok()) return content.status();
  try {
    *static_cast<CapnpMessage<S>*>(message) =
        CapnpMessage<S>({reinterpret_cast<const capnp::word*>(content->data()),
                         content->size() / sizeof(capnp::word)},
                        std::move(owner));
    return absl::OkStatus();
  } catch (const kj::Exception& e) {
    return absl::InvalidArgumentError(std::string("this is no Cap'n Proto message: ") +
                                      e.getDescription().cStr());
  }
}

}  // namespace internal

namespace serialize {

// Read where it lies.
template <typename S>
inline constexpr ValueType kValueType<CapnpMessage<S>> = {
    .name = TypeName<CapnpMessage<S>>(),
    .fingerprint = &Fingerprint<CapnpMessage<S>>,
    .write = &internal::Write<CapnpMessage<S>>,
    .read = &internal::Read<CapnpMessage<S>>,
    .view = &troupe::internal::ViewCapnp<S>};

}  // namespace serialize

// A message that is built in the object store, in memory of a fixed size. Move-only; what is not
// sealed is given back.
template <typename S>
class CapnpBuilder {
 public:
  // REQUIRES: space.bytes().size() == SpaceFor(words).
  CapnpBuilder(std::shared_ptr<worker::Session> session, worker::ValueSpace space, size_t words)
      : session_(std::move(session)),
        space_(std::make_unique<worker::ValueSpace>(std::move(space))) {
    const size_t bytes = (1 + words) * sizeof(capnp::word);
    serialize::WriteContiguousHeader<CapnpMessage<S>>(space_->bytes(), bytes);
    auto* const flat =
        reinterpret_cast<capnp::word*>(space_->bytes().data() + serialize::ContiguousAt(bytes));
    std::memset(static_cast<void*>(flat), 0, bytes);
    // The table before the only segment: the number of segments less one, and its size.
    const uint32_t table[2] = {0, static_cast<uint32_t>(words)};
    static_assert(sizeof(table) == sizeof(capnp::word));
    std::memcpy(static_cast<void*>(flat), table, sizeof(table));
    builder_ = std::make_unique<capnp::FlatMessageBuilder>(kj::arrayPtr(flat + 1, words));
    builder_->template initRoot<S>();
  }
  CapnpBuilder(CapnpBuilder&&) noexcept = default;
  CapnpBuilder& operator=(CapnpBuilder&&) = delete;
  ~CapnpBuilder() {
    builder_.reset();
    if (session_ != nullptr) session_->Abandon(std::move(*space_));
  }

  static size_t SpaceFor(size_t words) {
    const size_t bytes = (1 + words) * sizeof(capnp::word);
    return serialize::ContiguousAt(bytes) + bytes;
  }

  // Writable until Seal. What does not fit is thrown as kj::Exception. Throws InvalidArgument after
  // Seal: others read it where it lies, and nothing may write by what root() gave before.
  typename S::Builder root() {
    if (builder_ == nullptr) {
      internal::Throw(ErrorKind::kInvalidArgument,
                      "this CapnpBuilder was sealed: what others read cannot be changed");
    }
    return builder_->template getRoot<S>();
  }

  // Makes it immutable, and visible to others. Throws ResourceExhausted, Unavailable.
  // REQUIRES: it was not sealed before.
  ObjectRef<CapnpMessage<S>> Seal() {
    if (session_ == nullptr)
      internal::Throw(ErrorKind::kInvalidArgument, "Seal: this CapnpBuilder was sealed before");
    builder_.reset();
    const std::shared_ptr<worker::Session> session = std::exchange(session_, nullptr);
    auto sealed = session->Seal(std::move(*space_), {});
    if (auto* error = std::get_if<ErrorInfo>(&sealed)) internal::Throw(std::move(*error));
    return ObjectRef<CapnpMessage<S>>(
        internal::Handle(session, std::get<objectstore::HandleCount*>(sealed)));
  }

 private:
  std::shared_ptr<worker::Session> session_;
  std::unique_ptr<worker::ValueSpace> space_;  // so that it stays where it is when this is moved
  std::unique_ptr<capnp::FlatMessageBuilder> builder_;
};

// Memory for a message of at most so many words of 8 bytes, all of which it takes. Throws
// ResourceExhausted where the store has no room, InvalidArgument for none or too many words.
template <typename S>
CapnpBuilder<S> CreateCapnp(size_t words) {
  if (words == 0 || words >= size_t{1} << 29) {
    internal::Throw(ErrorKind::kInvalidArgument,
                    "CreateCapnp: a message has from 1 to 2^29 - 1 words in one segment");
  }
  std::shared_ptr<worker::Session> session = internal::CurrentSession();
  auto space = session->Reserve(CapnpBuilder<S>::SpaceFor(words));
  if (auto* error = std::get_if<ErrorInfo>(&space)) internal::Throw(std::move(*error));
  return CapnpBuilder<S>(std::move(session), std::get<worker::ValueSpace>(std::move(space)), words);
}

}  // namespace troupe

#endif  // TROUPE_SDK_CAPNP_H_
