// sweepctl check: finds the errors that can be found before an allocation is requested.
#include <algorithm>
#include <map>
#include <optional>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/benchmark_gaps.hpp"
#include "controller/io/config_files.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/start_checks.hpp"
#include "controller/matrix/load.hpp"
#include "controller/plan/gang.hpp"
#include "controller/plan/image_use.hpp"
#include "controller/plan/sharing.hpp"
#include "controller/profile/runner.hpp"
#include "controller/view/plan_table.hpp"
#include "util/json.hpp"
#include "util/os/clock.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kCheckDescription =
    "Reads configuration and profile and lists the points of the sweep with the GPUs that they need, or "
    "reports an error in one line that names file, value and remedy. It starts and writes nothing. With "
    "BENCHMARK it also checks whether that program can be started, as far as this host can know, and leave "
    "its result; sweep-agent stands for the benchmark that the profile names. Points for which the profile has "
    "neither a recipe nor a script in the workspace are reported; the others can run. The Slurm plugin runs this "
    "command before it requests an allocation. A note is printed if the images in the matrix are not used. "
    "Inside an allocation it also warns if other jobs may use its nodes.";

constexpr const char* kCheckClosing = R"(Exit status:
  0  the sweep could start
  1  error in configuration, profile or output directory
  2  wrong usage

Examples:
  List the points of B200 with 1024 input and 1024 output tokens:
    sweepctl check nvidia-master.yaml \
      --select '--seq-lens 1k1k --runner-type b200'
  Check also whether the benchmark can be started:
    sweepctl check matrix.yaml -- ./bench.sh
  Print the number of GPUs that the largest point needs:
    sweepctl check nvidia-master.yaml --select '--runner-type b200' --json |
      jq '[.points[].gpus] | max'
)";

/// Returns the names of the experiments; only their number if there are many.
std::string experiments_text(const Plan& plan) {
  constexpr std::size_t kMostNames = 20;
  const auto names = experiments(plan);
  return names.size() > kMostNames ? counted(names.size(), "experiment") : printable(join(names, ", "));
}

/// `reasons`: further lines below the table.
std::string as_text(const Plan& plan, const std::vector<std::string>& reasons) {
  std::string out;
  int largest = 0;
  for (const Point& point : plan.points) {
    if (!is_gang(plan.profile, point)) largest = std::max(largest, gpus_needed(point));
    out += "  " + view::point_line(plan, point) + "\n";
  }
  const bool with_table = std::any_of(plan.points.begin(), plan.points.end(), [&](const Point& point) {
    return point.inferencex != nullptr || is_gang(plan.profile, point);
  });
  if (with_table) {
    out += view::plan_table(plan);
    for (const std::string& reason : reasons)
      out += "  " + reason + "\n";
    for (const std::string& line : {view::evals_text(plan), view::node_hours_text(plan)})
      out += line.empty() ? "" : "  " + line + "\n";
  }
  out += counted(plan.points.size(), "point") + " of " + experiments_text(plan) + ", ";
  if (plan.profile.ignore_gpus) return out + "GPUs are ignored (profile: 'gpus: ignore')\n";
  return out + "up to " + counted(static_cast<std::size_t>(largest), "GPU") + " each\n";
}

