#include "core/base/ids.h"

#include "absl/strings/str_cat.h"

namespace troupe {

std::string ToString(ClientId id) { return absl::StrCat("c-", static_cast<uint64_t>(id)); }

std::string ObjectId::ToString() const {
  if (is_null()) return "o-none";
  std::string text = absl::StrCat("o-", static_cast<uint64_t>(client()), ".", lo_);
  if (index() != 0) absl::StrAppend(&text, ".", index());
  return text;
}

std::string TaskId::ToString() const {
  if (is_null()) return "t-none";
  return absl::StrCat("t-", static_cast<uint64_t>(client()), ".", lo());
}

}  // namespace troupe
