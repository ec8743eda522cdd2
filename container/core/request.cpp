#include "container/core/request.hpp"

#include <limits>

#include "util/fields.hpp"
#include "util/json.hpp"

namespace sweep::container {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxItems = 8192;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 2;
constexpr int kMostRetries = 100;

/// One list for both ways: visit(name, text).
template <class R, class Visit>
void each_text(R& request, Visit visit) {
  visit("tool", request.tool);
  visit("image", request.image);
  visit("name", request.name);
  visit("workspace", request.workspace);
  visit("workdir", request.workdir);
  visit("scratch", request.scratch);
  visit("shm_size", request.shm_size);
  visit("gpus", request.gpus);
  visit("job", request.job);
  visit("node", request.node);
}

template <class R, class Visit>
void each_list(R& request, Visit visit) {
  visit("argv", request.argv);
  visit("names", request.names);
  visit("of_image", request.of_image);
  visit("options", request.options);
}

std::string dumped(const json& body) {
  // What is not UTF-8 cannot stand in JSON.
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

Runtime read_runtime(Fields& in) {
  const auto runtime = runtime_of(in.text("runtime", kMaxText));
  if (!runtime) in.complain("'runtime' is none that is known");
  return runtime.value_or(Runtime::None);
}

}  // namespace

std::string to_text(const StageRequest& request) {
  return dumped({{"runtime", runtime_word(request.runtime)},
                 {"tool", request.tool},
                 {"version", request.version},
                 {"image", request.image},
                 {"cache", request.cache},
                 {"scratch", request.scratch},
                 {"node", request.node},
                 {"by_runtime", request.by_runtime},
                 {"retries", request.retries},
                 {"room_bytes", request.room_bytes},
                 {"keep_bytes", request.keep_bytes},
                 {"keep_ms", request.keep_ms}});
}

Expected<StageRequest> stage_request_in(const std::string& text) {
  const json body = parse_json(text);
  Fields in(body, "stage request");
  StageRequest out;
  out.runtime = read_runtime(in);
  out.tool = in.text("tool", kMaxText);
  out.version = in.text("version", kMaxText);
  out.image = in.text("image", kMaxText);
  out.cache = in.text("cache", kMaxText);
  out.scratch = in.text("scratch", kMaxText);
  out.node = in.text("node", kMaxText);
  out.by_runtime = in.flag("by_runtime");
  out.retries = static_cast<int>(in.integer("retries", 0, kMostRetries));
  out.room_bytes = in.integer("room_bytes", 0, kMost);
  out.keep_bytes = in.integer("keep_bytes", 0, kMost);
  out.keep_ms = in.integer("keep_ms", 0, kMost);
  if (in.error()) return fail(*in.error());
  return out;
}

std::string to_text(const StartRequest& request) {
  json body{{"runtime", runtime_word(request.runtime)}, {"writable", request.writable}};
  each_text(request, [&](const char* name, const std::string& value) { body[name] = value; });
  each_list(request, [&](const char* name, const std::vector<std::string>& value) { body[name] = value; });
  body["mounts"] = json::array();
  for (const Mount& mount : request.mounts)
    body["mounts"].push_back(mount_text(mount));
  return dumped(body);
}

Expected<StartRequest> start_request_in(const std::string& text) {
  const json body = parse_json(text);
  Fields in(body, "start request");
  StartRequest out;
  out.runtime = read_runtime(in);
  out.writable = in.flag("writable");
  each_text(out, [&](const char* name, std::string& value) { value = in.text(name, kMaxText); });
  each_list(out, [&](const char* name, std::vector<std::string>& value) {
    value = in.texts(name, kMaxItems, kMaxText);
  });
  for (const std::string& entry : in.texts("mounts", kMaxItems, kMaxText)) {
    SWEEP_ASSIGN(auto mount, parse_mount(entry));
    out.mounts.push_back(std::move(mount));
  }
  if (out.argv.empty()) in.complain("start request: 'argv' is empty");
  if (in.error()) return fail(*in.error());
  return out;
}

}  // namespace sweep::container
