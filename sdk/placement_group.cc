#include "sdk/placement_group.h"

#include <utility>
#include <variant>

#include "sdk/get.h"
#include "sdk/internal/amounts.h"
#include "sdk/internal/value.h"

namespace troupe {

Placement::Placement(const PlacementGroup& group) : group_(group.handle()) {
  if (group_.id().is_null()) internal::Throw(internal::NullRefError("placement"));
}

PlacementGroup PlacementGroup::New(const std::vector<Bundle>& bundles,
                                   const PlacementGroupOptions& options) {
  wire::PlacementGroup message;
  message.strategy = options.strategy;
  message.name = options.name;
  if (bundles.empty() || bundles.size() > Limits::kMaxBundles) {
    internal::Throw(ErrorKind::kInvalidArgument,
                    "PlacementGroup: " + std::to_string(bundles.size()) +
                        " bundles: a group has at least one, and at most " +
                        std::to_string(Limits::kMaxBundles));
  }
  for (const Bundle& bundle : bundles) {
    internal::Amounts amounts = internal::ToAmounts("PlacementGroup", bundle.cpus, bundle.memory,
                                                    bundle.gpus, bundle.resources);
    std::erase_if(amounts.named, [](const auto& amount) { return amount.second == 0; });
    if (amounts.cpu_units == 0 && amounts.named.empty()) {
      internal::Throw(ErrorKind::kInvalidArgument,
                      "PlacementGroup: bundle " + std::to_string(message.bundles.size()) +
                          " asks for nothing: give it cpus, memory, gpus or resources");
    }
    message.bundles.push_back({amounts.cpu_units, std::move(amounts.named)});
  }
  std::shared_ptr<worker::Session> session = internal::CurrentSession();
  internal::RefuseForkedChild();
  const internal::Nothing nothing;
  auto ready = internal::Encode(*session, internal::TypeOf<internal::Nothing>(), &nothing);
  if (auto* error = std::get_if<ErrorInfo>(&ready)) internal::Throw(std::move(*error));
  message.ready = std::get<worker::EncodedResult>(ready).space.bytes();
  auto made = session->MakePlacementGroup(std::move(message));
  if (auto* error = std::get_if<ErrorInfo>(&made)) internal::Throw(std::move(*error));
  PlacementGroup group;
  group.handle_ = internal::Handle::Adopt(std::move(session), std::get<ObjectId>(made));
  return group;
}

ObjectRef<void> PlacementGroup::Ready() const { return ObjectRef<void>(handle_); }

Placement PlacementGroup::In(size_t bundle) const {
  if (handle_.id().is_null()) internal::Throw(internal::NullRefError("PlacementGroup::In"));
  if (bundle >= Limits::kMaxBundles) {
    internal::Throw(ErrorKind::kInvalidArgument,
                    "PlacementGroup::In: no group has a bundle " + std::to_string(bundle));
  }
  return Placement(handle_, static_cast<uint32_t>(bundle) + 1);
}

void PlacementGroup::Remove() const {
  if (handle_.id().is_null()) internal::Throw(internal::NullRefError("PlacementGroup::Remove"));
  internal::RefuseForkedChild();
  handle_.session()->RemovePlacementGroup(handle_.id());
}

PlacementGroup serialize::RefTraits<PlacementGroup>::Make(ObjectId id) {
  PlacementGroup group;
  if (!id.is_null())
    group.handle_ = troupe::internal::Handle::New(troupe::internal::CurrentSession(), id);
  return group;
}

}  // namespace troupe
