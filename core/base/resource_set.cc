#include "core/base/resource_set.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"

namespace troupe {
namespace {

auto Find(const std::vector<std::pair<std::string, int64_t>>& named, std::string_view name) {
  return std::lower_bound(named.begin(), named.end(), name,
                          [](const auto& entry, std::string_view n) { return entry.first < n; });
}

}  // namespace

int64_t ResourceSet::Named(std::string_view name) const {
  const auto it = Find(named_, name);
  return it != named_.end() && it->first == name ? it->second : 0;
}

void ResourceSet::SetNamed(std::string_view name, int64_t units) {
  const auto at = named_.begin() + (Find(named_, name) - named_.begin());
  const bool exists = at != named_.end() && at->first == name;
  if (units == 0) {
    if (exists) named_.erase(at);
  } else if (exists) {
    at->second = units;
  } else {
    named_.emplace(at, std::string(name), units);
  }
}

bool ResourceSet::CoversNamed(const ResourceSet& want) const {
  return std::all_of(want.named_.begin(), want.named_.end(),
                     [&](const auto& entry) { return entry.second <= Named(entry.first); });
}

void ResourceSet::Add(const ResourceSet& other) {
  cpu_units_ += other.cpu_units_;
  for (const auto& [name, units] : other.named_) SetNamed(name, Named(name) + units);
}

void ResourceSet::Subtract(const ResourceSet& other) {
  cpu_units_ -= other.cpu_units_;
  for (const auto& [name, units] : other.named_) SetNamed(name, Named(name) - units);
}

std::string ResourceSet::ToString() const {
  const auto amount = [](int64_t units) {
    return absl::StrCat(static_cast<double>(units) / kResourceUnit);
  };
  std::string text = absl::StrCat(amount(cpu_units_), " cpus");
  for (const auto& [name, units] : named_) {
    if (name == "memory" || std::string_view(name).starts_with("memory@")) {
      absl::StrAppend(&text, ", ", FormatBytes(units / kResourceUnit), " of ", name);
    } else {
      absl::StrAppend(&text, ", ", amount(units), " ", name);
    }
  }
  return text;
}

}  // namespace troupe
