// What the codecs of this package share: building and reading one single-segment Cap'n Proto
// message, and the parts that several kinds of message have.
//
// For a part X of the messages, Words(x) bounds its size in words, Set(x, builder) writes it, and
// Get(reader) reads it as a view. Private to core/wire. kj's exceptions become a Status here and
// nowhere else.
#ifndef TROUPE_CORE_WIRE_CODEC_H_
#define TROUPE_CORE_WIRE_CODEC_H_

#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/wire/messages.h"
#include "core/wire/protocol.capnp.h"

namespace troupe::wire::internal {

inline constexpr size_t kWordBytes = sizeof(uint64_t);

// Words for a pointer plus its bytes (texts have a closing zero).
constexpr size_t WordsFor(size_t bytes) { return 2 + (bytes + kWordBytes) / kWordBytes; }
inline size_t WordsForIds(size_t count) { return 2 + 2 * count; }

// Builds a message whose root is Schema. `words` bounds its size; `fill(Schema::Builder)` writes
// it.
template <typename Schema, typename Fill>
Bytes Build(MessageBuffer& buffer, size_t words, Fill fill) {
  const std::span<uint64_t> memory = buffer.Zeroed(words + 2);
  capnp::FlatMessageBuilder builder(
      kj::arrayPtr(reinterpret_cast<capnp::word*>(memory.data()), memory.size()));
  fill(builder.initRoot<Schema>());
  const auto segments = builder.getSegmentsForOutput();
  TROUPE_CHECK(segments.size() == 1, "a message of more than one segment");
  return Bytes(reinterpret_cast<const std::byte*>(segments[0].begin()),
               segments[0].size() * kWordBytes);
}

// Calls use(Schema::Reader), which returns a Status; a malformed message becomes InvalidArgument.
template <typename Schema, typename Use>
absl::Status Read(Bytes bytes, Use use) {
  if (bytes.empty() || bytes.size() % kWordBytes != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message of ", bytes.size(), " bytes is not made of whole words"));
  }
  const kj::ArrayPtr<const capnp::word> segment(reinterpret_cast<const capnp::word*>(bytes.data()),
                                                bytes.size() / kWordBytes);
  const kj::ArrayPtr<const capnp::word> segments[1] = {segment};
  capnp::ReaderOptions options;
  options.traversalLimitInWords = segment.size() * 2 + 64;
  options.nestingLimit = Limits::kMaxNestingDepth;
  absl::Status status;
  try {
    capnp::SegmentArrayMessageReader reader(kj::arrayPtr(segments, 1), options);
    status = use(reader.getRoot<Schema>());
  } catch (const kj::Exception& e) {
    return absl::InvalidArgumentError(
        absl::StrCat("malformed message: ", e.getDescription().cStr()));
  }
  return status;
}

inline kj::ArrayPtr<const kj::byte> ToKj(Bytes bytes) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size());
}
inline Bytes FromKj(capnp::Data::Reader data) {
  return Bytes(reinterpret_cast<const std::byte*>(data.begin()), data.size());
}
inline std::string_view FromKj(capnp::Text::Reader text) {
  return std::string_view(text.begin(), text.size());
}
// Texts are written as bytes plus a closing zero, so that views without one may be passed.
template <typename InitText>
void SetText(std::string_view text, InitText init) {
  if (text.empty()) return;
  capnp::Text::Builder builder = init(static_cast<unsigned>(text.size()));
  std::memcpy(builder.begin(), text.data(), text.size());
}

// How many elements a list of structs has. Throws where they take hardly any room: Cap'n Proto lets
// one word stand for a list of any number of empty elements, each of which would take its full size
// in our vector. The smallest struct of a list in the schema has two words.
template <typename List>
unsigned CountOf(const List& list) {
  if (list.size() > 0) {
    const capnp::AnyStruct::Reader element{list[0]};
    const size_t words =
        element.getDataSection().size() / kWordBytes + element.getPointerSection().size();
    KJ_REQUIRE(words >= 2, "a list of elements that hold nothing", list.size());
  }
  return list.size();
}

inline void SetId(ObjectId id, schema::Id::Builder builder) {
  builder.setHi(id.hi());
  builder.setLo(id.lo());
}
inline ObjectId GetId(schema::Id::Reader reader) {
  return ObjectId(reader.getHi(), reader.getLo());
}

template <typename InitList>
void SetIds(const std::vector<ObjectId>& ids, InitList init) {
  if (ids.empty()) return;
  auto list = init(static_cast<unsigned>(ids.size()));
  for (unsigned i = 0; i < list.size(); ++i) SetId(ids[i], list[i]);
}
inline std::vector<ObjectId> GetIds(capnp::List<schema::Id>::Reader list) {
  std::vector<ObjectId> ids;
  ids.reserve(CountOf(list));
  for (const auto id : list) ids.push_back(GetId(id));
  return ids;
}

template <typename InitList>
void SetPins(const std::vector<Pin>& pins, InitList init) {
  if (pins.empty()) return;
  auto list = init(static_cast<unsigned>(pins.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setHi(pins[i].id.hi());
    list[i].setLo(pins[i].id.lo());
    list[i].setSerial(pins[i].serial);
  }
}
inline std::vector<Pin> GetPins(capnp::List<schema::Pin>::Reader list) {
  std::vector<Pin> pins;
  pins.reserve(CountOf(list));
  for (const auto r : list) pins.push_back({ObjectId(r.getHi(), r.getLo()), r.getSerial()});
  return pins;
}
inline size_t WordsForPins(size_t count) { return 2 + 3 * count; }

template <typename... F>
struct Overload : F... {
  using F::operator()...;
};
template <typename... F>
Overload(F...) -> Overload<F...>;

// Bounds, in words. A struct inside a list takes its own words plus the list's tag.
template <typename Schema>
constexpr size_t WordsOf() {
  return capnp::sizeInWords<Schema>();
}
inline constexpr size_t kSmall = 24;

// value_codec.cc
size_t Words(const ErrorInfo& e);
size_t Words(const Value& v);
void Set(const ErrorInfo& e, schema::Error::Builder b);
void Set(const Location& l, schema::Location::Builder b);
void Set(const Value& v, schema::Value::Builder b);
void Set(const StreamDemand& m, schema::StreamDemand::Builder b);
ErrorInfo Get(schema::Error::Reader r);
Location Get(schema::Location::Reader r);
Value Get(schema::Value::Reader r);
StreamDemand Get(schema::StreamDemand::Reader r);

// task_codec.cc
using Amounts = std::vector<std::pair<std::string, int64_t>>;
size_t Words(const Amounts& amounts);
template <typename Init>
void SetAmounts(const Amounts& amounts, Init init) {
  if (amounts.empty()) return;
  auto list = init(static_cast<unsigned>(amounts.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    SetText(amounts[i].first, [&](unsigned n) { return list[i].initName(n); });
    list[i].setUnits(amounts[i].second);
  }
}
Amounts GetAmounts(capnp::List<schema::NamedAmount>::Reader list);
size_t Words(const TaskSpec& t);
void Set(const TaskSpec& t, schema::TaskSpec::Builder b);
absl::Status Get(schema::TaskSpec::Reader r, TaskSpec* t);

}  // namespace troupe::wire::internal

#endif  // TROUPE_CORE_WIRE_CODEC_H_
