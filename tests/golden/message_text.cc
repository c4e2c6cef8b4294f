#include "tests/golden/message_text.h"

#include <capnp/dynamic.h>
#include <capnp/message.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/wire/protocol.capnp.h"

namespace troupe::golden {
namespace {

using capnp::DynamicStruct;
using capnp::DynamicValue;

// `always`: even where it is empty.
void AppendValue(const DynamicValue::Reader& value, const std::string& path, bool always,
                 std::string* text);

void AppendStruct(const DynamicStruct::Reader& fields, const std::string& path, std::string* text) {
  for (const auto field : fields.getSchema().getFields()) {
    const bool of_union =
        field.getProto().getDiscriminantValue() != capnp::schema::Field::NO_DISCRIMINANT;
    if (!fields.has(field, of_union ? capnp::HasMode::NON_NULL : capnp::HasMode::NON_DEFAULT))
      continue;
    const std::string name = field.getProto().getName().cStr();
    AppendValue(fields.get(field), path.empty() ? name : absl::StrCat(path, ".", name), of_union,
                text);
  }
}

void AppendValue(const DynamicValue::Reader& value, const std::string& path, bool always,
                 std::string* text) {
  const auto append = [&](const auto& what) { absl::StrAppend(text, path, " = ", what, "\n"); };
  switch (value.getType()) {
    case DynamicValue::VOID:
      return append("void");
    case DynamicValue::BOOL:
      return append(value.as<bool>() ? "true" : "false");
    case DynamicValue::INT:
      return append(value.as<int64_t>());
    case DynamicValue::UINT:
      return append(value.as<uint64_t>());
    case DynamicValue::TEXT: {
      const auto string = value.as<capnp::Text>();
      if (!always && string.size() == 0) return;
      const absl::string_view view(string.begin(), string.size());
      return append(absl::StrCat("\"", absl::CEscape(view), "\""));
    }
    case DynamicValue::DATA: {
      const auto data = value.as<capnp::Data>();
      if (!always && data.size() == 0) return;
      const absl::string_view view(reinterpret_cast<const char*>(data.begin()), data.size());
      return append(absl::StrCat("0x", absl::BytesToHexString(view)));
    }
    case DynamicValue::LIST: {
      const auto list = value.as<capnp::DynamicList>();
      if (!always && list.size() == 0) return;
      append(absl::StrCat(list.size(), " elements"));
      for (unsigned i = 0; i < list.size(); ++i)
        AppendValue(list[i], absl::StrCat(path, "[", i, "]"), false, text);
      return;
    }
    case DynamicValue::STRUCT: {
      const size_t before = text->size();
      AppendStruct(value.as<DynamicStruct>(), path, text);
      if (always && text->size() == before) append("{}");
      return;
    }
    default:
      TROUPE_CHECK(false, "a type that no message has");
  }
}

template <typename Schema>
std::string TextOf(wire::Bytes message) {
  std::vector<capnp::word> words(message.size() / sizeof(capnp::word));
  TROUPE_CHECK(message.size() == words.size() * sizeof(capnp::word), "half a word");
  std::copy(message.begin(), message.end(), reinterpret_cast<std::byte*>(words.data()));
  const kj::ArrayPtr<const capnp::word> segment(words.data(), words.size());
  capnp::SegmentArrayMessageReader reader(kj::arrayPtr(&segment, 1));
  std::string text;
  AppendStruct(reader.getRoot<Schema>(), "", &text);
  return text;
}

}  // namespace

std::string MessageText(Root root, wire::Bytes message) {
  switch (root) {
    case Root::kClient:
      return TextOf<wire::schema::ClientMessage>(message);
    case Root::kNode:
      return TextOf<wire::schema::NodeMessage>(message);
    case Root::kControl:
      return TextOf<wire::schema::ControlMessage>(message);
  }
  TROUPE_CHECK(false, "a root that does not exist");
}

}  // namespace troupe::golden
