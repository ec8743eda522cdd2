#include "controller/io/start_checks.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "controller/io/ledger.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/point_evals.hpp"
#include "controller/plan/gang.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/container_section.hpp"
#include "controller/report/collect.hpp"
#include "controller/report/frontier.hpp"
#include "proto/base/workspace_text.hpp"
#include "util/os/files.hpp"
#include "util/os/program_file.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 255;  // of a file, in bytes
// A node's name has at most 63 bytes. What is added to the name of a result: "agg_" and ".json.tmp-<pid>".
constexpr std::size_t kNodeName = 63, kAroundStem = sizeof "agg__.json.tmp-4194304";

Expected<void> check_name(const std::string& what, const std::string& name, std::size_t bytes,
                          const std::string& remedy) {
  if (bytes <= kLongestName) return {};
  return fail("the name of " + what + " is too long: '" + printable(clipped(name, kLongestName)) +
              "' needs " + std::to_string(bytes) + " bytes, and file systems permit " +
              std::to_string(kLongestName) + "; " + remedy);
}

/// Returns the names of the files that people may have, too, and that the sweep writes at its end.
std::vector<std::string> collections_of(const Plan& plan) {
  std::vector<std::string> out = {"summary.txt"};
  const auto names = experiments(plan);
  report::FileNames files;
  for (const std::string& name : names)
    out.push_back(report::collected_name(files.of(name)));
  if (names.size() > 1) out.push_back(report::collected_name("all"));
  if (std::any_of(plan.points.begin(), plan.points.end(), is_evaluated)) out.emplace_back(kEvalCollection);
  return out;
}

/// `remedy`: how to go on once such a file was moved away.
Expected<void> check_collections(const std::string& directory, const Plan& plan, const std::string& remedy) {
  const Ledger ledger = Ledger::of(directory);
  std::error_code code;
  for (const std::string& name : collections_of(plan)) {
    if (!fs::exists(fs::symlink_status(directory + "/" + name, code)) || ledger.has_written(name)) continue;
    return fail(
        "cannot use '" + directory + "': its '" + name +
        "' was not written by sweepctl or was changed since, so it would not be overwritten at the end "
        "of the sweep; move it away, " +
        remedy);
  }
  return {};
}

/// Returns the nearest folder of the path that exists.
std::string existing_part(const std::string& path) {
  std::error_code code;
  fs::path at = absolute_path(path);
  while (!fs::exists(at, code) && at.has_relative_path())
    at = at.parent_path();
  return at.string();
}

Expected<void> check_room(const std::string& directory, std::size_t points) {
  struct statvfs disk {};
  if (::statvfs(existing_part(directory).c_str(), &disk) != 0 || disk.f_blocks == 0) return {};
  return check_free_bytes(directory, std::uint64_t{disk.f_bavail} * disk.f_frsize, points);
}

bool is_in_image(const Plan& plan, const Point& point) {
  const auto container = profile::container_of(plan.profile, point);
  return plan.step || !container || profile::has_container(*container);
}

/// Checks the directory in which the benchmark leaves its result, if it is here.
Expected<void> check_working_directory(const std::string& directory) {
  std::error_code code;
  if (!fs::is_directory(directory, code) || ::access(directory.c_str(), W_OK | X_OK) == 0) return {};
  return fail(unwritable_workspace(directory, errno_text(errno)));
}

/// Returns true if a program of this name is in PATH.
bool is_in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  const std::vector<std::string> folders = split(path == nullptr ? "/usr/bin:/bin" : path, ':');
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    return ::access(((folder.empty() ? "." : folder) + "/" + name).c_str(), F_OK) == 0;
  });
}

