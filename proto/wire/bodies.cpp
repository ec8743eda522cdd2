#include "proto/wire/bodies.hpp"

#include <array>
#include <cassert>
#include <limits>
#include <memory>

#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::wire {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxValue = 64 * 1024;
constexpr std::size_t kMaxItems = 4096;
constexpr std::int64_t kMaxTasks = 1'000'000;
constexpr std::int64_t kMaxAttempts = 1'000'000;
constexpr auto kMaxFiles = static_cast<std::int64_t>(kMostArtifacts);
// Half of what fits, so that the sum of two values fits too.
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max() / 2;

json ref_json(const AttemptRef& ref) {
  return {{"point", ref.point}, {"attempt", ref.attempt}};
}

// Truncates a reason that is too long, because the peer would reject the whole message.
json reason_json(const std::string& reason) {
  return clipped(reason, kMaxText);
}

json with_ref(const AttemptRef& ref, json body) {
  body.update(ref_json(ref));
  return body;
}

AttemptRef read_ref(Fields& in) {
  AttemptRef ref;
  ref.point = in.text("point", kMaxName);
  ref.attempt = static_cast<int>(in.integer("attempt", 1, kMaxAttempts));
  return ref;
}

// ---- writing, one function per message

json write(const Hello& m) {
  return {{"agent", m.agent},
          {"node", m.node},
          {"job", m.job},
          {"step", m.step},
          {"task", m.task},
          {"tasks", m.tasks},
          {"gpus", m.gpus},
          {"pid", m.pid},
          {"version", m.version},
          {"command", m.command},
          {"credential", m.credential},
          {"no_credential", reason_json(m.no_credential)}};
}
json write(const Ready& m) {
  return {{"job_ends_ms", m.job_ends_ms}, {"sharing", m.sharing},     {"slurm", m.slurm},
          {"features", m.features},       {"gpu_types", m.gpu_types}, {"partition", m.partition},
          {"gpu_names", m.gpu_names}};
}
json write(const Started& m) {
  return with_ref(m.ref, {{"pid", m.pid}, {"directory", m.directory}});
}
json write(const Progress& m) {
  return with_ref(m.ref, {{"phase", m.phase}, {"done", m.done}, {"total", m.total}});
}
json write(const LogChunk& m) {
  return with_ref(m.ref, {{"stderr", m.is_stderr}});
}
json files_json(const std::vector<Artifact>& files) {
  json out = json::array();
  for (const Artifact& file : files)
    out.emplace_back(json::array_t{file.name, file.bytes, file.own});
  return out;
}
json write(const Finished& m) {
  return with_ref(m.ref, {{"outcome", outcome_to_json(m.outcome)},
                          {"wall_ms", m.wall_ms},
                          {"of", m.of},
                          {"account", account_to_json(m.account)},
                          {"files", files_json(m.files)}});
}
json write(const Heartbeat&) {
  return json::object();
}
json write(const Goodbye& m) {
  return {{"reason", reason_json(m.reason)}};
}
json write(const Welcome& m) {
  return {{"sweep", m.sweep},
          {"pack_gpus", m.pack_gpus},
          {"heartbeat_ms", m.heartbeat_ms},
          {"kill_grace_ms", m.kill_grace_ms},
          {"away_ms", m.away_ms},
          {"spool", m.spool},
          {"asks_node", m.asks_node},
          {"asks_gpus", m.asks_gpus},
          {"log_limit", m.log_limit},
          {"log_window", m.log_window},
          {"artifact_limit", m.artifact_limit}};
}
json write(const Reject& m) {
  return {{"reason", reason_json(m.reason)}};
}
json server_json(const ServerSpec& s) {
  return {{"key", s.key},
          {"command", s.command},
          {"names", s.names},
          {"ready_url", s.ready_url},
          {"ready_log", s.ready_log},
          {"health_url", s.health_url},
          {"reset_url", s.reset_url},
          {"progress", s.progress},
          {"start_ms", s.start_ms},
          {"progress_ms", s.progress_ms},
          {"longest_ms", s.longest_ms},
          {"reset_ms", s.reset_ms},
          {"warm_up_ms", s.warm_up_ms}};
}
json container_json(const ContainerSpec& container) {
  json out = json::object();
  for (const ContainerField& field : container_fields()) {
    if (field.name != nullptr) out[field.name] = container_value(container, field);
  }
  return out;
}
json write(const Lease& m) {
  json environment = json::array();
  for (const auto& [name, value] : m.environment)
    environment.emplace_back(json::array_t{name, value});
  json out = with_ref(m.ref, {{"label", m.label},
                              {"gpus", m.gpus},
                              {"result_filename", m.result_filename},
                              {"command", m.command},
                              {"workspace", m.workspace},
                              {"server_ms", m.timeouts.server_ms},
                              {"benchmark_ms", m.timeouts.benchmark_ms},
                              {"point_ms", m.timeouts.point_ms},
                              {"script_ready", m.script_ready},
                              {"eval", static_cast<int>(m.eval)},
                              {"eval_command", m.eval_command},
                              {"gpu_metrics", m.gpu_metrics}});
  out["environment"] = std::move(environment);  // an initializer list would copy all of it
  out["server"] = m.server.key.empty() ? json() : server_json(m.server);
  out["container"] = m.container.runtime.empty() ? json() : container_json(m.container);
  return out;
}
json write(const Settled& m) {
  return with_ref(m.ref, {{"accepted", m.accepted}});
}
json write(const Cancel& m) {
  return with_ref(m.ref, {{"reason", reason_json(m.reason)}});
}
json write(const Drain& m) {
  return {{"complete", m.complete}, {"reason", reason_json(m.reason)}, {"invalid", m.invalid}};
}
json write(const StatusRequest& m) {
  return {{"credential", m.credential}, {"no_credential", reason_json(m.no_credential)}};
}
json write(const StatusReply& m) {
  return {{"status", m.status ? *m.status : json()}};
}
json write(const StopRequest& m) {
  return {{"reason", reason_json(m.reason)},
          {"at_once", m.at_once},
          {"credential", m.credential},
          {"no_credential", reason_json(m.no_credential)}};
}
json write(const LogCredit& m) {
  return {{"bytes", m.bytes}};
}
json write(const Fetch& m) {
  return with_ref(m.ref, {{"file", m.file}, {"offset", m.offset}});
}
json write(const Piece& m) {
  return with_ref(m.ref, {{"file", m.file}, {"offset", m.offset}, {"problem", reason_json(m.problem)}});
}

