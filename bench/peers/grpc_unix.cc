// gRPC, unary calls over a Unix socket, by its callback interface: no scheduler, the caller says
// which server runs what. Tasks go to two servers in turn, actor calls to one.
#include <grpcpp/grpcpp.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bench/peers/peer.h"
#include "doubler.grpc.pb.h"

namespace peers {
namespace {

class DoublerService final : public Doubler::CallbackService {
  grpc::ServerUnaryReactor* Double(grpc::CallbackServerContext* context, const Number* request,
                                   Number* response) override {
    response->set_x(peers::Double(request->x()));
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

void Serve(const std::string& address) {
  DoublerService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  builder.BuildAndStart()->Wait();
}

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "gRPC: %s\n", what.c_str());
  std::exit(1);
}

// A directory for the sockets, that goes with this object.
class SocketDirectory {
 public:
  SocketDirectory() {
    if (mkdtemp(path_.data()) == nullptr) Fail("no directory for the sockets in /tmp");
  }
  SocketDirectory(const SocketDirectory&) = delete;
  ~SocketDirectory() {
    for (int i = 0; i < kWorkers; ++i) unlink(File(i).c_str());
    rmdir(path_.c_str());
  }
  std::string File(int i) const { return path_ + "/" + std::to_string(i); }

 private:
  std::string path_ = "/tmp/peers_grpc.XXXXXX";
};

// One call under way.
struct Call {
  grpc::ClientContext context;
  Number request;
  Number response;
};

// The results of a batch, as they arrive.
class Results {
 public:
  void Add(const grpc::Status& status, int64_t x) {
    const std::lock_guard lock(mutex_);
    if (!status.ok()) Fail(status.error_message());
    sum_ += x;
    ++count_;
    if (count_ == expected_) all_.notify_one();
  }
  int64_t Sum(int64_t count) {
    std::unique_lock lock(mutex_);
    expected_ = count;
    all_.wait(lock, [&] { return count_ == expected_; });
    return sum_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_;
  int64_t sum_ = 0;
  int64_t count_ = 0;
  int64_t expected_ = -1;
};

int Run(int argc, char** argv) {
  Peer peer("gRPC", 20'000, argc, argv);
  const SocketDirectory directory;
  std::vector<Process> servers;
  for (int i = 0; i < kWorkers; ++i)
    servers.emplace_back([&] { Serve("unix:" + directory.File(i)); });

  std::vector<std::unique_ptr<Doubler::Stub>> doublers;
  for (int i = 0; i < kWorkers; ++i) {
    const auto channel =
        grpc::CreateChannel("unix:" + directory.File(i), grpc::InsecureChannelCredentials());
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20)))
      Fail("a server does not answer");
    doublers.push_back(Doubler::NewStub(channel));
  }

  const auto call = [&](size_t count) {
    return [&, count](int64_t x) {
      Call one;
      one.request.set_x(x);
      Doubler::Stub& doubler = *doublers[static_cast<size_t>(x) % count];
      const grpc::Status status = doubler.Double(&one.context, one.request, &one.response);
      if (!status.ok()) Fail(status.error_message());
      return static_cast<int64_t>(one.response.x());
    };
  };
  const auto batch = [&](size_t count) {
    return [&, count](int64_t first, int64_t last) {
      Results results;
      std::vector<Call> calls(static_cast<size_t>(last - first));
      for (int64_t x = first; x < last; ++x) {
        Call& one = calls[static_cast<size_t>(x - first)];
        one.request.set_x(x);
        doublers[static_cast<size_t>(x) % count]->async()->Double(
            &one.context, &one.request, &one.response,
            [&](const grpc::Status& status) { results.Add(status, one.response.x()); });
      }
      return results.Sum(last - first);
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
