// The files of one attempt: which were there before it, where it leaves its own, and which it has left.
//
//   the result             RESULT_FILENAME.json in the working directory
//   gpu_metrics.csv        of the benchmark's GPU monitor; else of the agent (gpu_metrics.hpp)
//   of an evaluation       eval_check.hpp
//   all that are collected artifacts.hpp
//
// Rules: a file is the attempt's only if it is new, or has changed, since the attempt was prepared. Only this attempt
// writes in its own folder, which variables name to the benchmark. Pure: it returns what the driver has to do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/environment.hpp"
#include "agent/core/setup.hpp"
#include "agent/core/work.hpp"
#include "proto/base/outcome.hpp"

namespace sweep::agent {

class AttemptFiles {
 public:
  AttemptFiles(const Setup& setup, const Work& work);

  /// Returns the action that looks for what is there before the attempt.
  Prepare prepare(std::vector<int> ports_in_use) const;
  void on(const Prepared& input);

  /// Returns what identifies the working directory on all nodes that share it; empty if unknown.
  const std::string& directory_id() const { return directory_id_; }
  /// Returns the variables that make a benchmark leave files in the attempt's own folder, after on(Prepared). Those that
  /// the user has set are not among them.
  const Variables& variables() const { return variables_; }

  /// Returns the action that reads what the attempt has left. `result`: the result file, too; `metrics`: whether there
  /// is a gpu_metrics.csv, too.
  ReadResult read(bool result, bool metrics) const;
  /// Returns what the result file means for the outcome (check_result).
  Outcome check_result_file(const ResultRead& input) const;
  /// Returns what the evaluation did not leave (missing_eval_files); empty if nothing is missing, or none is expected.
  std::string missing_evals(const ResultRead& input) const;
  /// Returns true if the benchmark has left a gpu_metrics.csv.
  bool has_metrics(const ResultRead& input) const;

  /// Returns true if a gpu_metrics.csv of the agent has a place.
  bool may_leave_metrics() const { return !metrics_path_.empty(); }
  /// Returns the place of that file, after on(Prepared).
  std::string metrics_path() const;
  LeaveGpuMetrics leave_metrics() const;

  /// Returns the action that collects what the attempt left; std::nullopt if nothing is collected.
  std::optional<CollectFiles> collect() const;
  /// Removes the attempt's own folder, if it has one.
  void remove_own_folder(Actions& out) const;

 private:
  AttemptRef ref_;
  std::string directory_, result_path_, result_name_, own_folder_;
  std::string metrics_path_;  // if it is not in the own folder; empty: none has to be left
  bool is_evaluated_ = false;
  std::int64_t most_bytes_ = 0;
  Variables in_folder_, elsewhere_;  // variables() with and without an own folder

  std::optional<FileStamp> old_result_, old_metrics_;
  std::vector<FoundFile> old_files_;
  std::string directory_id_;
  bool has_own_folder_ = false;
  Variables variables_;
};

}  // namespace sweep::agent
