// The evaluations of points: finds the files that they left in the output directory, compares their scores with
// thresholds, and collects them at the end of the sweep.
//
// Rule: what is decided when a point ends is in the journal (Account::scores, and the reasons for an invalid result); the
// files are read again only for the collection.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/evals/point_eval.hpp"
#include "controller/io/sweep_record.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/error.hpp"

namespace sweep {

/// Returns the files that the evaluation of a point left: those of raw/<RESULT_FILENAME>/ that are results of lm-eval or
/// meta_env.json, by name. Files that cannot be read, or are too large, are left out.
std::vector<evals::EvalFile> eval_files_of(const std::string& directory, const std::string& result_filename);

/// Returns eval_files_of() an attempt; none if no files of it were collected: then those that are there are of an earlier
/// attempt.
std::vector<evals::EvalFile> eval_files_of(const std::string& directory, const std::string& result_filename,
                                           const Account& account);

/// The thresholds of evaluations, read once for each file.
class ScoreThresholds {
 public:
  /// Returns the thresholds of a point: those of the profile's file, else of utils/evals/thresholds.yaml in the point's
  /// workspace, if it is visible from here. If the file cannot be read, returns none and sets `problem` to the
  /// reason, once.
  const evals::Thresholds& of(const Plan& plan, const Point& point, std::string& problem);

 private:
  std::map<std::string, evals::Thresholds> read_;  // by path
};

/// Fails if the plan has evaluations and its profile collects no files, or the thresholds that it names cannot be read; the
/// message names key or file.
Expected<void> check_evals(const Plan& plan);

/// Judges the evaluation of an attempt that ended well: sets account.scores and returns the reasons why the point is not
/// valid, without those that the agent has found. `files`: eval_files_of() the attempt. If they were not collected, the reason is
/// that of account.collected.
std::vector<std::string> judge_eval(const Point& point, const evals::Thresholds& thresholds,
                                    const std::vector<evals::EvalFile>& files, Account& account);

/// Returns the rows of one evaluation as a JSON list: what the journal keeps as the result of a point that is only
/// evaluated.
std::string eval_rows_text(const std::string& result_filename, const std::vector<evals::EvalFile>& files);

/// The evaluations of sweeps, as collect-evals has them.
struct CollectedEvals {
  std::vector<nlohmann::ordered_json> rows;
  std::vector<std::string> problems;  // one line for each result that is missing from the rows
};

/// A sweep and its output directory.
using SweepAt = std::pair<const Sweep*, std::string>;

/// Returns the rows of all points that are done.
CollectedEvals collect_evals(const std::vector<SweepAt>& sweeps);

/// The name of the collection, as InferenceX's workflows call it.
inline constexpr const char* kEvalCollection = "agg_eval_all.json";

/// Returns the text of the collection.
std::string eval_collection_text(const std::vector<nlohmann::ordered_json>& rows);

}  // namespace sweep