// ---- reading, in the same order

void read(Fields& in, Hello& m) {
  m.agent = in.text("agent", kMaxName);
  m.node = in.text("node", kMaxName);
  m.job = in.text("job", kMaxName);
  m.step = in.text("step", kMaxName);
  m.task = static_cast<int>(in.integer("task", 0, kMaxTasks));
  m.tasks = static_cast<int>(in.integer("tasks", 1, kMaxTasks));
  m.gpus = in.texts("gpus", kMaxItems, kMaxName);
  m.pid = in.integer("pid", 0, kMaxInt);
  m.version = in.text("version", kMaxName);
  m.command = in.texts("command", kMaxItems, kMaxValue);
  m.credential = in.text("credential", kMaxText);
  m.no_credential = in.text("no_credential", kMaxText);
}
void read(Fields& in, Ready& m) {
  m.job_ends_ms = in.integer("job_ends_ms", 0, kMaxInt);
  m.sharing = in.text("sharing", kMaxName);
  m.slurm = in.text("slurm", kMaxName);
  m.features = in.texts("features", kMaxItems, kMaxName);
  m.gpu_types = in.texts("gpu_types", kMaxItems, kMaxName);
  m.partition = in.text("partition", kMaxName);
  m.gpu_names = in.texts("gpu_names", kMaxItems, kMaxName);
}
void read(Fields& in, Started& m) {
  m.ref = read_ref(in);
  m.pid = in.integer("pid", 0, kMaxInt);
  m.directory = in.text("directory", kMaxName);
}
void read(Fields& in, Progress& m) {
  m.ref = read_ref(in);
  m.phase = in.text("phase", kMaxName);
  m.done = in.integer("done", 0, kMaxInt);
  m.total = in.integer("total", 0, kMaxInt);
}
void read(Fields& in, LogChunk& m) {
  m.ref = read_ref(in);
  m.is_stderr = in.flag("stderr");
}
bool is_text(const json& value, std::size_t max_bytes) {
  return value.is_string() && value.get_ref<const std::string&>().size() <= max_bytes;
}

