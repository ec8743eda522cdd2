#include "controller/core/events_json.hpp"

#include <array>
#include <limits>

#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::core {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max() / 2;
constexpr std::int64_t kMaxCount = 1'000'000'000;

json ref_json(const AttemptRef& ref) {
  return {{"point", ref.point}, {"attempt", ref.attempt}};
}

AttemptRef read_ref(Fields& in) {
  return {in.text("point", kMaxText), static_cast<int>(in.integer("attempt", 1, kMaxCount))};
}

json write(const AgentJoined& e) {
  const AgentInfo& a = e.agent;
  json out = {{"agent", a.id},  {"node", a.node},   {"job", a.job},   {"step", a.step},
              {"task", a.task}, {"tasks", a.tasks}, {"gpus", a.gpus}, {"pid", a.pid}};
  if (!a.command.empty()) out["command"] = a.command;
  return out;
}
json write(const AgentReady& e) {
  json out = {{"agent", e.agent}};
  if (e.serves) out["serves"] = *e.serves;
  if (!e.hardware.gpus.empty()) out["gpu_type"] = e.hardware.gpus;
  if (!e.hardware.from.empty()) out["gpu_type_from"] = e.hardware.from;
  if (e.hardware.mapped) out["mapped"] = true;
  return out;
}
json write(const AgentGone& e) {
  return {{"agent", e.agent}, {"reason", e.reason}};
}
json write(const AgentReturned& e) {
  return {{"agent", e.agent}};
}
json write(const Leased& e) {
  json out = ref_json(e.ref);
  out["agent"] = e.agent;
  for (const GangMember& member : e.members)
    out["members"].push_back({{"agent", member.agent}, {"gpus", member.gpus}});
  return out;
}
json write(const MemberEnded& e) {
  json out = ref_json(e.ref);
  out["agent"] = e.agent;
  return out;
}
json write(const Started& e) {
  json out = ref_json(e.ref);
  out["pid"] = e.pid;
  if (!e.directory.empty()) out["directory"] = e.directory;
  return out;
}
json write(const Sending& e) {
  return ref_json(e.ref);
}
json write(const Ended& e) {
  json out = ref_json(e.ref);
  out["outcome"] = outcome_to_json(e.outcome);
  out["wall_ms"] = e.wall.count();
  out["accepted"] = e.accepted;
  out["lost"] = e.lost;
  out["counted"] = e.counted;
  out["next"] = state_word(e.next);
  if (e.account != Account()) out["account"] = account_to_json(e.account);
  if (!e.invalid.empty()) out["invalid"] = e.invalid;
  if (!e.node.empty()) out["node"] = e.node;
  return out;
}
json write(const Unfit& e) {
  return {{"point", e.point}, {"reason", e.reason}};
}
json write(const Stopping& e) {
  return {{"reason", e.reason}, {"deadline_ms", to_unix_ms(e.deadline)}};
}
json write(const Closed& e) {
  return {{"complete", e.complete}, {"reason", e.reason}};
}
json write(const JobEnds& e) {
  return {{"job", e.job}, {"end_ms", to_unix_ms(e.end)}};
}
json write(const Quarantined& e) {
  return {{"node", e.node}, {"reason", e.reason}};
}
json write(const Recovered& e) {
  return {{"version", e.version}};
}
json write(const Resumed& e) {
  return {
      {"version", e.version}, {"job", e.job}, {"retry_failed", e.retry_failed}, {"withdrawn", e.withdrawn}};
}
json write(const Salvaged& e) {
  json out = ref_json(e.ref);
  out["node"] = e.node;
  return out;
}
json write(const ServerUnusable& e) {
  return {{"points", e.points}, {"reason", e.reason}};
}
json write(const Paused& e) {
  return {{"length_ms", e.length.count()}};
}

