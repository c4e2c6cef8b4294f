#include "sdk/promise.h"

#include <optional>

namespace troupe {
namespace internal {

OpenPromise::OpenPromise() {
  std::shared_ptr<worker::Session> session = CurrentSession();
  auto made = session->MakePromise();
  if (auto* error = std::get_if<ErrorInfo>(&made)) Throw(std::move(*error));
  handle_ = Handle::Adopt(std::move(session), std::get<ObjectId>(made));
}

OpenPromise::~OpenPromise() {
  if (!open_) return;
  handle_.session()->BreakPromise(
      handle_.id(),
      {.kind = ErrorKind::kObjectLost,
       .message = "its promise was broken: it was destroyed before its value was set"});
}

worker::Session& OpenPromise::CheckOpen() const {
  if (!open_)
    Throw(ErrorKind::kInvalidArgument, "a promise gets one value: this one has it, or was moved");
  RefuseForkedChild();
  return *handle_.session();
}

void OpenPromise::Keep(const serialize::ValueType& type, const void* value) {
  worker::Session& session = CheckOpen();
  auto encoded = Encode(session, type, value);
  if (auto* failed = std::get_if<ErrorInfo>(&encoded)) Throw(std::move(*failed));
  auto& kept = std::get<worker::EncodedResult>(encoded);
  const std::optional<ErrorInfo> error =
      session.KeepPromise(handle_.id(), std::move(kept.space), kept.refs.ids());
  if (error.has_value()) Throw(*error);
  open_ = false;
}

void OpenPromise::Break(ErrorInfo why) {
  CheckOpen().BreakPromise(handle_.id(), why);
  open_ = false;
}

}  // namespace internal

void Promise<void>::Set() { done_.Set({}); }

}  // namespace troupe
