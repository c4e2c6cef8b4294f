#include "scheduler/core/placement_group.h"

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"

namespace troupe::scheduler {
namespace {

constexpr char kOf = '@';
constexpr std::string_view kCpus = "cpus@";

std::string GroupName(ObjectId id) { return absl::StrCat("g", id.ToString().substr(1)); }

ResourceSet Renamed(const ResourceSet& amounts, const std::string& suffix) {
  ResourceSet renamed;
  if (amounts.cpu_units() != 0) renamed.SetNamed("cpus" + suffix, amounts.cpu_units());
  for (const auto& [name, units] : amounts.named()) renamed.SetNamed(name + suffix, units);
  return renamed;
}

}  // namespace

ResourceSet PlacementGroup::Given() const {
  ResourceSet given;
  for (size_t i = 0; i < bundles.size(); ++i) given.Add(InBundle(bundles[i], id, i));
  return given;
}

std::string PlacementGroup::ToString() const {
  return name.empty() ? GroupName(id) : absl::StrCat(GroupName(id), " \"", name, "\"");
}

ResourceSet InBundle(const ResourceSet& amounts, ObjectId group, size_t bundle) {
  return Renamed(amounts, absl::StrCat(std::string(1, kOf), GroupName(group), "/", bundle));
}

ResourceSet InAnyBundle(const ResourceSet& amounts, ObjectId group) {
  return Renamed(amounts, std::string(1, kOf) + GroupName(group));
}

bool IsOfBundle(std::string_view name) { return name.find(kOf) != std::string_view::npos; }

ResourceSet CpusIn(const ResourceSet& amounts) {
  ResourceSet cpus(amounts.cpu_units());
  for (const auto& [name, units] : amounts.named()) {
    if (std::string_view(name).starts_with(kCpus)) cpus.SetNamed(name, units);
  }
  return cpus;
}

int64_t CpuUnitsIn(const ResourceSet& amounts) {
  int64_t units = amounts.cpu_units();
  for (const auto& [name, of_bundle] : amounts.named()) {
    if (std::string_view(name).starts_with(kCpus)) units += of_bundle;
  }
  return units;
}

}  // namespace troupe::scheduler
