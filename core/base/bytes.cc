#include "core/base/bytes.h"

#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/string_view.h"

namespace troupe {

absl::StatusOr<int64_t> ParseBytes(std::string_view text) {
  const auto error = [&] {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", ToAbsl(text),
        "\" is not a size: write a number of bytes, or one with KiB, MiB, GiB or TiB"));
  };
  const size_t digits = text.find_first_not_of("0123456789.");
  double number = 0;
  if (!absl::SimpleAtod(ToAbsl(text.substr(0, digits)), &number)) return error();
  std::string unit =
      digits == std::string_view::npos ? "" : absl::AsciiStrToLower(ToAbsl(text.substr(digits)));
  absl::StripAsciiWhitespace(&unit);
  int shift = 0;
  if (!unit.empty() && unit != "b") {
    const size_t exponent = std::string_view("kmgt").find(unit[0]);
    if (exponent == std::string_view::npos) return error();
    const std::string_view rest = std::string_view(unit).substr(1);
    if (rest != "" && rest != "b" && rest != "ib") return error();
    shift = 10 * (static_cast<int>(exponent) + 1);
  }
  const double bytes = std::ldexp(number, shift);
  if (bytes >= static_cast<double>(std::numeric_limits<int64_t>::max())) return error();
  return static_cast<int64_t>(bytes);
}

std::string FormatBytes(int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (std::abs(value) >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return absl::StrCat(bytes, " B");
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

}  // namespace troupe
