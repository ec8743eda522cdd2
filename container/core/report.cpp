#include "container/core/report.hpp"

#include <limits>

#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxVariables = 4096;
constexpr std::size_t kMaxVariable = 64 * 1024;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 2;

std::string safe(const std::string& text) {
  return clipped(printable(text), kMaxText);
}

json json_of(const StageProgress& progress) {
  return {{"what", safe(progress.what)}, {"done", progress.done}, {"total", progress.total}};
}

json json_of(const Staged& staged) {
  return {{"runtime", runtime_word(staged.runtime)},
          {"tool", safe(staged.tool)},
          {"version", safe(staged.version)},
          {"image", safe(staged.image)},
          {"bytes", staged.bytes},
          {"digest", safe(staged.digest)},
          {"environment", staged.environment}};
}

json json_of(const Failed& failed) {
  return {{"of_image", failed.of_image}, {"failed", safe(failed.reason)}};
}

Staged read_staged(Fields& in) {
  Staged out;
  const auto runtime = runtime_of(in.text("runtime", kMaxText));
  if (!runtime) in.complain("report: unknown 'runtime'; known: " + known_runtimes());
  out.runtime = runtime.value_or(Runtime::None);
  out.tool = in.text("tool", kMaxText);
  out.version = in.text("version", kMaxText);
  out.image = in.text("image", kMaxText);
  out.bytes = in.integer("bytes", 0, kMost);
  out.digest = in.text("digest", kMaxText);
  out.environment = in.texts("environment", kMaxVariables, kMaxVariable);
  return out;
}

}  // namespace

std::string line_of(const Report& report) {
  const json body = std::visit([](const auto& what) { return json_of(what); }, report);
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

Expected<Report> report_in(std::string_view line) {
  const json body = parse_json(line);
  Fields in(body, "report");
  Report out;
  if (in.has("what")) {
    StageProgress progress;
    progress.what = in.text("what", kMaxText);
    progress.done = in.integer("done", 0, kMost);
    progress.total = in.integer("total", 0, kMost);
    out = std::move(progress);
  } else if (in.has("failed")) {
    Failed failed;
    failed.of_image = in.flag("of_image");
    failed.reason = in.text("failed", kMaxText);
    out = std::move(failed);
  } else {
    out = read_staged(in);
  }
  if (in.error()) return fail(*in.error());
  return out;
}

}  // namespace sweep::container
