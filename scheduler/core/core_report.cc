// The part of Core that tells people what it knows: lists, what a task waits for, and its story.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "core/base/check.h"
#include "core/base/string_view.h"
#include "scheduler/core/core.h"

namespace troupe::scheduler {
namespace {

constexpr int kMaxDepth = 6;     // of what waits for what waits for what
constexpr size_t kMaxNamed = 5;  // of several things that are waited for
constexpr size_t kMaxRows = 10'000;

// "t-1.2", "o-1.2", "o-1.2.1", "a-1.2", "g-1.2".
std::optional<ObjectId> ParseId(absl::string_view text) {
  if (text.size() < 2 || absl::string_view("toag").find(text[0]) == absl::string_view::npos ||
      text[1] != '-') {
    return std::nullopt;
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(text.substr(2), '.');
  uint64_t numbers[3] = {0, 0, 0};
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!absl::SimpleAtoi(parts[i], &numbers[i])) return std::nullopt;
  }
  if (numbers[2] > ObjectId::kMaxIndex || numbers[0] >> 40 != 0) return std::nullopt;
  return ObjectId::Make(ClientId(numbers[0]), numbers[1], static_cast<uint32_t>(numbers[2]));
}

std::string WorkerName(const Worker& worker) {
  return absl::StrCat("w-", static_cast<uint64_t>(worker.process));
}

const char* StateName(Worker::State state) {
  switch (state) {
    case Worker::State::kStarting:
      return "starting";
    case Worker::State::kIdle:
      return "idle";
    case Worker::State::kBusy:
      return "busy";
    case Worker::State::kBlocked:
      break;
  }
  return "blocked";
}

const char* StateName(ActorRecord::State state) {
  switch (state) {
    case ActorRecord::State::kPending:
      return "pending";
    case ActorRecord::State::kStarting:
      return "starting";
    case ActorRecord::State::kAlive:
      return "alive";
    case ActorRecord::State::kRestarting:
      return "restarting";
    case ActorRecord::State::kDead:
      break;
  }
  return "dead";
}

// `threads`: how many of its group may run at a time.
const char* StateName(const Task& task, uint32_t threads) {
  if (task.answered) return "stopping";
  switch (task.state) {
    case Task::State::kWaiting:
      return "waiting";
    case Task::State::kReady:
      return "ready";
    case Task::State::kDelayed:
      return "delayed";
    case Task::State::kDispatched:
      break;
  }
  if (task.suspended) return "suspended";
  // An actor's calls begin in the order of their dispatch, as many of a group as it has threads.
  const auto& queue = task.worker->queue;
  const auto self = std::find(queue.begin(), queue.end(), &task);
  const auto ahead = std::count_if(queue.begin(), self, [&](const Task* other) {
    return other->group == task.group && !other->suspended;
  });
  return ahead < static_cast<ptrdiff_t>(threads) ? "running" : "dispatched";
}

void AppendQuoted(const std::string& value, std::string* text) {
  *text += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(text, "\\", std::string(1, c));
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(text, "\\u%04x", c);
    } else {
      *text += c;
    }
  }
  *text += '"';
}

using Row = std::vector<std::pair<std::string, std::string>>;

std::string AsJson(const std::vector<Row>& rows) {
  std::string text = "[";
  for (const Row& row : rows) {
    text += text.size() > 1 ? ",\n {" : "\n {";
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += ", ";
      AppendQuoted(row[i].first, &text);
      text += ": ";
      AppendQuoted(row[i].second, &text);
    }
    text += "}";
  }
  return text + "\n]\n";
}

std::string AsTable(const std::vector<Row>& rows) {
  if (rows.empty()) return "none\n";
  std::vector<size_t> widths;
  for (const auto& [name, value] : rows[0]) widths.push_back(name.size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].second.size());
  }
  std::string text;
  const auto line = [&](auto cell) {
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string& value = cell(i);
      text += value;
      if (i + 1 < widths.size()) text.append(widths[i] - value.size() + 2, ' ');
    }
    text += '\n';
  };
  line([&](size_t i) -> const std::string& { return rows[0][i].first; });
  for (const Row& row : rows) line([&](size_t i) -> const std::string& { return row[i].second; });
  return text;
}

}  // namespace

