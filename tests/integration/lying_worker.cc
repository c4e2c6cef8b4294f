// A worker that a node starts, and that answers its first task by a lie: TROUPE_LIE says which.
// "none": it answers all of them as they are asked.
//
// lying_clients_test and floods_test are its drivers.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/loop/process.h"
#include "tests/integration/raw_client.h"

namespace troupe::testing {
namespace {

std::string Setting(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

int Lie(RawClient& node, const wire::Dispatch& dispatch, const std::string& lie) {
  const absl::StatusOr<wire::ClientMessage> message = wire::DecodeClientMessage(dispatch.spec);
  if (!message.ok()) return 3;
  if (!node.memory().task_word(dispatch.slot).TryBegin(dispatch.generation)) return 6;
  constexpr std::array<std::byte, 8> kWord{};
  wire::Complete complete;
  complete.task = std::get<wire::TaskSpec>(*message).id;
  complete.attempt = dispatch.attempt;
  complete.slot = dispatch.slot;
  complete.results = {{wire::Bytes(kWord), {}}};
  if (lie == "none") {
    node.Send(complete);
    return -1;
  }
  if (lie == "twice") {
    node.Send(complete);
  } else if (lie == "another task") {
    complete.task = TaskId::Make(complete.task.client(), 1'000'000);
  } else if (lie == "a stale attempt") {
    --complete.attempt;
  } else if (lie == "another slot") {
    ++complete.slot;
  } else if (lie == "two results") {
    complete.results.push_back(complete.results[0]);
  } else {
    return 4;
  }
  node.Send(complete);
  return node.WaitForEnd() ? 0 : 5;
}

}  // namespace
}  // namespace troupe::testing

int main() {
  using troupe::testing::RawClient;
  const std::string role = troupe::testing::Setting("TROUPE_ROLE");
  constexpr std::string_view kNonce = "nonce=";
  const size_t nonce = role.find(kNonce);
  if (nonce == std::string::npos) {
    std::fprintf(stderr, "lying_worker: only a node starts it\n");
    return 2;
  }
  RawClient node{troupe::UniqueFd(troupe::loop::kRoleSocket)};
  if (!node.JoinAsWorker(std::strtoull(role.c_str() + nonce + kNonce.size(), nullptr, 10)))
    return 1;
  int code = -1;
  while (code < 0 && node.Receive([&](const troupe::wire::NodeMessage& message) {
    if (const auto* dispatch = std::get_if<troupe::wire::Dispatch>(&message))
      code = troupe::testing::Lie(node, *dispatch, troupe::testing::Setting("TROUPE_LIE"));
  })) {
  }
  return code;
}
