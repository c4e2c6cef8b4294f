#include "core/wire/handshake.h"

#include "core/wire/codec.h"

namespace troupe::wire {
namespace internal {
namespace {

using Settings = std::vector<std::pair<std::string_view, std::string_view>>;

size_t Words(const Settings& settings) {
  size_t words = 4;
  for (const auto& [name, value] : settings)
    words += 4 + WordsFor(name.size()) + WordsFor(value.size());
  return words;
}

template <typename InitList>
void SetSettings(const Settings& settings, InitList init) {
  auto list = init(static_cast<unsigned>(settings.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    SetText(settings[i].first, [&](unsigned n) { return list[i].initName(n); });
    SetText(settings[i].second, [&](unsigned n) { return list[i].initValue(n); });
  }
}

Settings GetSettings(capnp::List<schema::Setting>::Reader list) {
  Settings settings;
  settings.reserve(CountOf(list));
  for (const auto s : list) settings.emplace_back(FromKj(s.getName()), FromKj(s.getValue()));
  return settings;
}

struct BoundWords {
  size_t operator()(const Hello& m) const {
    size_t words = Words(m.flags) + WordsFor(m.build_id.size()) + WordsFor(m.executable.size()) +
                   WordsFor(m.job_name.size());
    for (const std::string_view entry : m.environment) words += WordsFor(entry.size());
    return words;
  }
  size_t operator()(const Welcome& m) const { return Words(m.flags); }
  size_t operator()(const Refused& m) const { return WordsFor(m.reason.size()); }
  size_t operator()(const ChunkNotice&) const { return 0; }
};

struct SetControlMessage {
  schema::ControlMessage::Builder b;

  void operator()(const Hello& m) {
    auto g = b.initHello();
    g.setVersion(m.version);
    g.setRole(static_cast<uint16_t>(m.role));
    g.setNonce(m.nonce);
    g.setPid(m.pid);
    g.setRingBytes(m.ring_bytes);
    g.setBuildId(ToKj(m.build_id));
    SetText(m.executable, [&](unsigned n) { return g.initExecutable(n); });
    auto list = g.initEnvironment(static_cast<unsigned>(m.environment.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      SetText(m.environment[i], [&](unsigned n) { return list.init(i, n); });
    }
    SetSettings(m.flags, [&](unsigned n) { return g.initFlags(n); });
    SetText(m.job_name, [&](unsigned n) { return g.initJobName(n); });
    g.setJobWeight(m.job_weight);
    g.setWindow(m.window);
  }
  void operator()(const Welcome& m) {
    auto g = b.initWelcome();
    g.setVersion(m.version);
    g.setClient(static_cast<uint64_t>(m.client));
    g.setJob(static_cast<uint32_t>(m.job));
    g.setCpus(m.cpus);
    g.setStoreBytes(m.store_bytes);
    SetSettings(m.flags, [&](unsigned n) { return g.initSettings(n); });
  }
  void operator()(const Refused& m) {
    if (m.reason.empty()) {
      b.setRefused("");
    } else {
      SetText(m.reason, [&](unsigned n) { return b.initRefused(n); });
    }
  }
  void operator()(const ChunkNotice& m) {
    auto g = b.initChunk();
    g.setChunk(static_cast<uint32_t>(m.chunk));
    g.setBytes(m.bytes);
    g.setWritable(m.writable);
  }
};

absl::StatusOr<ControlMessage> GetControl(schema::ControlMessage::Reader r) {
  switch (r.which()) {
    case schema::ControlMessage::HELLO: {
      const auto g = r.getHello();
      if (g.getRole() > static_cast<uint16_t>(Role::kTool)) {
        return absl::InvalidArgumentError(absl::StrCat("unknown role ", g.getRole()));
      }
      Hello m{.version = g.getVersion(),
              .role = Role(g.getRole()),
              .nonce = g.getNonce(),
              .pid = g.getPid(),
              .ring_bytes = g.getRingBytes(),
              .build_id = FromKj(g.getBuildId()),
              .executable = FromKj(g.getExecutable()),
              .environment = {},
              .flags = GetSettings(g.getFlags()),
              .job_name = FromKj(g.getJobName()),
              .job_weight = g.getJobWeight(),
              .window = g.getWindow()};
      for (const auto entry : g.getEnvironment()) m.environment.push_back(FromKj(entry));
      return m;
    }
    case schema::ControlMessage::WELCOME: {
      const auto g = r.getWelcome();
      return Welcome{.version = g.getVersion(),
                     .client = ClientId(g.getClient()),
                     .job = JobId(g.getJob()),
                     .cpus = g.getCpus(),
                     .store_bytes = g.getStoreBytes(),
                     .flags = GetSettings(g.getSettings())};
    }
    case schema::ControlMessage::REFUSED:
      return Refused{FromKj(r.getRefused())};
    case schema::ControlMessage::CHUNK: {
      const auto g = r.getChunk();
      return ChunkNotice{ChunkId(g.getChunk()), g.getBytes(), g.getWritable()};
    }
  }
  return absl::InvalidArgumentError("a control message of an unknown kind");
}

}  // namespace
}  // namespace internal

Bytes Encode(const ControlMessage& message, MessageBuffer& buffer) {
  return internal::Build<schema::ControlMessage>(
      buffer, 24 + std::visit(internal::BoundWords{}, message),
      [&](schema::ControlMessage::Builder b) {
        std::visit(internal::SetControlMessage{b}, message);
      });
}

absl::StatusOr<ControlMessage> DecodeControlMessage(Bytes bytes) {
  absl::StatusOr<ControlMessage> message = absl::InternalError("not read");
  const absl::Status status =
      internal::Read<schema::ControlMessage>(bytes, [&](schema::ControlMessage::Reader reader) {
        message = internal::GetControl(reader);
        return message.status();
      });
  if (!status.ok()) return status;
  return message;
}

}  // namespace troupe::wire