std::string as_json_text(const Plan& plan) {
  nlohmann::ordered_json points = nlohmann::ordered_json::array();
  for (const Point& point : plan.points)
    points.push_back(view::point_json(plan, point));
  const nlohmann::ordered_json out = {{"experiments", experiments(plan)},
                                      {"ignore_gpus", plan.profile.ignore_gpus},
                                      {"table", view::plan_table_json(plan)},
                                      {"evals", view::evals_json(plan)},
                                      {"points", std::move(points)}};
  return out.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

/// Prints an error for each runner that points need and the profile does not name. Returns false if no other
/// points are left.
bool report_unknown_runners(const Plan& plan) {
  std::map<std::string, std::size_t> unknown;  // number of points by runner
  std::size_t all = 0;
  for (const Point& point : plan.points) {
    if (plan.profile.runners.empty() || profile::runner_of(plan.profile, point.runner) != nullptr) continue;
    ++unknown[point.runner];
    ++all;
  }
  for (const auto& [runner, count] : unknown)
    print_error(counted(count, "point") + (count == 1 ? " needs" : " need") + " runner '" + runner +
                "', which is not in the profile's 'runners': " + (count == 1 ? "it" : "they") +
                " cannot run; add the runner to the profile");
  return all < plan.points.size() || plan.points.empty();
}

/// True if the profile decides what runs the points: it names recipes or a workspace.
bool names_benchmarks(const profile::Profile& profile) {
  return !profile.workspace.empty() || !profile.recipe.empty() || !profile.recipes.empty();
}

/// Returns lines for the table: what is known of the workspace about points that this version does not run.
std::vector<std::string> reasons_below_table(const Plan& plan, const std::string& directory) {
  const auto files = missing_config_files(plan, directory);
  return files && !files->empty() ? std::vector{*files} : std::vector<std::string>();
}

/// Prints a note for points that a script runs in place of a recipe, and an error for those that nothing can run. Returns
/// false if no other points are left. `benchmark`: std::nullopt if the command line says nothing about it.
Expected<bool> report_benchmark_gaps(const Plan& plan, const std::optional<BenchmarkCommand>& benchmark,
                                     const std::string& directory) {
  if (benchmark ? !is_from_profile(*benchmark) : !names_benchmarks(plan.profile)) return true;
  SWEEP_ASSIGN(const auto gaps, find_benchmark_gaps(plan, directory));
  for (const std::string& note : gaps.notes)
    print_error("note: " + note);
  for (const std::string& error : gaps.errors)
    print_error(error);
  return gaps.broken == 0 || gaps.runnable > 0;
}

/// Warns if other jobs may use the nodes of the allocation in which the command was called.
void report_shared_nodes(const Plan& plan) {
  constexpr Millis kLimit{5'000};
  const std::string job = variable("SLURM_JOB_ID");
  if (job.empty() || job[0] == '-' || plan.profile.ignore_gpus) return;
  const auto answer = run_program({"scontrol", "-o", "show", "job", job},
                                  {.environment = own_environment(), .limit = kLimit, .with_errors = false});
  if (!answer || !answer->ok()) return;  // without Slurm's answer nothing is known
  const std::string note = shared_nodes_note(plan, printable(job), oversubscribe_in(answer->out));
  if (!note.empty()) print_error("warning: " + note);
}

/// Replaces the symbols in the name of the output directory as far as they are known before the job. Returns
/// false if some are not: then `request.output` is the folder above. Otherwise `request.resume` says whether a
/// sweep is resumed.
Expected<bool> name_output(SweepRequest& request) {
  const PatternValues before_job = pattern_values(request.output, SessionOrigin());
  SWEEP_ASSIGN(const auto path, replace_symbols(request.output, before_job));
  const bool named = path.missing.empty();
  request.output = named ? path.text : path.known_folder;
  if (named) settle_resume(request);
  return named;
}

int check_resumed(const SweepRequest& request, const std::optional<BenchmarkCommand>& benchmark, bool quiet) {
  if (const auto good = check_resume(request, benchmark, now()); !good)
    return print_error_list(good.error().message), 1;
  return quiet
             ? 0
             : print_out("the sweep in '" + printable(absolute_path(request.output)) + "' can be resumed\n");
}

}  // namespace

int check_command(const Arguments& arguments) {
  CommandLine app("sweepctl check", kCheckDescription, kCheckClosing);
  SweepRequest request;
  bool quiet = false, json = false;
  std::string directory = ".";
  app.option("FILE", request.configs,
             "benchmark matrix: a master configuration (YAML), or several as FILE,FILE")
      .usage("FILE... [-- BENCHMARK [ARG]...]");
  add_sweep_options(app, request, true);
  app.flag("--quiet", quiet, "print errors only");
  app.flag("--json", json, "print JSON");
  app.option("--chdir", directory, "working directory of BENCHMARK, as srun's --chdir").value("DIR");
  Arguments own = arguments;
  const auto words = take_benchmark(own);
  if (const auto status = app.parse(own)) return *status;
  if (const auto error = usage_error(request, "sweepctl check FILE"))
    return print_error("check: " + *error + "; see sweepctl check --help"), 2;
  const auto named = name_output(request);
  if (!named) return print_error(named.error().message), 1;
  std::optional<BenchmarkCommand> benchmark;
  if (words) benchmark = BenchmarkCommand{*words, absolute_path(directory)};
  if (request.resume && *named) return check_resumed(request, benchmark, quiet);
  if (request.resume && request.configs.empty())
    return quiet ? 0
                 : print_out("the name of the output directory depends on the job; it is checked there\n");
  std::vector<std::string> warnings;
  auto plan = read_plan(request, &warnings);
  const auto reasons =
      plan ? reasons_below_table(*plan, absolute_path(directory)) : std::vector<std::string>();
  if (plan) {
    if (auto good = check_plan(*plan, request); !good) {
      if (!quiet) std::ignore = print_out(json ? as_json_text(*plan) : as_text(*plan, reasons));
      plan = tl::unexpected(good.error());
    }
  }
  if (plan && benchmark) {
    if (auto good = check_benchmark(*plan, *benchmark, warnings); !good) plan = tl::unexpected(good.error());
  }
  for (const std::string& warning : quiet ? std::vector<std::string>() : warnings)
    print_error("warning: " + warning);
  if (!plan) return print_error(plan.error().message), 1;
  if (const auto good = *named ? check_new_output(request.output, *plan) : check_folder_above(request.output);
      !good)
    return print_error(good.error().message), 1;
  if (!report_unknown_runners(*plan)) return 1;
  const auto any_left = report_benchmark_gaps(*plan, benchmark, absolute_path(directory));
  if (!any_left) return print_error(any_left.error().message), 1;
  if (!*any_left) return 1;
  if (quiet) return 0;
  if (const std::string note = unused_images_note(*plan); !note.empty()) print_error("note: " + note);
  report_shared_nodes(*plan);
  return print_out(json ? as_json_text(*plan) : as_text(*plan, reasons));
}

}  // namespace sweep::cli
