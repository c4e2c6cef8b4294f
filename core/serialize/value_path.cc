#include "core/serialize/value_path.h"

#include <algorithm>

namespace troupe::serialize {

std::string ValuePath::Before(std::string_view what) const {
  std::string path;
  const Frame* shown = nullptr;  // the innermost that is the user's
  for (int at = 2; at <= std::min(depth_, kFrames - 1); ++at) {
    const Frame& around = frames_[static_cast<size_t>(at - 1)];
    const Frame& frame = frames_[static_cast<size_t>(at)];
    if (around.place->parts == Parts::kElements) {
      path += "[" + std::to_string(frame.number - 1) + "]";
    } else if (around.place->parts == Parts::kFields) {
      path += "." + (frame.name == nullptr ? std::to_string(frame.number) : frame.name);
    }
    if (!frame.place->type.starts_with("cereal::")) shown = &frame;
  }
  if (shown == nullptr || path.empty()) return std::string(what);
  if (depth_ >= kFrames) path += "...";
  return "at " + path + " (" + ReadableName(shown->place->type) + "): " + std::string(what);
}

}  // namespace troupe::serialize
