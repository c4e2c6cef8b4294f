// Where the parts of the usual messages lie, for the short road: as `capnp compile -ocapnp
// protocol.capnp` tells it. A size that is not the schema's does not compile; that each field is in
// its place is seen by wire_test.cc, which compares the two roads. Private to core/wire.
#ifndef TROUPE_CORE_WIRE_PLAIN_LAYOUT_H_
#define TROUPE_CORE_WIRE_PLAIN_LAYOUT_H_

#include <capnp/schema.h>

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/wire/protocol.capnp.h"

namespace troupe::wire::internal::plain {

static_assert(std::endian::native == std::endian::little, "words lie in a message as in memory");

// Of a struct, in words.
struct Size {
  uint16_t data = 0;
  uint16_t pointers = 0;

  constexpr size_t words() const { return size_t{data} + pointers; }
  // As a pointer to the struct, or the tag of a list of them, says it in its upper half.
  constexpr uint64_t encoded() const { return data | static_cast<uint64_t>(pointers) << 16; }
};

// The lower two bits of a pointer say to what; of a list, the next three of the upper half, of
// what.
inline constexpr uint64_t kList = 1;
inline constexpr uint64_t kOfBytes = 2;
inline constexpr uint64_t kOfStructs = 7;

template <typename Schema>
constexpr Size SizeOf(uint16_t data, uint16_t pointers) {
  const Size size{data, pointers};
  return size.words() == capnp::sizeInWords<Schema>() ? size
                                                      : throw "the schema has another size of it";
}
inline constexpr Size kClientMessage = SizeOf<schema::ClientMessage>(2, 1);
inline constexpr Size kNodeMessage = SizeOf<schema::NodeMessage>(2, 1);
inline constexpr Size kTaskSpec = SizeOf<schema::TaskSpec>(10, 6);
inline constexpr Size kActorCall = SizeOf<schema::ActorCall>(3, 1);
inline constexpr Size kArgument = SizeOf<schema::Argument>(1, 2);
inline constexpr Size kId = SizeOf<schema::Id>(2, 0);
inline constexpr Size kSeal = SizeOf<schema::Seal>(2, 1);
inline constexpr Size kComplete = SizeOf<schema::Complete>(4, 1);
inline constexpr Size kValue = SizeOf<schema::Value>(1, 2);
inline constexpr Size kLocation = SizeOf<schema::Location>(3, 0);
inline constexpr Size kGrant = SizeOf<schema::Grant>(3, 0);
inline constexpr Size kDispatch = SizeOf<schema::Dispatch>(4, 3);
inline constexpr Size kReady = SizeOf<schema::Ready>(2, 1);

// The pointers of a task.
inline constexpr size_t kName = 0, kCallable = 1, kArguments = 2, kOptions = 3, kCall = 4,
                        kCreation = 5;
// Those of a dispatch.
inline constexpr size_t kValues = 0, kRefs = 1, kSpec = 2;

}  // namespace troupe::wire::internal::plain

#endif  // TROUPE_CORE_WIRE_PLAIN_LAYOUT_H_
