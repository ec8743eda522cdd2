#include "controller/agentic/artifacts.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "controller/agentic/lines.hpp"
#include "controller/agentic/series_filter.hpp"
#include "controller/agentic/server_log.hpp"
#include "controller/agentic/traces.hpp"
#include "controller/power/paths.hpp"
#include "controller/power/power_files.hpp"
#include "controller/python/json_read.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::agentic {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxStreamBytes = std::size_t{1} << 40;  // read in pieces
constexpr std::size_t kLogHead = 64u << 20;                    // of each server's log
constexpr int kFoldersAbove = 3;

std::vector<std::string> sorted_names(const std::string& folder) {
  std::vector<std::string> names = names_in(folder);
  std::sort(names.begin(), names.end());
  return names;
}

bool has_ending(const std::string& name, std::string_view ending) {
  return name.size() >= ending.size() && name.ends_with(ending) && name.front() != '.';
}

// Returns server.log and the watchtowers' logs, each once.
std::vector<std::string> server_logs(const std::string& result_dir) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  const auto add = [&](const std::string& path) {
    std::error_code code;
    const fs::path real = fs::canonical(path, code);
    if (seen.insert(code ? path : real.string()).second) out.push_back(path);
  };
  const std::string direct = power::below(result_dir, "server.log");
  if (power::is_file(direct)) add(direct);
  std::string folder = power::python_path(result_dir);
  for (int above = 0; above <= kFoldersAbove; ++above) {
    for (const std::string& name : sorted_names(folder)) {
      if (name.starts_with("watchtower-") && has_ending(name, ".out")) add(power::below(folder, name));
    }
    if (folder == "." || folder == "/") break;
    folder = power::python_path(power::sibling(folder, ""));
  }
  return out;
}

std::optional<std::int64_t> capacity_in_log(const std::string& path, Adapter adapter) {
  LogCapacity capacity(adapter);
  std::string clean;
  Lines lines([&](std::string_view line, std::size_t) {
    if (line.find('\0') == std::string_view::npos) return capacity.take(line);
    clean.assign(line);
    std::erase(clean, '\0');
    capacity.take(clean);
  });
  // A longer log is an error of read_file; its head was read.
  static_cast<void>(read_file(path, kLogHead, [&](std::string_view piece) { lines.feed(piece); }));
  lines.finish();
  return capacity.tokens();
}

// Returns the folder of Hugging Face's cache.
std::string hub_folder(const Variables& variables) {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const auto folder = variables(name); folder && !folder->empty()) return *folder;
  }
  if (const auto home = variables("HF_HOME"); home && !home->empty()) return *home + "/hub";
  return variables("HOME").value_or("") + "/.cache/huggingface/hub";
}

bool has_traces(const std::string& folder) {
  const std::vector<std::string> names = names_in(folder);
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return has_ending(name, ".jsonl") || has_ending(name, ".json");
  });
}

// Returns the newest snapshot of a trace set; "" if there is none.
std::string trace_folder(const std::string& hub) {
  std::vector<std::pair<fs::file_time_type, std::string>> snapshots;
  for (const std::string& data_set : sorted_names(hub)) {
    if (!data_set.starts_with("datasets--semianalysisai--cc-traces-weka")) continue;
    const std::string folder = power::below(hub, data_set + "/snapshots");
    for (const std::string& name : sorted_names(folder)) {
      const std::string path = power::below(folder, name);
      std::error_code code;
      const auto changed = fs::last_write_time(path, code);
      if (!code && power::is_directory(path) && has_traces(path)) snapshots.emplace_back(changed, path);
    }
  }
  const auto newest = std::max_element(snapshots.begin(), snapshots.end(),
                                       [](const auto& a, const auto& b) { return a.first < b.first; });
  return newest == snapshots.end() ? "" : newest->second;
}

// Reads all traces in the folder; what is not JSON is skipped.
void read_traces(const std::string& folder, TraceLengths& lengths) {
  Lines lines([&](std::string_view line, std::size_t) {
    if (const auto trace = python::read_json(line)) lengths.take(*trace);
  });
  for (const std::string& name : sorted_names(folder)) {
    if (!has_ending(name, ".jsonl")) continue;
    static_cast<void>(read_file(power::below(folder, name), kMaxStreamBytes,
                                [&](std::string_view piece) { lines.feed(piece); }));
    lines.finish();
  }
  for (const std::string& name : sorted_names(folder)) {
    if (!has_ending(name, ".json")) continue;
    if (const auto trace = read_json_file(power::below(folder, name))) lengths.take(*trace);
  }
}

}  // namespace

std::string folder_with(const std::string& folder, const std::string& name) {
  if (power::is_file(power::below(folder, name))) return folder;
  for (const std::string& child : sorted_names(folder)) {
    const std::string path = power::below(folder, child);
    if (power::is_directory(path) && power::is_file(power::below(path, name))) return path;
  }
  return folder;
}

Expected<Records> read_records(const std::string& path) {
  RecordReader reader;
  Lines lines([&](std::string_view line, std::size_t number) { reader.take(line, number); });
  SWEEP_TRY(read_file(path, kMaxStreamBytes, [&](std::string_view piece) { lines.feed(piece); }));
  lines.finish();
  return reader.finish();
}

Expected<nlohmann::ordered_json> read_json_file(const std::string& path) {
  SWEEP_ASSIGN(const std::string bytes, read_file(path, python::kMaxJsonBytes));
  auto json = python::read_json(bytes);
  if (!json) return fail("cannot read '" + path + "': " + json.error().message);
  return json;
}

Expected<nlohmann::ordered_json> read_server_metrics(const std::string& path) {
  SeriesFilter filter;
  SWEEP_TRY(read_file(path, kMaxStreamBytes, [&](std::string_view piece) { filter.feed(piece); }));
  auto json = python::read_json(filter.text());
  if (!json) return fail("cannot read '" + path + "': " + json.error().message);
  return json;
}

std::optional<std::int64_t> capacity_in_logs(const std::string& result_dir, Adapter adapter) {
  std::optional<std::int64_t> sum;
  if (adapter == Adapter::None || adapter == Adapter::Atom) return sum;
  for (const std::string& path : server_logs(result_dir)) {
    if (const auto tokens = capacity_in_log(path, adapter)) sum = sum.value_or(0) + *tokens;
  }
  return sum;
}

std::vector<std::int64_t> expected_lengths(const Records& records, const Variables& variables) {
  if (records.turns.empty()) return {};
  const std::string folder = trace_folder(hub_folder(variables));
  if (folder.empty()) return {};
  TraceLengths lengths(records);
  read_traces(folder, lengths);
  return lengths.expected(records);
}

}  // namespace sweep::agentic