/// `mounted`: the program runs in a container, into which the directory is mounted.
Expected<void> check_program(const std::string& program, const std::string& directory, bool mounted,
                             std::vector<std::string>& warnings) {
  const std::string where = "cannot start '" + program + "': ";
  if (program.find('/') == std::string::npos) {
    if (!is_in_path(program))
      warnings.push_back(where + "not found in PATH on this host; each node has to have it");
    return {};
  }
  const std::string path = (fs::path(directory) / program).string();
  std::error_code code;
  if (fs::exists(path, code)) {
    const std::string problem = program_problem(path, program);
    return problem.empty() ? Expected<void>() : fail(where + problem);
  }
  const bool relative = program[0] != '/';
  if (relative && fs::is_directory(directory, code))
    return fail(where + "there is no such file in '" + directory + "', " +
                (mounted
                     ? "which is mounted into the container; correct the path"
                     : "the working directory of the benchmark; correct the path, or set 'workspace' in the "
                       "profile"));
  warnings.push_back(where + "no such file on this host; each node has to have it");
  return {};
}

}  // namespace

bool is_from_profile(const BenchmarkCommand& command) {
  const auto& words = command.words;
  return words.empty() || (words.size() == 1 && fs::path(words[0]).filename() == "sweep-agent");
}

Expected<void> check_file_names(const Plan& plan) {
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    if (is_gang(plan.profile, plan.points[i])) continue;
    const std::string stem = stem_of(plan, static_cast<int>(i));
    SWEEP_TRY(check_name("the result of " + printable(label(plan.points[i])), stem,
                         stem.size() + kNodeName + kAroundStem, "shorten the model-prefix or framework"));
    const std::string plot = "tput_vs_intvty_" + report::model_family(plan.points[i].model) + "_" +
                             file_safe(experiment(plan.points[i])) + ".png.tmp-4194304";
    SWEEP_TRY(check_name("the plots of " + printable(experiment(plan.points[i])), plot, plot.size(),
                         "shorten the model's name or the model-prefix"));
  }
  return {};
}

Expected<void> check_free_bytes(const std::string& directory, std::uint64_t free, std::size_t points) {
  constexpr std::uint64_t kKilo = 1024, kPerPoint = 16 * kKilo, kAtLeast = kKilo * kKilo;
  const std::uint64_t need = kAtLeast + points * kPerPoint;
  if (free >= need) return {};
  return fail("cannot write to '" + directory + "': its file system has " + std::to_string(free / kKilo) +
              " KiB left, and the results of " + counted(points, "point") + " need at least " +
              std::to_string(need / kKilo) + " KiB; make room, or choose another --sweep-output");
}

Expected<void> check_new_output(const std::string& wanted, const Plan& plan) {
  SWEEP_TRY(check_output_dir(wanted, sweep_name(plan)));
  if (!wanted.empty()) SWEEP_TRY(check_collections(wanted, plan, "or choose another --sweep-output"));
  return check_room(wanted.empty() ? "." : wanted, plan.points.size());
}

Expected<void> check_resumed_output(const std::string& directory, const Plan& plan) {
  return check_collections(directory, plan, "then resume again");
}

Expected<void> check_benchmark(const Plan& plan, const BenchmarkCommand& command,
                               std::vector<std::string>& warnings) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id)) continue;
    SWEEP_ASSIGN(const auto workspace, profile::workspace_of(plan.profile, point));
    const std::string directory = absolute_path((fs::path(command.directory) / workspace).string());
    SWEEP_ASSIGN(const auto named, profile::benchmark_command(plan.profile, point));
    const std::vector<std::string>& words = is_from_profile(command) ? named : command.words;
    if (!seen.emplace(directory, words.empty() ? "" : words[0]).second) continue;
    SWEEP_TRY(check_working_directory(directory));
    if (words.empty()) continue;
    // With a container, a relative path of the command line is that of a file which is mounted.
    const bool mounted = !plan.step && !is_from_profile(command) && words[0][0] != '/' &&
                         words[0].find('/') != std::string::npos;
    const bool in_image = is_in_image(plan, point);
    if (in_image && !mounted) continue;
    SWEEP_TRY(check_program(words[0], in_image ? command.directory : directory, in_image, warnings));
  }
  return {};
}

}  // namespace sweep
