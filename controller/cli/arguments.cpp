#include "controller/cli/arguments.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "controller/cli/print.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/matrix/load.hpp"
#include "controller/matrix/master.hpp"
#include "controller/matrix/words.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/load_profile.hpp"
#include "util/command_line.hpp"
#include "util/digest.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr std::size_t kSweepIdDigits = 12;

std::vector<std::string> files_of(const SweepArguments& arguments) {
  std::vector<std::string> files;
  for (const std::string& list : arguments.configs) {
    for (std::string& file : split(list, ','))
      files.push_back(std::move(file));
  }
  return files;
}

std::string new_sweep_id(Instant at) {
  unsigned char noise[16] = {};
  static_cast<void>(::getrandom(noise, sizeof noise, 0));
  const std::string seed = std::to_string(to_unix_ms(at)) + host_name() + std::to_string(::getpid());
  return sha256_hex(seed + std::string(reinterpret_cast<const char*>(noise), sizeof noise))
      .substr(0, kSweepIdDigits);
}

}  // namespace

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Expected<profile::Profile> load_profiles(const std::string& named) {
  std::vector<std::string> layers = profile::default_layers(variable("HOME"));
  if (!named.empty()) layers.push_back(named);
  return profile::load_profile(layers);
}

void add_sweep_options(CommandLine& app, SweepArguments& arguments, bool config_option) {
  if (config_option) {
    app.option("--config", arguments.configs, "benchmark matrix, as FILE,FILE too; may be given again")
        .value("FILE")
        .repeatable();
  }
  app.option("--select", arguments.select,
             "which points: the options of sweepctl matrix full-sweep in one word, such as "
             "'--seq-lens 1k1k --model-prefix dsr1' (default: all)")
      .value("ARGS");
  app.option("--repeat", arguments.repeat,
             "run each point so often, one whole round after another; tables and plots show medians and "
             "their spread (default: what its entry says in 'repeat', else once)")
      .value("N")
      .range(1, static_cast<int>(matrix::kMaxRepeats));
  app.option("--output", arguments.output, "output directory (default: results_<exp-name>_<time>)")
      .value("DIR");
  app.option("--profile", arguments.profile,
             "how benchmarks run here: timeouts, retries, packing, environment (default: what "
             "/etc/slurm-sweep/profile.yaml and ~/.config/slurm-sweep/profile.yaml say)")
      .value("FILE");
  app.flag(
      "--resume", arguments.resume,
      "go on with the sweep in the output directory: done points are kept; without a configuration file, "
      "with the matrix as it was");
  app.flag("--retry-failed", arguments.retry_failed, "with --resume: try failed points again");
  app.flag(
      "--accept-changes", arguments.accept_changes,
      "with --resume: go on although the matrix is another one; points that it has no more are put aside");
}

std::string plain_path(const std::string& directory) {
  std::string out = std::filesystem::path(directory).lexically_normal().string();
  while (out.size() > 1 && out.back() == '/')
    out.pop_back();
  return out;
}

void add_directory(CommandLine& app, std::string& directory, const std::string& help) {
  app.option("DIR", directory, help).value("").required();
}

void add_exp_name(CommandLine& app, std::string& exp_name) {
  app.option("EXP", exp_name, "name of the experiment, for the names of the files written")
      .value("")
      .required();
}

namespace {

/// What goes to the matrix: --select, and what has an option of its own here.
std::string selection_of(const SweepArguments& arguments) {
  if (arguments.repeat.empty()) return arguments.select;
  return arguments.select + (arguments.select.empty() ? "" : " ") + "--repeat " + arguments.repeat;
}

}  // namespace

Expected<Plan> load_plan(const SweepArguments& arguments) {
  const auto words = matrix::split_words(selection_of(arguments));
  if (!words) return fail("--select: " + words.error().message);
  SWEEP_ASSIGN(auto entries, matrix::load_matrix(files_of(arguments), *words));
  auto profile = load_profiles(arguments.profile);
  if (!profile) return tl::unexpected(profile.error());
  SWEEP_ASSIGN(auto points, make_points(std::move(entries)));
  if (const auto read = profile::load_recipes(*profile, points); !read) return tl::unexpected(read.error());
  return plan_points(std::move(points), std::move(*profile));
}

std::optional<std::string> wrong_use(const SweepArguments& arguments, const std::string& with_files) {
  if (!arguments.resume && (arguments.retry_failed || arguments.accept_changes))
    return std::string(arguments.retry_failed ? "--retry-failed" : "--accept-changes") +
           " goes with --resume";
  if (!arguments.configs.empty()) return std::nullopt;
  if (!arguments.resume) return "no configuration file given (" + with_files + ")";
  if (!selection_of(arguments).empty())
    return std::string(arguments.select.empty() ? "--repeat" : "--select") +
           " needs the configuration file that it selects from";
  return std::nullopt;
}

Expected<ResumeWishes> resume_wishes(const SweepArguments& arguments, view::Facts facts) {
  ResumeWishes wishes;
  wishes.retry_failed = arguments.retry_failed;
  wishes.accept_changes = arguments.accept_changes;
  SweepArguments wanted = arguments;
  if (wanted.profile.empty()) {
    // As it was begun. Where the journal cannot be read now that is found out, and said, a little later.
    if (const auto archive = open_archive(arguments.output); archive)
      wanted.profile = archive->sweep.facts.profile;
    facts.profile = wanted.profile;
  }
  if (!wanted.configs.empty()) {
    SWEEP_ASSIGN(auto plan, load_plan(wanted));
    wishes.profile = plan.profile;
    wishes.plan = std::move(plan);
  } else {
    SWEEP_ASSIGN(auto profile, load_profiles(wanted.profile));
    wishes.profile = std::move(profile);
  }
  wishes.facts = std::move(facts);
  return wishes;
}

view::Facts new_facts(const SweepArguments& arguments, const std::string& job) {
  view::Facts facts;
  facts.opened = now();
  facts.sweep = new_sweep_id(facts.opened);
  facts.version = SWEEP_VERSION;
  facts.job = job;
  facts.owner = host_name() + ", pid " + std::to_string(::getpid());
  for (const std::string& file : files_of(arguments))
    facts.configs.push_back(absolute_path(file));
  facts.select = selection_of(arguments);
  if (!arguments.profile.empty()) facts.profile = absolute_path(arguments.profile);
  std::error_code ignored;
  facts.working_directory = std::filesystem::current_path(ignored).string();
  return facts;
}

Sweep new_sweep(Plan plan, view::Facts facts) {
  Sweep sweep;
  sweep.facts = std::move(facts);
  sweep.state = core::make_state(core_settings(plan), core_points(plan));
  sweep.plan = std::move(plan);
  return sweep;
}

}  // namespace sweep::cli