absl::StatusOr<std::string> Core::Report(std::string_view query) const {
  const std::vector<std::string> words = absl::StrSplit(ToAbsl(query), ' ', absl::SkipEmpty());
  if (words.empty()) return StatusText();
  if (words.size() == 2 && (words[0] == "why" || words[0] == "story")) {
    uint64_t process = 0;
    if (words[0] == "story" && words[1].substr(0, 2) == "w-" &&
        absl::SimpleAtoi(words[1].substr(2), &process)) {
      std::string story = history_.Story(ProcessId(process), now_nanos_);
      return story.empty() ? absl::StrCat("nothing is known of ", words[1], "\n") : story;
    }
    const std::optional<ObjectId> id = ParseId(words[1]);
    if (!id.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat(words[1],
                       " is no id: write one as t-1.2, o-1.2, a-1.2 or w-3, as in "
                       "`troupe list tasks` or an error message"));
    }
    if (words[0] == "why") return Why(*id);
    std::string story = Story(id->task().Result(0));
    return story.empty() ? absl::StrCat("nothing is known of ", words[1], "\n") : story;
  }
  const bool json = words.size() == 3 && words[2] == "--json";
  if (words[0] == "list" && (words.size() == 2 || json)) {
    std::optional<std::vector<Row>> rows;
    if (words[1] == "tasks") rows = ListTasks();
    if (words[1] == "actors") rows = ListActors();
    if (words[1] == "workers") rows = ListWorkers();
    if (words[1] == "groups") rows = ListPlacementGroups();
    if (rows.has_value()) return json ? AsJson(*rows) : AsTable(*rows);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", ToAbsl(query), "\" is no question: there are why ID, story ID, and list ",
                   "tasks, actors, workers or groups, with --json"));
}

std::string Core::Why(ObjectId id) const {
  std::string text;
  Explain(id, 0, &text);
  return text;
}

std::string Core::Describe(const Task& task) const {
  return absl::StrCat(task.id.ToString(), " ", task.name);
}

void Core::Explain(ObjectId id, int depth, std::string* text) const {
  const std::string indent(static_cast<size_t>(2 * depth), ' ');
  const std::shared_ptr<const Task> task = LookAt(id.task());
  if (task != nullptr && !task->answered) {
    ExplainTask(*task, depth, text);
    return;
  }
  const objectstore::Entry* entry = objects_.Find(id);
  const auto group = placement_groups_.find(id);
  if (group != placement_groups_.end() && !group->second.removed && !group->second.reserved) {
    absl::StrAppend(text, indent, "placement group ", group->second.ToString(), " needs ",
                    group->second.sum.ToString(), ", and free are ", workers_.free().ToString(),
                    ":\n", Holders(indent));
    return;
  }
  if (entry == nullptr) {
    absl::StrAppend(text, indent, id.ToString(),
                    " is not known: it is done and was dropped, or it never was\n");
  } else if (entry->failed()) {
    absl::StrAppend(text, indent, id.ToString(), " has failed: ", entry->error()->ToString(), "\n");
  } else {
    const auto promise = promises_.find(id);
    absl::StrAppend(
        text, indent, id.ToString(),
        promise != promises_.end()
            ? absl::StrCat(" is a promise that ", ToString(promise->second), " has not kept yet\n")
        : entry->pending() ? " is being made\n"
                           : " is there: nothing is waited for\n");
  }
}

