// The share of the jobs of a GitHub Actions run that succeeded, by hardware, as InferenceX's
// calc_success_rate.py computes it. Pure.
//
// Rules: the hardware of a job is the first label, in alphabetical order, that its name contains as a word,
// in lower case. Letters and digits belong to a word, so the label z5 also takes the jobs of z5-new. A
// skipped job does not count; one with another conclusion than success counts as tried.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::github {

struct Job {
  std::string name;
  std::string conclusion;  // "" while it runs
};

/// A run of a workflow, as its jobs file describes it. A text is empty if the file does not have it.
struct WorkflowRun {
  std::optional<std::string> login;  // the user whose token read it; "" if the token was rejected
  std::string repository, id, name;
  std::vector<Job> jobs;
};

/// Returns the run in a jobs file: {login, repository, run: {id, name}, jobs: [{name, conclusion}, …]}, or a
/// reply of GitHub's API with `jobs`, or an array of such replies (its pages).
Expected<WorkflowRun> workflow_run(const nlohmann::ordered_json& file);

struct HardwareJobs {
  std::string label;
  std::size_t succeeded = 0, tried = 0;
};

struct SuccessRates {
  std::vector<HardwareJobs> hardware;  // sorted by label
  std::vector<std::string> notes;      // one line for each pair of labels that share jobs
};

/// Counts the jobs by label. `labels` are sorted.
SuccessRates success_rates(std::span<const Job> jobs, std::span<const std::string> labels);

/// Returns the table of the labels that have jobs.
std::string success_table(const SuccessRates& rates);

/// Returns an object {label: {n_success, total}}.
nlohmann::ordered_json success_json(const SuccessRates& rates);

}  // namespace sweep::github
