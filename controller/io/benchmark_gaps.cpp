#include "controller/io/benchmark_gaps.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>

#include "controller/io/output_dir.hpp"
#include "controller/plan/gang.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/container_section.hpp"
#include "controller/profile/variables.hpp"
#include "controller/profile/workspace_script.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

/// Points for which the same is to be said.
struct PointGroup {
  const Point* first = nullptr;
  std::size_t count = 0;
};

/// Points whose scripts write to another place than their workspace, and the workspace of the first.
struct ElsewhereGroup {
  PointGroup points;
  std::string workspace;
};

/// What decides about a point: its workspace, why it has no recipe (""), and the scripts to look for.
using GroupKey = std::tuple<std::string, std::string, std::vector<std::string>>;

constexpr const char* kMountedAt = "/workspace";

/// Returns "1 point (LABEL)" or "3 points (such as LABEL)".
std::string counted_points(const PointGroup& group) {
  return counted(group.count, "point") + (group.count == 1 ? " (" : " (such as ") +
         printable(label(*group.first)) + ")";
}

/// Returns the names, each once, in their order.
std::string listed(const std::vector<std::string>& scripts) {
  std::vector<std::string> names;
  for (const std::string& script : scripts) {
    if (std::find(names.begin(), names.end(), script) == names.end()) names.push_back(printable(script));
  }
  return join(names, ", ");
}

std::string workspace_text(const Plan& plan, const std::string& workspace) {
  return (plan.profile.workspace.empty() ? "the working directory '" : "the workspace '") +
         printable(workspace) + "'";
}

std::string workspace_remedy(const Plan& plan) {
  if (plan.profile.workspace.empty()) return "set 'workspace' in the profile to a checkout of InferenceX";
  const auto source = plan.profile.sources.find("workspace");
  return "correct 'workspace' in the profile" +
         (source == plan.profile.sources.end() ? std::string() : " (" + source->second + ")");
}

std::string recipe_remedy(const Plan& plan, const Point& point) {
  const profile::RecipeGap gap = profile::recipe_gap(plan.profile, point);
  if (gap == profile::RecipeGap::None) return {};
  if (gap == profile::RecipeGap::NoEvals)
    return "add 'eval: { command: ... }' to the recipe, leave out evals (--select '--no-evals'), ";
  constexpr std::size_t kMostNames = 10;
  const auto known = profile::recipes_beside(plan.profile, point);
  const std::string names = known.size() > kMostNames ? std::to_string(known.size()) : join(known, ", ");
  return "write the recipe (others in its folder: " + (names.empty() ? "none" : names) + "), ";
}

std::string note_line(const Plan& plan, const GroupKey& key, const PointGroup& group,
                      const std::string& found) {
  const auto& [workspace, gap, scripts] = key;
  return counted_points(group) + (group.count == 1 ? " runs " : " run ") +
         (found.empty() ? "the first of " + listed(scripts) + " that exists in " : found + " of ") +
         workspace_text(plan, workspace) + (found.empty() ? ", which is not on this host" : "") + ": " + gap;
}

std::string error_line(const Plan& plan, const GroupKey& key, const PointGroup& group) {
  const auto& [workspace, gap, scripts] = key;
  return "cannot run " + counted_points(group) + ": " + (gap.empty() ? "" : gap + ", and ") + "none of " +
         listed(scripts) + " exists in " + workspace_text(plan, workspace) + "; " +
         recipe_remedy(plan, *group.first) + workspace_remedy(plan) + ", or select other points";
}

/// Returns the first of the scripts that exists in the workspace; "" if none does.
std::string existing_script(const std::string& workspace, const std::vector<std::string>& scripts) {
  std::error_code code;
  const auto found = std::find_if(scripts.begin(), scripts.end(), [&](const std::string& script) {
    return fs::exists(fs::path(workspace) / script, code);
  });
  return found == scripts.end() ? "" : *found;
}