void Core::ExplainTask(const Task& task, int depth, std::string* text) const {
  const std::string indent(static_cast<size_t>(2 * depth), ' ');
  const auto say = [&](const auto&... parts) {
    absl::StrAppend(text, indent, Describe(task), " ", parts..., "\n");
  };
  const auto explain_all = [&](const std::vector<ObjectId>& ids) {
    size_t named = 0;
    for (const ObjectId id : ids) {
      const objectstore::Entry* entry = objects_.Find(id);
      if (entry == nullptr || !entry->pending()) continue;
      if (depth >= kMaxDepth || ++named > kMaxNamed) {
        absl::StrAppend(text, indent, "  ...\n");
        return;
      }
      Explain(id, depth + 1, text);
    }
  };
  if (task.state == Task::State::kWaiting) {
    say("waits for ", task.missing, " of its ", task.dependencies.size(),
        task.placement == nullptr ? " arguments:" : " arguments and its placement group:");
    if (task.placement != nullptr) explain_all({task.placement->group});
    explain_all(task.dependencies);
    return;
  }
  if (task.state == Task::State::kDelayed) {
    say("has failed ", task.failures, " times and is tried again in ",
        (task.timers[static_cast<size_t>(TaskTimer::kRetry)] - now_nanos_) / 1'000'000, " ms");
    return;
  }
  if (task.state == Task::State::kDispatched) {
    const Worker& worker = *task.worker;
    const auto first = std::find_if(worker.queue.begin(), worker.queue.end(),
                                    [](const Task* other) { return !other->suspended; });
    if (task.suspended) {
      say("is suspended on ", WorkerName(worker), ", in co_await, for:");
      explain_all({task.awaits});
      return;
    }
    const Task& running = **first;
    if (&running != &task) {
      say("is next on ", WorkerName(worker), ", behind ", Describe(running));
    } else if (worker.state != Worker::State::kBlocked) {
      say("runs on ", WorkerName(worker), ", attempt ", task.attempt);
    } else if (std::none_of(worker.waits_for.begin(), worker.waits_for.end(),
                            [&](ObjectId id) { return IsPending(id); })) {
      say("runs on ", WorkerName(worker),
          " and waits there for memory of the object store, or the disk");
    } else {
      say("runs on ", WorkerName(worker), " and waits there, in Get or Wait, for:");
      explain_all(worker.waits_for);
    }
    return;
  }
  if (task.kind == wire::TaskKind::kActorCall) {
    const ActorRecord& actor = *actors_.Get(task.actor);
    if (actor.state != ActorRecord::State::kAlive) {
      say("is a call of the actor ", actor.type_name, ", which is ", StateName(actor.state));
      if (depth < kMaxDepth && actor.creation != nullptr)
        ExplainTask(*actor.creation, depth + 1, text);
    } else {
      say("is a call of the actor ", actor.type_name, ", which has ", actor.pending_calls,
          " calls that are not done");
    }
    return;
  }
  // Ready, and not placed.
  if (task.kind == wire::TaskKind::kTask && !ArgumentsFit(task)) {
    say("waits for room: what running tasks take from the object store, and what it takes, would "
        "leave too little of it for results");
    return;
  }
  if (!AnyFits(task.Wants())) {
    say("asks for ", task.Wants().front().ToString(), ", and free are ", workers_.free().ToString(),
        ":");
    absl::StrAppend(text, Holders(indent));
    return;
  }
  const auto job = jobs_.find(task.job);
  if (task.kind == wire::TaskKind::kTask && job != jobs_.end() &&
      workers_.CountsOf(task.job).starting > 0) {
    say("waits for a process that is being started");
  } else {
    say("waits for its turn: ", job == jobs_.end() ? 0 : job->second.ready.size(),
        " tasks of its job are ready");
  }
}

// Who has the resources, a line each.
std::string Core::Holders(std::string_view indent) const {
  std::string text;
  size_t named = 0;
  const auto add = [&](const auto&... parts) {
    if (++named <= kMaxNamed) absl::StrAppend(&text, ToAbsl(indent), "  ", parts..., "\n");
  };
  workers_.ForEach([&](const Worker& worker) {
    if (!worker.holds_grant) return;
    add(WorkerName(worker), " holds ", worker.granted.ToString(),
        worker.lends_cpus ? " (and lends its cpus)" : "",
        worker.queue.empty() ? "" : absl::StrCat(" for ", Describe(*worker.queue.front())));
  });
  for (const auto& [id, group] : placement_groups_) {
    if (group.reserved)
      add("placement group ", group.ToString(), " has reserved ", group.sum.ToString());
  }
  return text;
}

