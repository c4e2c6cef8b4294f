#include "sdk/stream.h"

#include <string>

#include "sdk/errors.h"
#include "sdk/get.h"

namespace troupe::internal {

StreamReader::~StreamReader() {
  if (!end_.id().is_null()) end_.session()->CloseStream(end_.id().task());
}

Handle StreamReader::Next(absl::Duration timeout) {
  if (end_.id().is_null()) return Handle();
  auto next = end_.session()->NextItem(end_.id().task(), DeadlineAfter(timeout));
  if (auto* error = std::get_if<ErrorInfo>(&next)) {
    // It is thrown once; after it there is nothing.
    end_.session()->CloseStream(end_.id().task());
    end_ = Handle();
    Throw(std::move(*error));
  }
  using What = worker::Session::StreamNext::What;
  const auto& item = std::get<worker::Session::StreamNext>(next);
  if (item.what == What::kTimeout) {
    Throw(ErrorKind::kDeadlineExceeded,
          "Next: no item has come within " + TimeoutText(timeout) + "; the task goes on");
  }
  if (item.what == What::kItem) return Handle::Adopt(end_.session(), item.item);
  end_.session()->CloseStream(end_.id().task());
  end_ = Handle();
  return Handle();
}

StreamWriter::StreamWriter(worker::TaskCall* call) : call_(call) {
  call_->session->OpenProducer(call_->task);
}

StreamWriter::~StreamWriter() { call_->session->CloseProducer(call_->task); }

bool StreamWriter::Write(const serialize::ValueType& type, const void* item_value,
                         std::optional<ErrorInfo>* error) {
  auto encoded = Encode(*call_->session, type, item_value);
  if (auto* failed = std::get_if<ErrorInfo>(&encoded)) {
    *error = std::move(*failed);
    return false;
  }
  auto& item = std::get<worker::EncodedResult>(encoded);
  wire::StreamItem message{call_->task, call_->attempt, call_->slot, index_++, {}};
  message.value.refs = item.refs.ids();
  if (item.space.stored()) {
    message.value.content = item.space.location;
  } else {
    message.value.content = wire::Bytes(item.space.inline_bytes);
  }
  auto sent = call_->session->Yield(message, call_->stream_window);
  const bool* wanted = std::get_if<bool>(&sent);
  if (wanted != nullptr && *wanted) return true;
  call_->session->Abandon(std::move(item.space));
  if (wanted == nullptr) *error = std::get<ErrorInfo>(std::move(sent));
  return false;
}

}  // namespace troupe::internal
