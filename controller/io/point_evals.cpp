#include "controller/io/point_evals.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "controller/core/collection.hpp"
#include "controller/evals/eval_rows.hpp"
#include "controller/evals/validate_command.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/python/json_text.hpp"
#include "controller/report/collect.hpp"
#include "proto/base/artifact.hpp"
#include "util/os/beneath.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMostEvalFiles = 256;
constexpr std::size_t kMaxEvalBytes = std::size_t{16} << 20;  // results of lm-eval have some 100 KB

std::optional<evals::EvalFile> read_eval_file(const std::string& directory, const std::string& folder,
                                              const std::string& name) {
  const auto fd = open_beneath(directory, folder + "/" + name, O_RDONLY);
  struct stat info {};
  if (!fd || ::fstat(fd->get(), &info) != 0) return std::nullopt;
  if (static_cast<std::size_t>(info.st_size) > kMaxEvalBytes) return std::nullopt;
  evals::EvalFile out{name, std::string(static_cast<std::size_t>(info.st_size), '\0'),
                      info.st_mtim.tv_sec * std::int64_t{1'000'000'000} + info.st_mtim.tv_nsec};
  const ssize_t count = ::pread(fd->get(), out.bytes.data(), out.bytes.size(), 0);
  if (count < 0) return std::nullopt;
  out.bytes.resize(static_cast<std::size_t>(count));
  return out;
}

Expected<evals::Thresholds> read_threshold_file(const std::string& path) {
  SWEEP_ASSIGN(const auto text, read_file(path, yaml::kMaxFileBytes));
  auto thresholds = evals::Thresholds::parse(text);
  if (!thresholds) return fail(path + ": " + thresholds.error().message);
  return thresholds;
}

/// Returns the path of the thresholds of a point; empty if there are none.
std::string thresholds_path(const Plan& plan, const Point& point) {
  if (!plan.profile.eval_thresholds.empty()) return plan.profile.eval_thresholds;
  const std::string workspace = profile::workspace_of(plan.profile, point).value_or("");
  const std::string path = (std::filesystem::path(workspace) / evals::kDefaultThresholds).string();
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? path : std::string();
}

/// Returns true if a line of Collected::left_out ("A, B: reason") names a file of an evaluation.
bool names_eval_file(const std::string& line) {
  const std::vector<std::string> names = split(line.substr(0, line.rfind(": ")), ',');
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return is_eval_file(trimmed(name)); });
}

/// Returns why files of the evaluation were not collected; "" if they were, or the evaluation left none.
std::string missing_because(const Account& account) {
  if (!account.collected) return {};
  for (const std::string& line : account.collected->left_out) {
    if (is_not_collected(line)) return line;
    if (!names_eval_file(line)) continue;
    const std::string why = line.substr(line.rfind(": ") + 2);
    return why == core::kSharedDirectory ? why + "; give each node a workspace of its own" : why;
  }
  return {};
}

}  // namespace

std::vector<evals::EvalFile> eval_files_of(const std::string& directory, const std::string& result_filename) {
  const std::string folder = "raw/" + result_filename;
  std::vector<std::string> names = names_beneath(directory, folder);
  std::erase_if(names, [](const std::string& name) { return !is_eval_file(name); });
  std::sort(names.begin(), names.end());
  if (names.size() > kMostEvalFiles) names.resize(kMostEvalFiles);
  std::vector<evals::EvalFile> out;
  for (const std::string& name : names) {
    if (auto file = read_eval_file(directory, folder, name)) out.push_back(std::move(*file));
  }
  return out;
}

std::vector<evals::EvalFile> eval_files_of(const std::string& directory, const std::string& result_filename,
                                           const Account& account) {
  if (!account.collected || account.collected->files == 0) return {};
  return eval_files_of(directory, result_filename);
}

