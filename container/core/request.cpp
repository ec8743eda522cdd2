#include "container/core/request.hpp"

#include "util/fields.hpp"
#include "util/json.hpp"

namespace sweep::container {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxText = 64 * 1024;
constexpr std::size_t kMaxItems = 8192;

json container_json(ContainerUse use, const ContainerSpec& container) {
  json out = json::object();
  for (const ContainerField& field : container_fields()) {
    if (field.used_by(use)) out[field.name] = container_value(container, field);
  }
  return out;
}

ContainerSpec read_container(Fields& in, ContainerUse use) {
  Fields of(in.child("container"), "container");
  ContainerSpec out;
  for (const ContainerField& field : container_fields()) {
    if (field.used_by(use)) read_container_value(of, field.name, field, {kMaxItems, kMaxText}, out);
  }
  if (of.error()) in.complain(*of.error());
  return out;
}

std::string dumped(const json& body) {
  return body.dump(-1, ' ', false, json::error_handler_t::replace);  // JSON must be UTF-8
}

Runtime read_runtime(Fields& in) {
  const auto runtime = runtime_of(in.text("runtime", kMaxText));
  if (!runtime) in.complain("unknown 'runtime'; known: " + known_runtimes());
  return runtime.value_or(Runtime::None);
}

}  // namespace

std::string to_text(const StageRequest& request) {
  return dumped({{"runtime", runtime_word(request.runtime)},
                 {"tool", request.tool},
                 {"version", request.version},
                 {"node", request.node},
                 {"container", container_json(ContainerUse::Stage, request.container)}});
}

Expected<StageRequest> stage_request_in(const std::string& text) {
  const json body = parse_json(text);
  Fields in(body, "stage request");
  StageRequest out;
  out.runtime = read_runtime(in);
  out.tool = in.text("tool", kMaxText);
  out.version = in.text("version", kMaxText);
  out.node = in.text("node", kMaxText);
  out.container = read_container(in, ContainerUse::Stage);
  if (in.error()) return fail(*in.error());
  return out;
}

std::string to_text(const StartRequest& request) {
  return dumped({{"runtime", runtime_word(request.runtime)},
                 {"tool", request.tool},
                 {"name", request.name},
                 {"argv", request.argv},
                 {"workspace", request.workspace},
                 {"image_variables", request.image_variables},
                 {"gpus", request.gpus},
                 {"job", request.job},
                 {"node", request.node},
                 {"container", container_json(ContainerUse::Start, request.container)}});
}

Expected<StartRequest> start_request_in(const std::string& text) {
  const json body = parse_json(text);
  Fields in(body, "start request");
  StartRequest out;
  out.runtime = read_runtime(in);
  out.tool = in.text("tool", kMaxText);
  out.name = in.text("name", kMaxText);
  out.argv = in.texts("argv", kMaxItems, kMaxText);
  out.workspace = in.text("workspace", kMaxText);
  out.image_variables = in.texts("image_variables", kMaxItems, kMaxText);
  out.gpus = in.text("gpus", kMaxText);
  out.job = in.text("job", kMaxText);
  out.node = in.text("node", kMaxText);
  out.container = read_container(in, ContainerUse::Start);
  if (out.argv.empty()) in.complain("start request: 'argv' is empty");
  if (in.error()) return fail(*in.error());
  if (const auto mounts = parse_mounts(out.container.mounts); !mounts) return tl::unexpected(mounts.error());
  return out;
}

}  // namespace sweep::container
