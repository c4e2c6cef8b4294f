// Cap'n Proto RPC, two parties over a Unix socket: no scheduler, the caller says which server runs
// what. Tasks go to two servers in turn, actor calls to one.
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "bench/peers/doubler.capnp.h"
#include "bench/peers/peer.h"

namespace peers {
namespace {

class DoublerServer final : public Doubler::Server {
  kj::Promise<void> double_(DoubleContext context) override {
    context.getResults().setTwice(Double(context.getParams().getX()));
    return kj::READY_NOW;
  }
};

void Serve(int fd) {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  auto stream = io.lowLevelProvider->wrapSocketFd(fd);
  capnp::TwoPartyServer server(kj::heap<DoublerServer>());
  server.accept(*stream).wait(io.waitScope);
}

// A server in a process of its own. `fd` is this process's end of the connection.
struct Server {
  int fd;
  Process process;
};

Server StartServer() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    std::perror("socketpair");
    std::exit(1);
  }
  Process process([&] {
    close(ends[0]);
    Serve(ends[1]);
  });
  close(ends[1]);
  return {ends[0], std::move(process)};
}

int Run(int argc, char** argv) {
  Peer peer("Cap'n Proto RPC", 50'000, argc, argv);
  std::vector<Server> servers;
  for (int i = 0; i < kWorkers; ++i) servers.push_back(StartServer());

  kj::AsyncIoContext io = kj::setupAsyncIo();
  std::vector<kj::Own<kj::AsyncIoStream>> streams;
  std::vector<kj::Own<capnp::TwoPartyClient>> clients;
  std::vector<Doubler::Client> doublers;
  for (const Server& server : servers) {
    streams.push_back(io.lowLevelProvider->wrapSocketFd(server.fd));
    clients.push_back(kj::heap<capnp::TwoPartyClient>(*streams.back()));
    doublers.push_back(clients.back()->bootstrap().castAs<Doubler>());
  }

  const auto send = [&](size_t count, int64_t x) {
    auto request = doublers[static_cast<size_t>(x) % count].doubleRequest();
    request.setX(x);
    return request.send();
  };
  const auto call = [&](size_t count) {
    return [&, count](int64_t x) { return send(count, x).wait(io.waitScope).getTwice(); };
  };
  const auto batch = [&](size_t count) {
    return [&, count](int64_t first, int64_t last) {
      std::vector<capnp::RemotePromise<Doubler::DoubleResults>> results;
      results.reserve(static_cast<size_t>(last - first));
      for (int64_t x = first; x < last; ++x) results.push_back(send(count, x));
      int64_t sum = 0;
      for (auto& result : results) sum += result.wait(io.waitScope).getTwice();
      return sum;
    };
  };
  peer.Sync("single_client_tasks_sync", call(kWorkers));
  peer.Pipelined("single_client_tasks_async", batch(kWorkers));
  peer.Sync("1_1_actor_calls_sync", call(1));
  peer.Pipelined("1_1_actor_calls_async", batch(1));
  return 0;
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) { return peers::Run(argc, argv); }
