#include "controller/io/outputs.hpp"

#include <algorithm>
#include <optional>

#include "controller/report/command.hpp"
#include "controller/report/process_result.hpp"
#include "controller/view/records.hpp"
#include "proto/net/files.hpp"

namespace sweep {

namespace {

constexpr unsigned kFileMode = 0644;

std::string raw_path(const std::string& directory, const std::string& result_filename) {
  return directory + "/raw/" + result_filename + ".json";
}

/// Most files are there already when they are written again, at the end of a sweep.
Expected<void> write_where_different(const std::string& path, std::string_view bytes, Sync sync) {
  if (const auto there = read_file(path, bytes.size()); there && *there == bytes) return {};
  return write_file_atomic(path, bytes, kFileMode, sync);
}

}  // namespace

Expected<nlohmann::ordered_json> processed(const Plan& plan, int index, const std::string& node,
                                           std::string_view raw) {
  if (auto whole = report::check_result(raw); !whole) return whole;
  // The very variables that the benchmark had: process-result run by hand beside it would say the same.
  const auto environment = make_lease(plan, index, 1, node).environment;
  const auto lookup = [&](const char* name) -> std::optional<std::string> {
    const auto last = std::find_if(environment.rbegin(), environment.rend(),
                                   [&](const auto& variable) { return variable.first == name; });
    return last == environment.rend() ? std::nullopt : std::optional(last->second);
  };
  return report::process_result(report::result_context(lookup), raw);
}

Expected<void> write_matrix(const std::string& directory, const Plan& plan) {
  std::string text = "[";
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id)) continue;
    text += text.size() > 1 ? ",\n  " : "\n  ";
    text += point.entry.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
  return write_file_atomic(directory + "/sweep_configs.json", text + "\n]\n");
}

Expected<void> append_log(const std::string& directory, const Plan& plan, int index, int attempt,
                          const std::string& node, bool is_stderr, std::string_view bytes) {
  return append_file(
      directory + "/" + view::log_stem(plan, index, attempt, node) + (is_stderr ? ".err" : ".out"), bytes);
}

std::string agg_name(const std::string& result_filename) {
  return "agg_" + result_filename + ".json";
}

Expected<void> write_result_files(const std::string& directory, const std::string& result_filename,
                                  std::string_view raw, const nlohmann::ordered_json& document, Sync sync) {
  if (auto done = write_where_different(raw_path(directory, result_filename), raw, sync); !done) return done;
  return write_where_different(directory + "/" + agg_name(result_filename), report::python_json(document, 2),
                               sync);
}

}  // namespace sweep