void read_files(Fields& in, Finished& m) {
  const json& list = in.child("files");
  bool good = list.is_array() && list.size() <= kMostArtifacts;
  for (auto file = list.begin(); good && file != list.end(); ++file) {
    good = file->is_array() && file->size() == 3 && is_text((*file)[0], kLongestArtifactName) &&
           (*file)[1].is_number_integer() && (*file)[2].is_boolean();
    if (!good) break;
    const json& size = (*file)[1];
    // A number above the largest signed one would wrap around.
    good = !size.is_number_unsigned() || size.get<std::uint64_t>() <= static_cast<std::uint64_t>(kMaxInt);
    good = good && size.get<std::int64_t>() >= 0;
    if (good)
      m.files.push_back({(*file)[0].get<std::string>(), size.get<std::int64_t>(), (*file)[2].get<bool>()});
  }
  if (!good) in.complain("message: 'files' must be a list of name, bytes and flag");
}

void read(Fields& in, Finished& m) {
  m.ref = read_ref(in);
  m.wall_ms = in.integer("wall_ms", 0, kMaxInt);
  m.of = in.text("of", kMaxName);
  const auto outcome = outcome_from_json(in.child("outcome"));
  if (outcome) {
    m.outcome = *outcome;
  } else {
    in.complain(outcome.error().message);
  }
  auto account = account_from_json(in.child("account"));
  if (account) {
    m.account = std::move(*account);
    if (!m.account.scores.empty()) in.complain("account: 'scores' are not sent");
  } else {
    in.complain(account.error().message);
  }
  read_files(in, m);
}
void read(Fields&, Heartbeat&) {}
void read(Fields& in, Goodbye& m) {
  m.reason = in.text("reason", kMaxText);
}
void read(Fields& in, Welcome& m) {
  m.sweep = in.text("sweep", kMaxName);
  m.pack_gpus = in.flag("pack_gpus");
  m.heartbeat_ms = in.integer("heartbeat_ms", 1, kMaxInt);
  m.kill_grace_ms = in.integer("kill_grace_ms", 0, kMaxInt);
  m.away_ms = in.integer("away_ms", 0, kMaxInt);
  m.spool = in.text("spool", kMaxText);
  m.asks_node = in.flag("asks_node");
  m.asks_gpus = in.flag("asks_gpus");
  m.log_limit = in.integer("log_limit", 0, kMaxInt);
  m.log_window = in.integer("log_window", 0, kMaxInt);
  m.artifact_limit = in.integer("artifact_limit", 0, kMaxInt);
}
void read(Fields& in, Reject& m) {
  m.reason = in.text("reason", kMaxText);
}

void read_environment(Fields& in, Lease& m) {
  const json& list = in.child("environment");
  bool good = list.is_array() && list.size() <= kMaxItems;
  for (auto pair = list.begin(); good && pair != list.end(); ++pair) {
    good = pair->is_array() && pair->size() == 2 && is_text((*pair)[0], kMaxName) &&
           is_text((*pair)[1], kMaxValue);
    if (good) m.environment.emplace_back((*pair)[0].get<std::string>(), (*pair)[1].get<std::string>());
  }
  if (!good) in.complain("message: 'environment' must be a list of pairs of short strings");
}

void read_server(Fields& in, ServerSpec& s) {
  const json& body = in.child("server");
  if (body.is_null()) return;
  Fields of(body, "server");
  s.key = of.text("key", kMaxName);
  s.command = of.texts("command", kMaxItems, kMaxValue);
  s.names = of.texts("names", kMaxItems, kMaxName);
  s.ready_url = of.text("ready_url", kMaxText);
  s.ready_log = of.text("ready_log", kMaxText);
  s.health_url = of.text("health_url", kMaxText);
  s.reset_url = of.text("reset_url", kMaxText);
  s.progress = of.text("progress", kMaxText);
  s.start_ms = of.integer("start_ms", 0, kMaxInt);
  s.progress_ms = of.integer("progress_ms", 0, kMaxInt);
  s.longest_ms = of.integer("longest_ms", 0, kMaxInt);
  s.reset_ms = of.integer("reset_ms", 0, kMaxInt);
  s.warm_up_ms = of.integer("warm_up_ms", 0, kMaxInt);
  if (of.error()) in.complain(*of.error());
}