namespace {

/// Adds the files of the sweep's points that are done.
void add_eval_sets(const Sweep& sweep, const std::string& directory, std::vector<evals::EvalSet>& sets,
                   std::vector<std::string>& problems) {
  for (std::size_t i = 0; i < sweep.plan.points.size(); ++i) {
    const core::PointStatus& status = sweep.state.points[i];
    if (!is_evaluated(sweep.plan.points[i]) || status.state != core::PointState::Done) continue;
    for (const core::Attempt& attempt : status.attempts) {
      if (!attempt.accepted) continue;
      const std::string name = result_filename(sweep.plan, static_cast<int>(i), attempt.node);
      const auto files = eval_files_of(directory, name, attempt.account);
      if (!files.empty()) sets.push_back(evals::eval_set_of("raw/" + name, files, problems));
    }
  }
}

}  // namespace

const evals::Thresholds& ScoreThresholds::of(const Plan& plan, const Point& point, std::string& problem) {
  const std::string path = thresholds_path(plan, point);
  const auto known = read_.find(path);
  if (known != read_.end()) return known->second;
  evals::Thresholds& out = read_[path];
  if (path.empty()) return out;
  auto thresholds = read_threshold_file(path);
  if (thresholds) {
    out = std::move(*thresholds);
  } else {
    problem = "cannot read the thresholds of evaluations: " + thresholds.error().message +
              "; every score is compared with 0.85; set evals: { thresholds: FILE } in the profile";
  }
  return out;
}

Expected<void> check_evals(const Plan& plan) {
  const std::string& path = plan.profile.eval_thresholds;
  const auto count =
      static_cast<std::size_t>(std::count_if(plan.points.begin(), plan.points.end(), is_evaluated));
  if (count > 0 && plan.profile.artifact_limit == 0)
    return fail("cannot compare the scores of evaluations: " + counted(count, "point") +
                (count == 1 ? " has one" : " have one") +
                ", but the profile's 'artifact-limit' is 0, so their files are not collected; set another "
                "limit, or leave evaluations out with --select '--no-evals'");
  if (path.empty() || count == 0) return {};
  const auto thresholds = read_threshold_file(path);
  if (thresholds) return {};
  return fail("cannot read the thresholds of evaluations (evals: thresholds in the profile): " +
              thresholds.error().message);
}

std::vector<std::string> judge_eval(const Point& point, const evals::Thresholds& thresholds,
                                    const std::vector<evals::EvalFile>& files, Account& account) {
  evals::ScoreRules rules;
  rules.thresholds = thresholds;
  rules.model_prefix = point.inferencex->model_prefix;
  evals::PointEval judged = evals::judge_point(files, rules);
  for (const evals::JudgedScore& score : judged.scores) {
    if (std::isfinite(score.value))
      account.scores.push_back({score.task, score.metric, score.value, score.threshold.least,
                                score.threshold.source, score.passed});
  }
  const bool agent_knows = std::any_of(account.flaws.begin(), account.flaws.end(),
                                       [](const std::string& flaw) { return flaw.starts_with("no-score:"); });
  if (!judged.scores.empty()) return judged.doubts;
  // What the agent has seen in the working directory says more than that nothing has arrived here.
  if (agent_knows) return {};
  if (const std::string why = missing_because(account); !why.empty())
    return {"no-score: files of the eval are missing: " + why};
  return judged.doubts;
}

std::string eval_rows_text(const std::string& result_filename, const std::vector<evals::EvalFile>& files) {
  std::vector<std::string> ignored;
  const evals::EvalSet set = evals::eval_set_of("raw/" + result_filename, files, ignored);
  return eval_collection_text(evals::eval_rows({&set, 1}).rows);
}

CollectedEvals collect_evals(const std::vector<SweepAt>& sweeps) {
  CollectedEvals out;
  std::vector<evals::EvalSet> sets;
  for (const auto& [sweep, directory] : sweeps)
    add_eval_sets(*sweep, directory, sets, out.problems);
  evals::EvalRows made = evals::eval_rows(sets);
  out.rows = std::move(made.rows);
  for (const std::string& note : made.notes)
    out.problems.push_back("evaluations: " + note);
  return out;
}

std::string eval_collection_text(const std::vector<nlohmann::ordered_json>& rows) {
  std::string out;
  report::Collection collection([&](std::string_view piece) { out += piece; });
  for (const auto& row : rows)
    collection.add(python::json_text(row, 2));
  collection.end();
  return out;
}

}  // namespace sweep
