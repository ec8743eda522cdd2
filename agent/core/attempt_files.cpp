#include "agent/core/attempt_files.hpp"

#include <algorithm>

#include "agent/core/artifacts.hpp"
#include "agent/core/contained.hpp"
#include "agent/core/eval_check.hpp"
#include "agent/core/gpu_metrics.hpp"
#include "agent/core/result_check.hpp"

namespace sweep::agent {

namespace {

bool has_variable(const Variables& variables, std::string_view name) {
  return std::any_of(variables.begin(), variables.end(), [&](const auto& v) { return v.first == name; });
}

/// Returns AttemptFiles::variables() with or without an own folder. Agentic scripts do not start without RESULT_DIR.
Variables own_variables(const Setup& setup, const Work& work, bool with_folder) {
  Variables out;
  const Variables& given = work.lease.environment;
  const bool agentic =
      std::find(given.begin(), given.end(), Variables::value_type("IS_AGENTIC", "1")) != given.end();
  std::string folder = work.directory + "/";
  if (work.contained) folder = path_inside(folder, work.directory, work.lease.container.workdir);
  if (with_folder) folder += work.own_folder;
  const auto add = [&](const char* name, const std::string& path) {
    if (!look_up(setup.environment, name) && !has_variable(given, name)) out.emplace_back(name, path);
  };
  if (with_folder) add(kMetricsVariable, folder + "/" + std::string(kOwnMetrics));
  if (with_folder || agentic) add("RESULT_DIR", folder + (with_folder ? "/" : "") + std::string(kOwnResults));
  if (with_folder && work.lease.eval != wire::EvalWhen::Never) add("EVAL_OUTPUT_DIR", folder);
  return out;
}

}  // namespace

AttemptFiles::AttemptFiles(const Setup& setup, const Work& work)
    : ref_(work.lease.ref),
      directory_(work.directory),
      result_path_(result_path(work)),
      result_name_(work.lease.result_filename + ".json"),
      own_folder_(work.own_folder),
      metrics_path_(agent::metrics_path(setup, work)),
      is_evaluated_(work.lease.eval != wire::EvalWhen::Never),
      most_bytes_(work.artifact_limit),
      in_folder_(own_variables(setup, work, true)),
      elsewhere_(own_variables(setup, work, false)) {}

Prepare AttemptFiles::prepare(std::vector<int> ports_in_use) const {
  return {ref_,        result_path_, std::move(ports_in_use), most_bytes_ > 0 || is_evaluated_,
          own_folder_, metrics_path_};
}

void AttemptFiles::on(const Prepared& input) {
  old_result_ = input.old_result;
  old_metrics_ = input.old_metrics;
  old_files_ = input.old_files;
  directory_id_ = input.directory;
  has_own_folder_ = input.own_folder;
  variables_ = has_own_folder_ ? in_folder_ : elsewhere_;
}

ReadResult AttemptFiles::read(bool result, bool metrics) const {
  ReadResult out{ref_, result ? result_path_ : std::string()};
  if (metrics) out.metrics_path = metrics_path_;
  if (is_evaluated_ || (metrics && has_own_folder_)) out.directory = directory_;
  if (has_own_folder_) out.own_folder = own_folder_;
  return out;
}

Outcome AttemptFiles::check_result_file(const ResultRead& input) const {
  return check_result(input, old_result_, result_path_);
}

std::string AttemptFiles::missing_evals(const ResultRead& input) const {
  return is_evaluated_ ? missing_eval_files(old_files_, input.files, directory_) : std::string();
}

bool AttemptFiles::has_metrics(const ResultRead& input) const {
  const auto is_own = [](const FoundFile& file) { return file.own && file.name == kOwnMetrics; };
  return (input.metrics && input.metrics != old_metrics_) ||
         std::any_of(input.files.begin(), input.files.end(), is_own);
}

std::string AttemptFiles::metrics_path() const {
  if (!has_variable(variables_, kMetricsVariable)) return metrics_path_;
  return directory_ + "/" + own_folder_ + "/" + std::string(kOwnMetrics);
}

LeaveGpuMetrics AttemptFiles::leave_metrics() const {
  const std::string path = metrics_path();
  return {ref_, path, path == metrics_path_ ? old_metrics_ : std::nullopt};
}

std::optional<CollectFiles> AttemptFiles::collect() const {
  if (most_bytes_ <= 0) return std::nullopt;
  return CollectFiles{ref_,         directory_, has_own_folder_ ? own_folder_ : std::string(),
                      result_name_, old_files_, most_bytes_};
}

void AttemptFiles::remove_own_folder(Actions& out) const {
  if (has_own_folder_) out.emplace_back(RemoveFolder{directory_, own_folder_});
}

}  // namespace sweep::agent
