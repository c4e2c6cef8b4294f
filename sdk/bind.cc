#include "sdk/bind.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/log.h"

namespace troupe::internal {

void WarnOfLargeCaptures(CallSite site, const std::vector<CaptureSize>& captures) {
  static std::mutex mutex;
  static auto* const warned = new std::set<std::pair<std::string, int>>;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!warned->insert({site.file, site.line}).second) return;
  }
  size_t total = 0;
  for (const CaptureSize& capture : captures) total += capture.bytes;
  std::string text = absl::StrCat(site.file, ":", site.line, ": Bind captures ",
                                  FormatBytes(static_cast<int64_t>(total)));
  for (size_t i = 0; i < captures.size(); ++i) {
    if (captures[i].bytes <= Limits::kMaxInlineValueBytes) continue;
    absl::StrAppend(&text, ", ", FormatBytes(static_cast<int64_t>(captures[i].bytes)),
                    " of it in value ", i + 1, " of ", captures.size(), " (",
                    ToAbsl(captures[i].type), ")");
  }
  absl::StrAppend(&text, "; it is stored once and shared by all calls");
  Log(LogLevel::kWarning, text);
}

}  // namespace troupe::internal
