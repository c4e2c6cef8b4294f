#include "core/wire/messages.h"

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/wire/roads.h"

namespace troupe::wire {
namespace {

using internal::EncodeAny;
using internal::EncodePlain;
using internal::GetAny;
using internal::GetPlain;

// `Smallest`: the alternative that it is until it is known.
template <typename Smallest, typename Message>
absl::StatusOr<Message> Decode(Bytes bytes) {
  absl::StatusOr<Message> message(absl::in_place, std::in_place_type<Smallest>);
  if (GetPlain(bytes, &*message)) return message;
  absl::Status status = GetAny(bytes, &*message);
  if (!status.ok()) message = std::move(status);
  return message;
}

template <typename Smallest, typename Message, typename Alternative>
absl::Status DecodeOne(Bytes bytes, Alternative* alternative) {
  if (GetPlain(bytes, alternative)) return absl::OkStatus();
  *alternative = Alternative();
  absl::StatusOr<Message> message = Decode<Smallest, Message>(bytes);
  if (!message.ok()) return message.status();
  if (!std::holds_alternative<Alternative>(*message))
    return absl::InvalidArgumentError("a message of another kind than was to be read");
  *alternative = std::get<Alternative>(*std::move(message));
  return absl::OkStatus();
}

// By the short road, if it goes there.
template <typename Message>
std::optional<Bytes> TryPlain(const Message& message, MessageBuffer& buffer) {
  if constexpr (requires { EncodePlain(message, buffer); }) {
    return EncodePlain(message, buffer);
  } else {
    return std::nullopt;
  }
}

// A variant of messages.
template <typename Message>
Bytes EncodeVariant(const Message& message, MessageBuffer& buffer) {
  const std::optional<Bytes> plain =
      std::visit([&](const auto& m) { return TryPlain(m, buffer); }, message);
  return plain.has_value() ? *plain : EncodeAny(message, buffer);
}

template <typename Message>
Bytes EncodeAlternative(const Message& message, MessageBuffer& buffer) {
  const std::optional<Bytes> plain = EncodePlain(message, buffer);
  return plain.has_value() ? *plain : EncodeAny(message, buffer);
}

}  // namespace

std::span<uint64_t> MessageBuffer::Zeroed(size_t words) {
  words_.assign(words, 0);
  return words_;
}

Bytes Encode(const ClientMessage& message, MessageBuffer& buffer) {
  return EncodeVariant(message, buffer);
}
Bytes Encode(const NodeMessage& message, MessageBuffer& buffer) {
  return EncodeVariant(message, buffer);
}
Bytes Encode(const TaskSpec& message, MessageBuffer& buffer) {
  return EncodeAlternative(message, buffer);
}
Bytes Encode(const Complete& message, MessageBuffer& buffer) {
  return EncodeAlternative(message, buffer);
}
Bytes Encode(const Dispatch& message, MessageBuffer& buffer) {
  return EncodeAlternative(message, buffer);
}

absl::StatusOr<ClientMessage> DecodeClientMessage(Bytes bytes) {
  return Decode<Unblocked, ClientMessage>(bytes);
}
absl::StatusOr<NodeMessage> DecodeNodeMessage(Bytes bytes) {
  return Decode<Recall, NodeMessage>(bytes);
}

absl::Status DecodeDispatch(Bytes bytes, Dispatch* message) {
  return DecodeOne<Recall, NodeMessage>(bytes, message);
}
absl::Status DecodeTask(Bytes bytes, TaskSpec* message) {
  return DecodeOne<Unblocked, ClientMessage>(bytes, message);
}

}  // namespace troupe::wire