void read(Fields& in, AgentJoined& e) {
  e.agent.id = in.text("agent", kMaxText);
  e.agent.node = in.text("node", kMaxText);
  e.agent.job = in.text("job", kMaxText);
  e.agent.step = in.text("step", kMaxText);
  e.agent.task = static_cast<int>(in.integer("task", 0, kMaxCount));
  e.agent.tasks = static_cast<int>(in.integer("tasks", 0, kMaxCount));
  e.agent.gpus = in.texts("gpus", kMaxText, kMaxText);
  e.agent.pid = in.integer("pid", 0, kMaxInt);
  if (in.has("command")) e.agent.command = in.texts("command", kMaxText, kMaxText);
}
void read(Fields& in, AgentReady& e) {
  e.agent = in.text("agent", kMaxText);
  if (in.has("serves")) e.serves = in.texts("serves", kMaxText, kMaxText);
  e.hardware.gpus = in.maybe_text("gpu_type", kMaxText).value_or("");
  e.hardware.from = in.maybe_text("gpu_type_from", kMaxText).value_or("");
  e.hardware.mapped = in.has("mapped") && in.flag("mapped");
}
void read(Fields& in, AgentGone& e) {
  e.agent = in.text("agent", kMaxText);
  e.reason = in.text("reason", kMaxText);
}
void read(Fields& in, AgentReturned& e) {
  e.agent = in.text("agent", kMaxText);
}
void read(Fields& in, Leased& e) {
  e.ref = read_ref(in);
  e.agent = in.text("agent", kMaxText);
  if (!in.has("members")) return;
  const json& list = in.child("members");
  if (!list.is_array() || list.size() > kMaxText) return in.complain("'members' must be a list");
  for (const json& item : list) {
    Fields of(item, "leased: 'members'");
    e.members.push_back({of.text("agent", kMaxText), static_cast<int>(of.integer("gpus", 0, kMaxCount))});
    if (of.error()) return in.complain(*of.error());
  }
}
void read(Fields& in, MemberEnded& e) {
  e.ref = read_ref(in);
  e.agent = in.text("agent", kMaxText);
}
void read(Fields& in, Started& e) {
  e.ref = read_ref(in);
  e.pid = in.integer("pid", 0, kMaxInt);
  e.directory = in.maybe_text("directory", kMaxText).value_or("");
}
void read(Fields& in, Sending& e) {
  e.ref = read_ref(in);
}
void read_state(Fields& in, PointState& to) {
  const std::string word = in.text("next", kMaxText);
  for (std::size_t i = 0; i < kPointStates; ++i) {
    if (state_word(static_cast<PointState>(i)) == word) {
      to = static_cast<PointState>(i);
      return;
    }
  }
  in.complain("unknown point state '" + printable(word) + "'");
}
void read(Fields& in, Ended& e) {
  e.ref = read_ref(in);
  const auto outcome = outcome_from_json(in.child("outcome"));
  if (!outcome) return in.complain(outcome.error().message);
  e.outcome = *outcome;
  e.wall = Millis(in.integer("wall_ms", 0, kMaxInt));
  e.accepted = in.flag("accepted");
  e.lost = in.flag("lost");
  e.counted = in.flag("counted");
  read_state(in, e.next);
  e.node = in.maybe_text("node", kMaxText).value_or("");
  if (in.has("invalid")) e.invalid = in.texts("invalid", kMaxText, kMaxText);
  if (!in.has("account")) return;  // journals of early versions have none
  auto account = account_from_json(in.child("account"));
  if (!account) return in.complain(account.error().message);
  e.account = std::move(*account);
}
void read(Fields& in, Unfit& e) {
  e.point = in.text("point", kMaxText);
  e.reason = in.text("reason", kMaxText);
}
void read(Fields& in, Stopping& e) {
  e.reason = in.text("reason", kMaxText);
  e.deadline = from_unix_ms(in.integer("deadline_ms", 0, kMaxInt));
}
void read(Fields& in, Closed& e) {
  e.complete = in.flag("complete");
  e.reason = in.text("reason", kMaxText);
}
void read(Fields& in, JobEnds& e) {
  e.job = in.text("job", kMaxText);
  e.end = from_unix_ms(in.integer("end_ms", 0, kMaxInt));
}
void read(Fields& in, Quarantined& e) {
  e.node = in.text("node", kMaxText);
  e.reason = in.text("reason", kMaxText);
}
void read(Fields& in, Recovered& e) {
  e.version = in.text("version", kMaxText);
}
void read(Fields& in, Resumed& e) {
  e.version = in.text("version", kMaxText);
  e.job = in.text("job", kMaxText);
  e.retry_failed = in.flag("retry_failed");
  e.withdrawn = in.texts("withdrawn", kMaxCount, kMaxText);
}
void read(Fields& in, Salvaged& e) {
  e.ref = read_ref(in);
  e.node = in.text("node", kMaxText);
}
void read(Fields& in, ServerUnusable& e) {
  e.points = in.texts("points", kMaxCount, kMaxText);
  e.reason = in.text("reason", kMaxText);
}
void read(Fields& in, Paused& e) {
  constexpr std::int64_t kLongestPause = std::int64_t{1000} * 24 * 3600 * 1000;
  e.length = Millis(in.integer("length_ms", 0, kLongestPause));
}

constexpr std::array<std::string_view, std::variant_size_v<EventBody>> kWords = {
    "agent-joined", "agent-ready",     "agent-gone", "agent-returned", "leased",      "started",   "ended",
    "unfit",        "stopping",        "closed",     "job-ends",       "quarantined", "recovered", "resumed",
    "salvaged",     "server-unusable", "paused",     "sending",        "member-ended"};

template <std::size_t I = 0>
Expected<EventBody> read_kind(std::string_view word, const json& body) {
  if constexpr (I == std::variant_size_v<EventBody>) {
    return fail("the journal has an event of unknown kind '" + printable(word) + "'");
  } else {
    if (kWords[I] != word) return read_kind<I + 1>(word, body);
    std::variant_alternative_t<I, EventBody> event;
    Fields in(body, word);
    read(in, event);
    if (in.error()) return fail(*in.error());
    return EventBody(std::move(event));
  }
}

}  // namespace

std::string_view event_word(const EventBody& what) {
  return kWords[what.index()];
}

json event_to_json(const EventBody& what) {
  return std::visit([](const auto& e) { return write(e); }, what);
}

Expected<EventBody> event_from_json(std::string_view word, const json& body) {
  return read_kind(word, body);
}

}  // namespace sweep::core