/// True if the point's script runs on the node itself and writes its result to /workspace, where InferenceX's launchers
/// mount the checkout, but the workspace is another directory.
bool writes_elsewhere(const Plan& plan, const Point& point, const std::string& workspace,
                      const std::string& script) {
  constexpr std::size_t kMaxScript = std::size_t{1} << 20;
  const auto container = profile::container_of(plan.profile, point);
  std::error_code code;
  if (!container || profile::has_container(*container) || fs::equivalent(workspace, kMountedAt, code))
    return false;
  const std::string text = read_file((fs::path(workspace) / script).string(), kMaxScript).value_or("");
  if (text.find(std::string(kMountedAt) + "/") != std::string::npos) return true;
  // Agentic scripts leave that to their library, which a variable can direct to another place.
  const auto variables = profile::variables_of(plan.profile, point);
  return point.inferencex && point.inferencex->agentic &&
         text.find("benchmark_lib.sh") != std::string::npos &&
         std::none_of(variables.begin(), variables.end(),
                      [](const auto& variable) { return variable.first == "INFMAX_CONTAINER_WORKSPACE"; });
}

std::string elsewhere_line(const Plan& plan, const ElsewhereGroup& group) {
  return counted_points(group.points) +
         (group.points.count == 1 ? " runs a script that writes" : " run scripts that write") + " to " +
         kMountedAt + ", but the profile has no container, and " + workspace_text(plan, group.workspace) +
         " is not there; set container: { runtime: auto } in the profile, or mount the checkout at " +
         kMountedAt;
}

/// Adds what is to be said about the points of a group, or counts them in `elsewhere` (writes_elsewhere).
void report_group(const Plan& plan, const GroupKey& key, const PointGroup& group, ElsewhereGroup& elsewhere,
                  BenchmarkGaps& out) {
  const auto& [workspace, gap, scripts] = key;
  std::error_code code;
  const bool visible = !plan.step && fs::is_directory(workspace, code);
  const std::string found = visible ? existing_script(workspace, scripts) : "";
  if (visible && found.empty()) {
    out.errors.push_back(error_line(plan, key, group));
    out.broken += group.count;
    out.runnable -= group.count;
  } else if (!gap.empty()) {
    out.notes.push_back(note_line(plan, key, group, found));
  }
  if (found.empty() || !writes_elsewhere(plan, *group.first, workspace, found)) return;
  if (elsewhere.points.count == 0) elsewhere = {{group.first, 0}, workspace};
  elsewhere.points.count += group.count;
}

}  // namespace

Expected<BenchmarkGaps> find_benchmark_gaps(const Plan& plan, const std::string& directory) {
  BenchmarkGaps out;
  std::map<GroupKey, std::size_t> places;
  std::vector<std::pair<GroupKey, PointGroup>> groups;  // in matrix order
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id) || is_gang(plan.profile, point)) continue;
    ++out.runnable;
    if (!profile::runs_workspace_script(plan.profile, point)) continue;
    SWEEP_ASSIGN(const auto workspace, profile::workspace_of(plan.profile, point));
    GroupKey key = {absolute_path((fs::path(directory) / workspace).string()),
                    profile::recipe_gap_text(plan.profile, point), profile::workspace_scripts(point)};
    const auto [place, added] = places.emplace(std::move(key), groups.size());
    if (added) groups.push_back({place->first, PointGroup{&point, 0}});
    ++groups[place->second].second.count;
  }
  ElsewhereGroup elsewhere;
  for (const auto& [key, group] : groups)
    report_group(plan, key, group, elsewhere, out);
  if (elsewhere.points.count > 0) out.notes.push_back(elsewhere_line(plan, elsewhere));
  return out;
}

Expected<void> check_benchmark_gaps(const Plan& plan, const BenchmarkCommand& command,
                                    std::vector<std::string>& notes) {
  if (!is_from_profile(command)) return {};
  SWEEP_ASSIGN(const auto gaps, find_benchmark_gaps(plan, command.directory));
  if (gaps.broken > 0 && gaps.runnable == 0) return fail(join(gaps.errors, "\n"));
  for (const std::string& note : gaps.notes)
    notes.push_back("note: " + note);
  notes.insert(notes.end(), gaps.errors.begin(), gaps.errors.end());
  return {};
}

}  // namespace sweep
