#include "controller/io/config_files.hpp"

#include <filesystem>
#include <map>
#include <set>

#include "controller/io/output_dir.hpp"
#include "controller/profile/benchmark.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSetting = "CONFIG_FILE=", kRecipes = "recipes/";
constexpr const char* kCopy = "benchmarks/multi_node/srt-slurm-recipes";

/// Returns the file that the settings of the point's workers name, without ":override"; "" if they name none.
std::string config_file(const Point& point) {
  if (!point.inferencex || !point.inferencex->workers) return {};
  const WorkerGroups& groups = *point.inferencex->workers;
  for (const WorkerGroup* group : {&groups.prefill, &groups.decode}) {
    for (const std::string& setting : group->settings) {
      if (setting.starts_with(kSetting))
        return setting.substr(kSetting.size(), setting.find(':') - kSetting.size());
    }
  }
  return {};
}

bool has_config_file(const fs::path& workspace, const std::string& file) {
  std::error_code code;
  if (fs::exists(workspace / file, code)) return true;
  return file.starts_with(kRecipes) && fs::exists(workspace / kCopy / file.substr(kRecipes.size()), code);
}

}  // namespace

Expected<std::string> missing_config_files(const Plan& plan, const std::string& directory) {
  std::map<std::pair<std::string, std::string>, bool> known;  // by workspace and file: it exists
  std::set<std::string> missing;
  std::size_t points = 0;
  std::string first, in;
  for (const Point& point : plan.points) {
    const std::string file = config_file(point);
    if (file.empty() || plan.withdrawn.contains(point.id)) continue;
    SWEEP_ASSIGN(const auto workspace, profile::workspace_of(plan.profile, point));
    const std::string path = absolute_path((fs::path(directory) / workspace).string());
    std::error_code code;
    const auto [at, added] = known.emplace(std::pair(path, file), true);
    if (added && fs::is_directory(fs::path(path) / kCopy, code)) at->second = has_config_file(path, file);
    if (at->second) continue;
    ++points;
    if (missing.insert(file).second && missing.size() == 1) first = file, in = path;
  }
  if (points == 0) return std::string();
  const bool one = missing.size() == 1;
  return counted(points, "point") + (points == 1 ? " names" : " name") + " a CONFIG_FILE that is not in '" +
         printable(in) + "/" + kCopy +
         "': " + (one ? "" : std::to_string(missing.size()) + " files, such as ") + "'" + printable(first) +
         "'; correct " + (one ? "it" : "them") + " in 'additional-settings', unless srt-slurm has " +
         (one ? "it" : "them");
}

}  // namespace sweep
