// What a program gets for a wrong address, a foreign or broken node, a runtime directory that
// cannot be used: one clear sentence, exit code 1, soon, and nothing left behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "core/base/clock.h"
#include "core/base/unique_fd.h"
#include "core/channel/control_socket.h"
#include "core/wire/handshake.h"
#include "tests/integration/program.h"
#include "tests/integration/raw_client.h"

namespace troupe::testing {
namespace {

// The node's own limit is 2 s; a busy machine gets ten times that.
constexpr int64_t kSoonNanos = 20'000'000'000;
constexpr uid_t kNobody = 65534;

std::string Square() { return BuiltProgram("TROUPE_SQUARE"); }
std::string Tool() { return BuiltProgram("TROUPE_TOOL"); }

// One line, of Troupe, that holds `text`.
void ExpectOneSentence(const Outcome& outcome, const std::string& text) {
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_TRUE(absl::StartsWith(outcome.output, "troupe: ")) << outcome.output;
  EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), '\n'), 1) << outcome.output;
  EXPECT_NE(outcome.output.find(text), std::string::npos) << outcome.output;
}

// Listens where a node would, and treats whoever connects as it likes.
class FakeNode {
 public:
  explicit FakeNode(std::function<void(int fd)> behaviour, uid_t of = geteuid())
      : behaviour_(std::move(behaviour)) {
    listener_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory_.path() + "/node.sock";
    memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    // A socket's user is the one who listens. A process that has ever changed its own can no longer
    // be looked at, as the checker of leaks does: hence another one.
    const pid_t child = fork();
    if (child == 0) _exit(seteuid(of) == 0 && listen(listener_.get(), 8) == 0 ? 0 : 1);
    int status = 1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    thread_ = std::thread([this] {
      for (;;) {
        UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client) return;
        behaviour_(client.get());
      }
    });
  }
  ~FakeNode() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::string runtime_dir() const { return "TROUPE_RUNTIME_DIR=" + directory_.path(); }
  std::string address() const { return "unix:" + directory_.path() + "/node.sock"; }

 private:
  ShortDirectory directory_;
  std::function<void(int)> behaviour_;
  UniqueFd listener_;
  std::thread thread_;
};

// Until the peer has closed its end.
void ReadToTheEnd(int fd) {
  char buffer[4096];
  while (recv(fd, buffer, sizeof(buffer), 0) > 0) {
  }
}

void SendAll(int fd, const void* bytes, size_t size) { (void)send(fd, bytes, size, MSG_NOSIGNAL); }

struct Case {
  const char* name;
  std::function<void(int)> behaviour;
  const char* text;
};

class BrokenNodes : public ::testing::TestWithParam<Case> {};

// By the environment, by the flag, and by the tool.
TEST_P(BrokenNodes, GiveOneSentence) {
  const FakeNode node(GetParam().behaviour);
  const int64_t begin = MonotonicNanos();
  ExpectOneSentence(RunProgram({Square()}, {"TROUPE_ADDRESS=" + node.address()}), GetParam().text);
  ExpectOneSentence(RunProgram({Square(), "--troupe_address=" + node.address()}, {}),
                    GetParam().text);
  ExpectOneSentence(RunProgram({Tool(), "status"}, {node.runtime_dir(), "TROUPE_ADDRESS"}),
                    GetParam().text);
  EXPECT_LT(MonotonicNanos() - begin, 3 * kSoonNanos);
}

INSTANTIATE_TEST_SUITE_P(
    , BrokenNodes,
    ::testing::Values(Case{"SaysNothing", ReadToTheEnd, "the node did not answer within 2 s"},
                      Case{"ClosesAtOnce", [](int) {}, "the node has closed the connection"},
                      Case{"SpeaksGarbage",
                           [](int fd) {
                             const std::string garbage(64, '\xff');
                             SendAll(fd, garbage.data(), garbage.size());
                             ReadToTheEnd(fd);
                           },
                           "who answers there is no node of Troupe"},
                      Case{"RefusesTheVersion",
                           [](int fd) {
                             channel::ControlSocket socket{UniqueFd(dup(fd))};
                             wire::MessageBuffer buffer;
                             (void)socket.Send(wire::Encode(
                                 wire::ControlMessage(
                                     wire::Refused{"this cluster speaks protocol version 9"}),
                                 buffer));
                             ReadToTheEnd(fd);
                           },
                           "this cluster speaks protocol version 9"}),
    [](const auto& test) { return test.param.name; });

TEST(BadInput, ANodeRefusesAnotherVersionWithBothNumbers) {
  const StandingNode node;
  RawClient client(node.socket_path());
  ASSERT_TRUE(client.connected());
  wire::Hello hello;
  hello.version = wire::kVersion + 6;
  EXPECT_FALSE(client.Join(hello));
  EXPECT_NE(client.why().find("speaks protocol version 1 and the program version 7"),
            std::string::npos)
      << client.why();
  EXPECT_TRUE(client.WaitForEnd());
  EXPECT_TRUE(node.Serves());
}