void read_container(Fields& in, ContainerSpec& container) {
  const json& body = in.child("container");
  if (body.is_null()) return;
  Fields of(body, "container");
  for (const ContainerField& field : container_fields()) {
    if (field.name != nullptr)
      read_container_value(of, field.name, field, {kMaxItems, static_cast<std::size_t>(field.most)},
                           container);
  }
  if (of.error()) in.complain(*of.error());
}

void read(Fields& in, Lease& m) {
  m.ref = read_ref(in);
  m.label = in.text("label", kMaxText);
  m.gpus = static_cast<int>(in.integer("gpus", 0, kMaxTasks));
  m.result_filename = in.text("result_filename", kMaxText);
  read_environment(in, m);
  m.command = in.texts("command", kMaxItems, kMaxValue);
  m.workspace = in.text("workspace", kMaxText);
  m.timeouts.server_ms = in.integer("server_ms", 0, kMaxInt);
  m.timeouts.benchmark_ms = in.integer("benchmark_ms", 0, kMaxInt);
  m.timeouts.point_ms = in.integer("point_ms", 0, kMaxInt);
  m.script_ready = in.text("script_ready", kMaxText);
  read_server(in, m.server);
  read_container(in, m.container);
  m.eval = static_cast<EvalWhen>(in.integer("eval", 0, static_cast<int>(EvalWhen::Only)));
  m.eval_command = in.texts("eval_command", kMaxItems, kMaxValue);
  m.gpu_metrics = in.flag("gpu_metrics");
}
void read(Fields& in, Settled& m) {
  m.ref = read_ref(in);
  m.accepted = in.flag("accepted");
}
void read(Fields& in, Cancel& m) {
  m.ref = read_ref(in);
  m.reason = in.text("reason", kMaxText);
}
void read(Fields& in, Drain& m) {
  m.complete = in.flag("complete");
  m.reason = in.text("reason", kMaxText);
  m.invalid = in.flag("invalid");
}
void read(Fields& in, StatusRequest& m) {
  m.credential = in.text("credential", kMaxText);
  m.no_credential = in.text("no_credential", kMaxText);
}
void read(Fields& in, StatusReply& m) {
  m.status = std::make_shared<const json>(in.child("status"));
}
void read(Fields& in, StopRequest& m) {
  m.reason = in.text("reason", kMaxText);
  m.at_once = in.flag("at_once");
  m.credential = in.text("credential", kMaxText);
  m.no_credential = in.text("no_credential", kMaxText);
}
void read(Fields& in, LogCredit& m) {
  m.bytes = in.integer("bytes", 0, kMaxInt);
}
void read(Fields& in, Fetch& m) {
  m.ref = read_ref(in);
  m.file = static_cast<int>(in.integer("file", 0, kMaxFiles));
  m.offset = in.integer("offset", 0, kMaxInt);
}
void read(Fields& in, Piece& m) {
  m.ref = read_ref(in);
  m.file = static_cast<int>(in.integer("file", 0, kMaxFiles));
  m.offset = in.integer("offset", 0, kMaxInt);
  m.problem = in.text("problem", kMaxText);
}

template <std::size_t I>
Expected<Message> read_as(const json& body) {
  std::variant_alternative_t<I, Message> message;
  Fields in(body, "message");
  read(in, message);
  if (in.error()) return fail(*in.error());
  return Message(std::in_place_index<I>, std::move(message));
}

template <std::size_t... I>
Expected<Message> read_any(std::size_t type, const json& body, std::index_sequence<I...>) {
  using Reader = Expected<Message> (*)(const json&);
  static constexpr std::array<Reader, sizeof...(I)> kReaders = {&read_as<I>...};
  return kReaders[type](body);
}

}  // namespace

json write_body(const Message& message) {
  return std::visit([](const auto& m) { return write(m); }, message);
}

Expected<Message> read_body(std::size_t type, const json& body) {
  assert(type < std::variant_size_v<Message>);
  return read_any(type, body, std::make_index_sequence<std::variant_size_v<Message>>());
}

}  // namespace sweep::wire
