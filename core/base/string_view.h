// The one bridge between std::string_view and Abseil's own.
//
// Debian 12's Abseil was built with a string_view of its own, so that
// absl::StrCat(std::string_view) does not compile there; in newer packages the two are the same
// type. Write std::string_view everywhere and pass it through here.
//
//   return absl::NotFoundError(ToAbsl(name));
#ifndef TROUPE_CORE_BASE_STRING_VIEW_H_
#define TROUPE_CORE_BASE_STRING_VIEW_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace troupe {

constexpr absl::string_view ToAbsl(std::string_view s) {
  return absl::string_view(s.data(), s.size());
}
inline std::string_view ToStd(absl::string_view s) { return std::string_view(s.data(), s.size()); }

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_STRING_VIEW_H_