TEST(BadInput, AnUnusableRuntimeDirectoryIsNamed) {
  const ShortDirectory directory;
  const std::string file = directory.path() + "/file";
  fclose(fopen(file.c_str(), "w"));
  ExpectOneSentence(RunProgram({Tool(), "up"}, {"TROUPE_RUNTIME_DIR=" + file}), file);
  const std::string link = directory.path() + "/link";
  ASSERT_EQ(symlink("/tmp", link.c_str()), 0);
  ExpectOneSentence(RunProgram({Tool(), "up"}, {"TROUPE_RUNTIME_DIR=" + link}),
                    "is not a directory of yours alone");
  ExpectOneSentence(RunProgram({Tool(), "up"}, {"TROUPE_RUNTIME_DIR=" + directory.path() + "/a/b"}),
                    "cannot make the runtime directory");
}

std::string Content(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// Links that were there before the node, to a file of the user's: neither written nor emptied.
TEST(BadInput, LinksInTheRuntimeDirectoryAreNotFollowed) {
  for (const std::string name : {"node.lock", "node.pid", "node.log", "node.sock"}) {
    const ShortDirectory directory;
    const ShortDirectory elsewhere;
    const std::string victim = elsewhere.path() + "/victim";
    std::ofstream(victim) << "precious";
    ASSERT_EQ(symlink(victim.c_str(), (directory.path() + "/" + name).c_str()), 0);
    const std::vector<std::string> environment = {"TROUPE_RUNTIME_DIR=" + directory.path(),
                                                  "TROUPE_ADDRESS"};
    const Outcome up = RunProgram({Tool(), "up", "--workers=1", "--detach"}, environment);
    if (name == "node.lock" || name == "node.pid") {
      ExpectOneSentence(up, directory.path() + "/" + name);
      EXPECT_NE(up.output.find("symbolic links"), std::string::npos) << up.output;
    } else {  // the link goes, and a file or a socket takes its place
      EXPECT_EQ(up.exit_code, 0) << up.output;
      EXPECT_EQ(RunProgram({Square()}, environment).output, "9\n");
      EXPECT_EQ(RunProgram({Tool(), "down"}, environment).exit_code, 0);
    }
    EXPECT_EQ(Content(victim), "precious") << name;
  }
}

// Made by somebody before us, by himself or by a link of his, and open to all.
TEST(BadInput, ASpillDirectoryOfAnotherUserIsRefused) {
  if (geteuid() != 0) {
    std::puts("TROUPE_SKIPPED: only root can give a directory to another user");
    return;
  }
  const ShortDirectory runtime, parent, ours;
  const auto up_with = [&](const std::string& directory) {
    return RunProgram({Tool(), "up", "--workers=1", "--detach", "--spill_dir=" + directory},
                      {"TROUPE_RUNTIME_DIR=" + runtime.path(), "TROUPE_ADDRESS"});
  };
  const std::string his = parent.path() + "/his", link = parent.path() + "/link";
  ASSERT_EQ(mkdir(his.c_str(), 0777), 0);
  ASSERT_EQ(chmod(his.c_str(), 0777), 0);
  ASSERT_EQ(chown(his.c_str(), kNobody, kNobody), 0);
  ASSERT_EQ(symlink(ours.path().c_str(), link.c_str()), 0);
  // A link of our own is our own business.
  const Outcome by_link = up_with(link);
  EXPECT_EQ(by_link.exit_code, 0) << by_link.output;
  EXPECT_EQ(RunProgram({Tool(), "down"}, {"TROUPE_RUNTIME_DIR=" + runtime.path(), "TROUPE_ADDRESS"})
                .exit_code,
            0);
  ASSERT_EQ(lchown(link.c_str(), kNobody, kNobody), 0);
  for (const std::string& directory : {his, link}) {
    const Outcome refused = up_with(directory);
    EXPECT_EQ(refused.exit_code, 2) << refused.output;
    EXPECT_NE(refused.output.find(directory + ": it belongs to user 65534"), std::string::npos)
        << refused.output;
  }
  EXPECT_EQ(rmdir(his.c_str()), 0) << "something was made there";
}

// The node is root's here, or the caller's own; somebody else wants in.
TEST(BadInput, AnotherUsersClusterIsRefused) {
  if (geteuid() != 0) {
    std::puts("TROUPE_SKIPPED: only root can become another user");
    return;
  }
  const StandingNode node;
  const std::vector<std::string> environment = {"TROUPE_ADDRESS=" + node.address()};
  // Where the directory keeps others out, and where somebody has opened it: the peer's user counts.
  ExpectOneSentence(RunProgram({Square()}, environment, kNobody), "belongs to another user");
  ASSERT_EQ(chmod(node.directory().path().c_str(), 0755), 0);
  ASSERT_EQ(chmod(node.socket_path().c_str(), 0666), 0);
  ExpectOneSentence(RunProgram({Square()}, environment, kNobody), "belongs to another user");
  EXPECT_NE(node.Log().find("user 65534"), std::string::npos) << node.Log();
  ASSERT_EQ(chmod(node.directory().path().c_str(), 0700), 0);
  EXPECT_TRUE(node.Serves());
}

// Who listens where our cluster would be, in a directory that he made before us, hears nothing from
// us: a greeting has our environment in it.
TEST(BadInput, ANodeOfAnotherUserIsToldNothing) {
  if (geteuid() != 0) {
    std::puts("TROUPE_SKIPPED: only root can become another user");
    return;
  }
  std::atomic<int64_t> heard{0};
  const auto listen = [&](int fd) {
    char buffer[4096];
    for (ssize_t n = 0; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;) heard += n;
  };
  const FakeNode node(listen, /*of=*/kNobody);
  ExpectOneSentence(RunProgram({Square()}, {"TROUPE_ADDRESS=" + node.address()}),
                    "belongs to another user");
  ExpectOneSentence(RunProgram({Tool(), "status"}, {node.runtime_dir(), "TROUPE_ADDRESS"}),
                    "belongs to another user");
  // Where nobody named it, it is none of ours, and the program has a cluster of its own.
  const Outcome own = RunProgram({Square()}, {node.runtime_dir(), "TROUPE_ADDRESS"});
  EXPECT_EQ(own.exit_code, 0) << own.output;
  EXPECT_EQ(heard, 0);
}

// One that hangs, whose queue of connections has become full.
TEST(BadInput, ANodeThatAcceptsNobodyIsNamed) {
  const ShortDirectory directory;
  const std::string path = directory.path() + "/node.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), name, sizeof(address)), 0);
  ASSERT_EQ(listen(listener.get(), 0), 0);
  std::vector<UniqueFd> waiting;
  for (bool full = false; !full;) {
    waiting.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    full = connect(waiting.back().get(), name, sizeof(address)) != 0;
    ASSERT_TRUE(!full || errno == EAGAIN) << strerror(errno);
  }
  ExpectOneSentence(RunProgram({Square()}, {"TROUPE_ADDRESS=unix:" + path}), "has accepted nobody");
}

// A file system that has room for nothing, and one that has room for names only.
TEST(BadInput, ARuntimeDirectoryWithoutSpaceIsNamed) {
  if (geteuid() != 0) {
    std::puts("TROUPE_SKIPPED: only root can mount a file system");
    return;
  }
  const ShortDirectory mount_point;
  for (const char* options : {"mode=700,nr_inodes=2", "mode=700,size=4k"}) {
    if (mount("none", mount_point.path().c_str(), "tmpfs", 0, options) != 0) {
      std::printf("TROUPE_SKIPPED: this machine does not let root mount: %s\n", strerror(errno));
      return;
    }
    const std::string filler = mount_point.path() + "/filler";
    std::FILE* file = std::fopen(filler.c_str(), "w");
    if (file != nullptr) {
      const std::vector<char> page(4096, 'x');
      (void)std::fwrite(page.data(), 1, page.size(), file);
      std::fclose(file);
    }
    const Outcome outcome =
        RunProgram({Tool(), "up", "--detach"}, {"TROUPE_RUNTIME_DIR=" + mount_point.path()});
    EXPECT_EQ(umount(mount_point.path().c_str()), 0) << "a process is left in it";
    ExpectOneSentence(outcome, "No space left on device");
    EXPECT_NE(outcome.output.find("TROUPE_RUNTIME_DIR"), std::string::npos) << outcome.output;
  }
}

// Killed, and its socket still there: told as such, and removed by the next start.
TEST(BadInput, AStaleSocketIsToldAndReplaced) {
  const ShortDirectory directory;
  const std::vector<std::string> environment = {"TROUPE_RUNTIME_DIR=" + directory.path(),
                                                "TROUPE_ADDRESS"};
  const ShortDirectory logs;
  {
    StandingNode node;
    const std::string address = "TROUPE_ADDRESS=" + node.address();
    EXPECT_EQ(node.End(SIGKILL), 128 + SIGKILL);
    ExpectOneSentence(RunProgram({Square()}, {address}), "the node has died");
    ExpectOneSentence(RunProgram({Tool(), "status"}, {address}), "the node has died");
    const std::vector<std::string> same = {"TROUPE_RUNTIME_DIR=" + node.directory().path(),
                                           "TROUPE_ADDRESS"};
    EXPECT_EQ(RunProgram({Tool(), "up", "--workers=1", "--detach"}, same).exit_code, 0);
    EXPECT_EQ(RunProgram({Square()}, same).output, "9\n");
    EXPECT_EQ(RunProgram({Tool(), "down"}, same).exit_code, 0);
  }
}

}  // namespace
}  // namespace troupe::testing
