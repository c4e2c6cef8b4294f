#include "sdk/bind.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "core/base/bytes.h"
#include "core/base/log.h"

namespace troupe::internal {

namespace {

// True for the first that asks of the call site.
bool IsNews(CallSite site) {
  static std::mutex mutex;
  static auto* const warned = new std::set<std::pair<std::string, int>>;
  const std::lock_guard<std::mutex> lock(mutex);
  return warned->insert({site.file, site.line}).second;
}

std::string Bytes(size_t bytes) { return FormatBytes(static_cast<int64_t>(bytes)); }

}  // namespace

void WarnOfLargeCaptures(CallSite site, const std::vector<CaptureSize>& captures) {
  if (!IsNews(site)) return;
  size_t total = 0;
  for (const CaptureSize& capture : captures) total += capture.bytes;
  std::string text = absl::StrCat(site.file, ":", site.line, ": Bind captures ", Bytes(total));
  for (size_t i = 0; i < captures.size(); ++i) {
    if (captures[i].bytes <= Limits::kMaxInlineValueBytes) continue;
    absl::StrAppend(&text, ", ", Bytes(captures[i].bytes), " of it in value ", i + 1, " of ",
                    captures.size(), " (", serialize::ReadableName(captures[i].type), ")");
  }
  absl::StrAppend(&text, "; it is stored once and shared by all calls");
  Log(LogLevel::kWarning, text);
}

void WarnOfLargeFields(CallSite site, std::string_view type, size_t bytes) {
  if (!IsNews(site)) return;
  Log(LogLevel::kWarning,
      absl::StrCat(site.file, ":", site.line, ": the fields of the function object ",
                   serialize::ReadableName(type), " take ", Bytes(bytes),
                   " in each call; Bind(f, values...) stores a large value once for all calls"));
}

}  // namespace troupe::internal
