#include "sdk/internal/option_range.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "sdk/errors.h"

namespace troupe::internal {

void CheckOption(const char* where, const char* option, int64_t value, int64_t least,
                 int64_t most) {
  if (value >= least && value <= most) return;
  const std::string range = most == INT64_MAX ? absl::StrCat("at least ", least)
                                              : absl::StrCat("from ", least, " to ", most);
  Throw(ErrorKind::kInvalidArgument,
        absl::StrCat(where, ": ", option, " = ", value, ": it is ", range));
}

}  // namespace troupe::internal
