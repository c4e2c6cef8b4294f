#include "sdk/memory.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "sdk/errors.h"
#include "sdk/internal/runtime.h"

namespace troupe {

MemoryInfo Memory(size_t limit) {
  const auto shown = static_cast<uint32_t>(std::min<size_t>(limit, 100'000));
  auto answer = internal::CurrentSession()->Memory(shown);
  if (auto* error = std::get_if<ErrorInfo>(&answer)) internal::Throw(std::move(*error));
  const wire::MemoryReport& report = std::get<worker::Session::MemorySnapshot>(answer).report;
  MemoryInfo info{
      .cap_bytes = report.cap,
      .object_bytes = report.object_bytes,
      .leased_bytes = report.leased_bytes,
      .kept_bytes = report.kept_bytes,
      .free_bytes = report.cap - report.object_bytes - report.leased_bytes - report.kept_bytes,
      .inline_bytes = report.inline_bytes,
      .spilled_bytes = report.spilled_bytes,
      .object_count = report.object_count,
      .objects = {}};
  for (const wire::MemoryObject& object : report.objects) {
    info.objects.push_back({object.id, object.size, object.state, object.holders, object.holds,
                            object.pins, std::string(object.maker)});
  }
  return info;
}

}  // namespace troupe
