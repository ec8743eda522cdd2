// sweepctl check: everything that can be known to be wrong before an allocation is asked for.
#include <algorithm>
#include <map>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/matrix/load.hpp"
#include "controller/profile/runner.hpp"
#include "util/json.hpp"
#include "util/os/clock.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kDescription =
    "Reads configuration and profile and lists the points of the sweep with the GPUs that they need, or says "
    "what is wrong, in one line that names file, value and remedy. Nothing is started or written. The plugin "
    "does this before anything is allocated.";

constexpr const char* kClosing = R"(Exit status:
  0  the sweep could start
  1  something is wrong with configuration, profile or output directory
  2  wrong usage

Examples:
  Which points would DeepSeek-R1 at 1024 tokens in, 1024 out make?
    sweepctl check nvidia-master.yaml \
      --select '--seq-lens 1k1k --model-prefix dsr1'
  How many GPUs does the largest point need?
    sweepctl check nvidia-master.yaml --json |
      jq '[.points[].gpus] | max'
)";

std::string described(const Plan& plan) {
  std::string out;
  int largest = 0;
  for (const Point& point : plan.points) {
    largest = std::max(largest, gpus_needed(point));
    out += "  " + printable(label(point)) + "\n";
  }
  const auto names = exp_names(plan);
  out += counted(plan.points.size(), "point") + " of " + printable(join(names, ", ")) + ", ";
  if (plan.profile.ignore_gpus) return out + "without GPUs (the profile says 'gpus: ignore')\n";
  return out + "up to " + counted(static_cast<std::size_t>(largest), "GPU") + " each\n";
}

nlohmann::ordered_json as_json(const Plan& plan) {
  nlohmann::ordered_json points = nlohmann::ordered_json::array();
  for (const Point& point : plan.points)
    points.push_back({{"label", label(point)}, {"gpus", gpus_needed(point)}, {"entry", entry_of(point)}});
  return {{"experiments", exp_names(plan)},
          {"ignore_gpus", plan.profile.ignore_gpus},
          {"points", std::move(points)}};
}

/// Points whose runner the profile does not name, said runner by runner. Whether any other is left.
bool some_have_nodes(const Plan& plan) {
  std::map<std::string, std::size_t> homeless;
  std::size_t all = 0;
  for (const Point& point : plan.points) {
    if (plan.profile.runners.empty() || profile::runner_of(plan.profile, point.runner) != nullptr) continue;
    ++homeless[point.runner];
    ++all;
  }
  for (const auto& [runner, count] : homeless)
    print_error(counted(count, "point") + (count == 1 ? " needs" : " need") + " runner '" + runner +
                "', which the profile's 'runners' does not name: no node will run " +
                (count == 1 ? "it" : "them"));
  return all < plan.points.size() || plan.points.empty();
}

int check_resumed(SweepArguments wanted, bool quiet) {
  const auto directory = claimed_output_dir(wanted.output);
  if (!directory) return print_error(directory.error().message), 1;
  wanted.output = *directory;
  const auto wishes = resume_wishes(wanted, {});
  if (!wishes) return print_error(wishes.error().message), 1;
  if (const auto good = check_resume(*directory, *wishes, now()); !good)
    return print_error(good.error().message), 1;
  return quiet ? 0 : print_out("the sweep in '" + printable(*directory) + "' can go on\n");
}

}  // namespace

int check_command(const Arguments& arguments) {
  CommandLine app("sweepctl check", kDescription, kClosing);
  SweepArguments wanted;
  bool quiet = false, json = false;
  app.option("FILE", wanted.configs, "benchmark matrix: a master configuration (YAML), or FILE,FILE")
      .usage("FILE...");
  add_sweep_options(app, wanted, true);
  app.flag("--quiet", quiet, "print only what is wrong");
  app.flag("--json", json, "print one JSON document");
  if (const auto status = app.parse(arguments)) return *status;
  if (const auto wrong = wrong_use(wanted, "sweepctl check FILE")) return print_error("check: " + *wrong), 2;
  if (wanted.resume) return check_resumed(wanted, quiet);
  const auto plan = load_plan(wanted);
  if (!plan) return print_error(plan.error().message), 1;
  if (const auto good = check_output_dir(wanted.output); !good) return print_error(good.error().message), 1;
  if (!some_have_nodes(*plan)) return 1;
  if (quiet) return 0;
  return print_out(json ? as_json(*plan).dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n"
                        : described(*plan));
}

}  // namespace sweep::cli
