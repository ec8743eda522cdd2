#include "controller/cli/arguments.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "controller/cli/print.hpp"
#include "controller/io/folder_owner.hpp"
#include "controller/matrix/master.hpp"
#include "util/text.hpp"

namespace sweep::cli {

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
      .value("ARGS");
  app.option(
         "--repeat", request.repeat,
         "repeat every point N times, in full passes; tables and plots then show medians and their spread "
         "(default: 'repeat' of the point's entry, else 1)")
      .usage("N")
      .range(1, matrix::kMaxRepeats);
  app.option("--output", request.output, "output directory (default: results_<exp-name>_<time>)")
      .value("DIR");
  app.option("--profile", request.profile,
             "profile: timeouts, retries, packing, environment, containers; it overrides "
             "/etc/slurm-sweep/profile.yaml and ~/.config/slurm-sweep/profile.yaml")
      .value("FILE");
  app.flag(
      "--resume", request.resume,
      "resume the sweep in the output directory and keep its finished points; without a configuration file "
      "the matrix stays the same");
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

std::string plain_path(const std::string& directory) {
  std::string out = std::filesystem::path(directory).lexically_normal().string();
  while (out.size() > 1 && out.back() == '/')
    out.pop_back();
  return out;
}

std::optional<std::string> usage_error(const SweepRequest& request, const std::string& usage) {
  if (!request.resume && (request.retry_failed || request.accept_changes))
    return std::string(request.retry_failed ? "--retry-failed" : "--accept-changes") + " requires --resume";
  if (!request.configs.empty()) return std::nullopt;
  if (!request.resume) return "no configuration file given; use: " + usage;
  if (!selection_of(request).empty())
    return std::string(request.select.empty() ? "--repeat" : "--select") +
           " requires the configuration file that it applies to";
  return std::nullopt;
}

}  // namespace sweep::cli
