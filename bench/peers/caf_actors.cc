// CAF, the C++ Actor Framework: actors of this process, and of two others over TCP, which is how
// its middleman connects processes. Requests are messages, and so are their answers; the caller
// says which actor does what. Tasks go to two actors in turn, actor calls to one.
#include <unistd.h>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/peers/peer.h"

namespace peers {
namespace {

struct Config : caf::actor_system_config {
  Config() {
    set("scheduler.max-threads", size_t{kWorkers});
    load<caf::io::middleman>();
  }
};

caf::behavior Doubler() {
  return {[](int64_t x) { return Double(x); }};
}

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "CAF: %s\n", what.c_str());
  std::exit(1);
}

void Measure(Peer& peer, caf::actor_system& system, const std::vector<caf::actor>& doublers) {
  caf::scoped_actor self{system};
  const auto receive = [&] {
    int64_t result = 0;
    self->receive([&](int64_t twice) { result = twice; },
                  [&](const caf::error& error) { Fail(caf::to_string(error)); });
    return result;
  };
  const auto call = [&](size_t count) {
    return [&, count](int64_t x) {
      self->send(doublers[static_cast<size_t>(x) % count], x);
      return receive();
    };
  };
  const auto batch = [&](size_t count) {
    return [&, count](int64_t first, int64_t last) {
      for (int64_t x = first; x < last; ++x)
        self->send(doublers[static_cast<size_t>(x) % count], x);
      int64_t sum = 0;
      for (int64_t x = first; x < last; ++x) sum += receive();
      return sum;
    };
  };
  peer.Sync("single_client_tasks_sync", call(kWorkers));
  peer.Pipelined("single_client_tasks_async", batch(kWorkers));
  peer.Sync("1_1_actor_calls_sync", call(1));
  peer.Pipelined("1_1_actor_calls_async", batch(1));
}

// Publishes a Doubler on the loopback interface, and writes the port to `port_fd`.
void Serve(int port_fd) {
  Config config;
  caf::actor_system system{config};
  const auto port = system.middleman().publish(system.spawn(Doubler), 0, "127.0.0.1");
  if (!port) Fail("no port for an actor");
  const uint16_t number = *port;
  if (write(port_fd, &number, sizeof number) != sizeof number) Fail("write");
  for (;;) pause();
}

int Run(int argc, char** argv) {
  Peer local("CAF, in process", 100'000, argc, argv);
  Peer remote("CAF, TCP", 20'000, argc, argv);
  int port_fds[2];
  if (pipe(port_fds) != 0) Fail("pipe");
  // Before this process has threads.
  std::vector<Process> servers;
  for (int i = 0; i < kWorkers; ++i) servers.emplace_back([&] { Serve(port_fds[1]); });

  Config config;
  caf::actor_system system{config};
  const std::vector<caf::actor> local_doublers = {system.spawn(Doubler), system.spawn(Doubler)};
  Measure(local, system, local_doublers);

  std::vector<caf::actor> remote_doublers;
  for (int i = 0; i < kWorkers; ++i) {
    uint16_t port = 0;
    if (read(port_fds[0], &port, sizeof port) != sizeof port) Fail("a server has no port");
    auto doubler = system.middleman().remote_actor("127.0.0.1", port);
    if (!doubler) Fail("a server cannot be reached");
    remote_doublers.push_back(*doubler);
  }
  Measure(remote, system, remote_doublers);
  for (const caf::actor& doubler : local_doublers)
    caf::anon_send_exit(doubler, caf::exit_reason::user_shutdown);
  return 0;
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::Run(argc, argv); }
