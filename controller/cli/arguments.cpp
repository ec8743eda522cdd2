#include "controller/cli/arguments.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "controller/cli/print.hpp"
#include "controller/io/folder_owner.hpp"
#include "controller/matrix/inferencemax/master.hpp"
#include "controller/plan/output_pattern.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

/// Returns the name of a job as Slurm knows it; "" if Slurm does not answer.
std::string name_of_job(const std::string& job) {
  constexpr Millis kLimit{5'000};
  const auto answer = run_program({"squeue", "--noheader", "--format=%j", "--jobs=" + job},
                                  {.environment = own_environment(), .limit = kLimit, .with_errors = false});
  return answer && answer->ok() ? answer->out.substr(0, answer->out.find('\n')) : "";
}

std::string own_user_name() {
  const passwd* const entry = ::getpwuid(::geteuid());
  return entry == nullptr ? "" : entry->pw_name;
}

}  // namespace

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void add_sweep_options(CommandLine& app, SweepRequest& request, bool config_option) {
  if (config_option) {
    app.option("--config", request.configs, "benchmark matrix, or several as FILE,FILE; may be repeated")
        .value("FILE")
        .repeatable();
  }
  app.option("--select", request.select,
             "select points with the options of sweepctl matrix full-sweep, in one word: '--seq-lens 1k1k "
             "--model-prefix dsr1' (default: all points)")
      .value("ARGS")
      .not_empty();
  app.option(
         "--repeat", request.repeat,
         "repeat every point N times, in full passes; tables and plots then show medians and their spread "
         "(default: 'repeat' of the point's entry, else 1)")
      .usage("N")
      .range(1, matrix::kMaxRepeats);
  app.option("--output", request.output,
             "output directory (default: results_<exp-name>_<time>); symbols are replaced as in Slurm's file "
             "names: %j (job), %A and %a (array job and task), %J (job.step), %s (step), %u (user), %x (job "
             "name), %% (a percent sign); %4j pads with zeros")
      .value("DIR")
      .not_empty();
  app.option("--profile", request.profile,
             "profile: timeouts, retries, packing, environment, containers; it overrides "
             "/etc/slurm-sweep/profile.yaml and ~/.config/slurm-sweep/profile.yaml")
      .value("FILE")
      .not_empty();
  app.flag_or_word(
      "--resume", request.resume, "auto", request.or_start,
      "resume the sweep in the output directory and keep its finished points; without a configuration file "
      "the matrix stays the same. With =auto: start the sweep if there is none, so that one command serves "
      "the first run and each requeue of a job");
  app.flag("--retry-failed", request.retry_failed, "with --resume: also retry failed points");
  app.flag("--accept-changes", request.accept_changes,
           "with --resume: resume even if the matrix has changed; removed points are archived");
}

std::optional<std::vector<std::string>> take_benchmark(std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (dashes == arguments.end()) return std::nullopt;
  std::vector<std::string> benchmark(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  return benchmark;
}

void add_directory(CommandLine& app, std::string& directory, const std::string& help) {
  app.option("DIR", directory, help).value("").required();
}

void add_sweep_directory(CommandLine& app, std::string& directory, const std::string& help) {
  app.option("DIR", directory, help).value("").required().not_empty();
}

void add_exp_name(CommandLine& app, std::string& exp_name) {
  app.option("EXP", exp_name, "name of the experiment, used in the names of the files written")
      .value("")
      .required();
}

bool enter_as_owner(const std::string& directory) {
  const auto note = become_owner(directory);
  if (!note || !note->empty()) print_error(note ? *note : note.error().message);
  return note.has_value();
}

Expected<void> check_results_directory(const std::string& directory) {
  std::error_code code;
  const auto status = std::filesystem::status(directory, code);
  if (std::filesystem::is_directory(status)) return {};
  const std::string what = std::filesystem::exists(status) ? "is not a directory" : "does not exist";
  return fail("'" + directory + "' " +
              (std::filesystem::status_known(status) ? what : "cannot be read: " + code.message()) +
              "; give the output directory of a sweep, or a directory with agg_*.json files");
}

PatternValues pattern_values(const std::string& pattern, const SessionOrigin& origin) {
  const auto known = [](std::string text) {
    return text.empty() ? std::nullopt : std::optional(std::move(text));
  };
  PatternValues out;
  out.user = known(own_user_name());
  if (origin.job.empty()) return out;
  const std::size_t dot = origin.job.find('.');
  out.job = origin.job.substr(0, dot);
  if (dot != std::string::npos) out.step = origin.job.substr(dot + 1);
  out.job_name = known(variable("SLURM_JOB_NAME"));
  if (!origin.inside_job.empty()) {
    out.array_job = known(variable("SLURM_ARRAY_JOB_ID"));
    out.array_task = known(variable("SLURM_ARRAY_TASK_ID"));
  } else if (has_symbol(pattern, 'x')) {
    // srun's environment may have the name of another job.
    if (auto name = name_of_job(*out.job); !name.empty()) out.job_name = std::move(name);
  }
  return out;
}

std::string plain_path(const std::string& directory) {
  std::string out = std::filesystem::path(directory).lexically_normal().string();
  while (out.size() > 1 && out.back() == '/')
    out.pop_back();
  return out;
}

std::optional<std::string> usage_error(const SweepRequest& request, const std::string& usage) {
  if (!request.resume && (request.retry_failed || request.accept_changes))
    return std::string(request.retry_failed ? "--retry-failed" : "--accept-changes") + " requires --resume";
  if (request.or_start && request.output.empty())
    return "--resume=auto requires --output DIR, the same directory each time";
  if (request.or_start && request.configs.empty())
    return "--resume=auto requires a configuration file, with which the sweep is started; use: " + usage;
  if (!request.configs.empty()) return std::nullopt;
  if (!request.resume) return "no configuration file given; use: " + usage;
  if (!selection_of(request).empty())
    return std::string(request.select.empty() ? "--repeat" : "--select") +
           " requires the configuration file that it applies to";
  return std::nullopt;
}

}  // namespace sweep::cli