uint32_t Core::ThreadsFor(const Task& task) const {
  if (task.kind != wire::TaskKind::kActorCall) return 1;
  return actors_.Get(task.actor)->groups[task.group].threads;
}

std::vector<Core::Row> Core::ListTasks() const {
  std::vector<const QueuedTask*> tasks;
  tasks_.ForEach([&](const QueuedTask& task) { tasks.push_back(&task); });
  std::sort(tasks.begin(), tasks.end(),
            [](const QueuedTask* a, const QueuedTask* b) { return a->order < b->order; });
  if (tasks.size() > kMaxRows) tasks.resize(kMaxRows);
  std::vector<Row> rows;
  for (const QueuedTask* queued : tasks) {
    const std::shared_ptr<const Task> task = LookAt(*queued);
    const char* kind = task->kind == wire::TaskKind::kTask        ? "task"
                       : task->kind == wire::TaskKind::kActorCall ? "call"
                                                                  : "actor";
    rows.push_back({{"id", task->id.ToString()},
                    {"name", task->name},
                    {"kind", kind},
                    {"state", StateName(*task, ThreadsFor(*task))},
                    {"job", absl::StrCat(static_cast<uint32_t>(task->job))},
                    {"attempt", absl::StrCat(task->attempt)},
                    {"priority", absl::StrCat(task->priority)},
                    {"worker", task->worker == nullptr ? "-" : WorkerName(*task->worker)}});
  }
  return rows;
}

std::vector<Core::Row> Core::ListActors() const {
  std::vector<Row> rows;
  actors_.ForEach([&](const ActorRecord& actor) {
    if (rows.size() == kMaxRows) return;
    rows.push_back({{"id", absl::StrCat("a", actor.id.ToString().substr(1))},
                    {"class", actor.type_name},
                    {"name", actor.name.empty() ? "-" : actor.name},
                    {"state", StateName(actor.state)},
                    {"job", absl::StrCat(static_cast<uint32_t>(actor.job))},
                    {"pending", absl::StrCat(actor.pending_calls)},
                    {"process", absl::StrCat("w-", static_cast<uint64_t>(actor.process))}});
  });
  return rows;
}

std::vector<Core::Row> Core::ListPlacementGroups() const {
  std::vector<Row> rows;
  for (const auto& [id, group] : placement_groups_) {
    if (rows.size() == kMaxRows) break;
    std::string bundles;
    for (const ResourceSet& bundle : group.bundles)
      absl::StrAppend(&bundles, bundles.empty() ? "" : "; ", bundle.ToString());
    rows.push_back({{"id", absl::StrCat("g", id.ToString().substr(1))},
                    {"name", group.name.empty() ? "-" : group.name},
                    {"state", group.removed    ? "removed"
                              : group.reserved ? "reserved"
                                               : "pending"},
                    {"job", absl::StrCat(static_cast<uint32_t>(group.job))},
                    {"bundles", std::move(bundles)}});
  }
  return rows;
}

std::vector<Core::Row> Core::ListWorkers() const {
  std::vector<Row> rows;
  workers_.ForEach([&](const Worker& worker) {
    rows.push_back({{"id", WorkerName(worker)},
                    {"state", worker.ending ? "ending" : StateName(worker.state)},
                    {"job", absl::StrCat(static_cast<uint32_t>(worker.job))},
                    {"actor", worker.is_actor() ? worker.actor.ToString() : "-"},
                    {"holds", worker.holds_grant ? worker.granted.ToString() : "-"},
                    {"tasks", absl::StrCat(worker.queue.size())},
                    {"runs", worker.queue.empty() ? "-" : Describe(*worker.queue.front())}});
  });
  return rows;
}

}  // namespace troupe::scheduler
