#include "sdk/get.h"

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "core/base/string_view.h"

namespace troupe {
namespace internal {

int64_t DeadlineAfter(absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return worker::kForever;
  const int64_t now = MonotonicNanos();
  const int64_t nanos = std::max<int64_t>(0, absl::ToInt64Nanoseconds(timeout));
  return nanos < worker::kForever - now ? now + nanos : worker::kForever;
}

std::string TimeoutText(absl::Duration timeout) {
  return absl::FormatDuration(std::max(timeout, absl::ZeroDuration()));
}

std::optional<ErrorInfo> WaitForAll(const std::shared_ptr<worker::Session>& session,
                                    const std::vector<ObjectId>& ids, absl::Duration timeout) {
  auto waited = session->Wait(ids, ids.size(), DeadlineAfter(timeout), /*until_error=*/true);
  if (auto* error = std::get_if<ErrorInfo>(&waited)) return std::move(*error);
  const size_t ready = std::get<size_t>(waited);
  if (ready == ids.size()) return std::nullopt;
  if (std::optional<ErrorInfo> error = session->FirstError(ids)) return error;
  return ErrorInfo{
      .kind = ErrorKind::kDeadlineExceeded,
      .message = absl::StrCat("after ", TimeoutText(timeout), " ", ids.size() - ready, " of ",
                              ids.size(), " values are not there; the tasks go on")};
}

std::optional<ErrorInfo> DecodeFetched(const Handle& handle,
                                       const std::variant<worker::ValueBytes, ErrorInfo>& fetched,
                                       const serialize::ValueType& type, void* value) {
  if (const auto* error = std::get_if<ErrorInfo>(&fetched)) return *error;
  return Decode(handle.session(), std::get<worker::ValueBytes>(fetched), handle.id(), type, value);
}

std::optional<ErrorInfo> FetchInto(const Handle& handle, int64_t deadline_nanos,
                                   const serialize::ValueType& type, void* value) {
  return DecodeFetched(handle, handle.session()->Value(handle.id(), deadline_nanos), type, value);
}

std::optional<ErrorInfo> GetInto(const Handle& handle, absl::Duration timeout,
                                 const serialize::ValueType& type, void* value) {
  if (handle.id().is_null()) return NullRefError("Get");
  if (auto at_hand = handle.session()->ValueAtHand(handle.id()))
    return DecodeFetched(handle, *at_hand, type, value);
  const int64_t deadline = DeadlineAfter(timeout);
  if (std::optional<ErrorInfo> error = WaitForAll(handle.session(), {handle.id()}, timeout))
    return error;
  return FetchInto(handle, deadline, type, value);
}

namespace {

Handle SealOrThrow(std::shared_ptr<worker::Session> session,
                   std::variant<worker::EncodedResult, ErrorInfo> encoded) {
  if (auto* error = std::get_if<ErrorInfo>(&encoded)) Throw(std::move(*error));
  auto& result = std::get<worker::EncodedResult>(encoded);
  auto sealed = session->Seal(std::move(result.space), result.refs.ids());
  if (auto* error = std::get_if<ErrorInfo>(&sealed)) Throw(std::move(*error));
  return Handle(std::move(session), std::get<objectstore::HandleCount*>(sealed));
}

}  // namespace

Handle PutValue(const serialize::ValueType& type, const void* value) {
  std::shared_ptr<worker::Session> session = CurrentSession();
  auto encoded = Encode(*session, type, value);
  return SealOrThrow(std::move(session), std::move(encoded));
}

Handle PutEncoded(std::shared_ptr<worker::Session> session, std::span<const std::byte> encoded) {
  auto copy = CopyEncoded(*session, encoded);
  return SealOrThrow(std::move(session), std::move(copy));
}

void RefuseDuplicates(const std::vector<ObjectId>& ids) {
  // In the order of their submission, as they mostly are, they need no sorting.
  if (std::is_sorted(ids.begin(), ids.end(), std::less_equal<>())) return;
  std::vector<ObjectId> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) return;
  Throw(ErrorKind::kInvalidArgument,
        "Wait: a reference is there twice; each may be waited for once");
}

ErrorInfo NullRefError(const char* function) {
  return {.kind = ErrorKind::kInvalidArgument,
          .message = absl::StrCat(
              function,
              ": this ObjectRef refers to nothing (it was default-constructed or moved from)")};
}

}  // namespace internal

void Get(const ObjectRef<void>& ref, absl::Duration timeout) { (void)Get(ref.done_, timeout); }

absl::Status TryGet(const ObjectRef<void>& ref, absl::Duration timeout) {
  return TryGet(ref.done_, timeout).status();
}

void Get(const std::vector<ObjectRef<void>>& refs, absl::Duration timeout) {
  if (refs.empty()) return;
  std::vector<ObjectId> ids;
  ids.reserve(refs.size());
  for (const ObjectRef<void>& ref : refs) {
    if (!ref) internal::Throw(internal::NullRefError("Get"));
    ids.push_back(ref.id());
  }
  if (auto error = internal::WaitForAll(refs[0].handle().session(), ids, timeout))
    internal::Throw(*std::move(error));
  for (const ObjectRef<void>& ref : refs) Get(ref, absl::ZeroDuration());
}

}  // namespace troupe
