// sweepctl aggregate-power: writes power and energy into processed results.
#include "controller/agentic/power.hpp"

#include <cstdlib>
#include <string>

#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/power/many_nodes.hpp"
#include "controller/power/one_node.hpp"
#include "util/command_line.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kPowerDescription =
    "Integrates the power of the GPUs over the measured window of a result and writes average power in watts, "
    "energy in joules, and joules per request and token into the processed result. A sidecar names the checks "
    "that failed, if any; power is then not valid, and the rest of the result stays as it is.\n\n"
    "Without --multinode, samples come from the file of a GPU monitor (nvidia-smi, amd-smi). With it, they "
    "come from a dcgm-power package, and energy is also written for prefill and decode. With --agentic, the "
    "window comes from the files of aiperf. Replaces aggregate_power.py, aggregate_power_multinode.py and "
    "power_adapter.py.";

constexpr const char* kPowerClosing = R"(Exit status:
  0  the files were written, also if power is not valid
  1  power is not valid, and --require-power or REQUIRE_POWER is set
  2  wrong usage

Environment:
  REQUIRE_POWER  1, true or yes: as --require-power
  TZ             the time zone of times without a zone, as nvidia-smi writes
                 them; default: that of this machine
  POWER_ARTIFACT_DIR, POWER_RESULT_ROOT, POWER_PRODUCER_SHA
                 with --multinode: default of --power-dir, --logs-root and
                 --expected-producer-sha

Files:
  power_validation_RESULT.json
                 the sidecar, beside the client's RESULT.json; with --agentic
                 DIR/power_validation.json, and the window in
                 DIR/agentic_power_window.json
  agentic_power_timezone_offset.txt
                 with --agentic, in DIR: the zone of aiperf's times, if they
                 have none, such as +0900

Examples:
    sweepctl aggregate-power --csv gpu_metrics.csv --bench-result r.json \
      --agg-result agg_r.json --expected-num-gpus 8
  The GPU monitor ran in a zone 9 hours ahead of UTC:
    TZ=UTC-9 sweepctl aggregate-power --csv gpu_metrics.csv \
      --bench-result r.json --agg-result agg_r.json --expected-num-gpus 8
  Two nodes with 8 GPUs each, and the result of an agentic run:
    sweepctl aggregate-power --multinode --bench-result r.json \
      --agg-result agg_r.json --prefill-gpus 8 --decode-gpus 8
    sweepctl aggregate-power --agentic --result-dir results \
      --agg-result r.json --expected-num-gpus 8
)";

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int print_report(const power::PowerReport& report) {
  const int printed = print_out(report.out);
  print_errors(report.err);
  return report.status != 0 ? report.status : printed;
}

// The kinds of results, as bits.
enum Mode : unsigned { OneNode = 1, ManyNodes = 2, Agentic = 4 };

const char* mode_option(Mode mode) {
  if (mode == Agentic) return "with --agentic";
  return mode == ManyNodes ? "with --multinode" : "without --multinode and --agentic";
}

struct ModeOption {
  const char* name;
  unsigned modes, required_in;
};

constexpr ModeOption kModeOptions[] = {
    {"--csv", OneNode, 0},
    {"--expected-num-gpus", OneNode | Agentic, OneNode},
    {"--bench-result", OneNode | ManyNodes, OneNode | ManyNodes},
    {"--agg-result", OneNode | ManyNodes | Agentic, OneNode | ManyNodes | Agentic},
    {"--power-dir", ManyNodes, 0},
    {"--logs-root", ManyNodes, 0},
    {"--prefill-gpus", ManyNodes, ManyNodes},
    {"--decode-gpus", ManyNodes, ManyNodes},
    {"--expected-producer-sha", ManyNodes, 0},
    {"--result-dir", Agentic, Agentic},
    {"--validation-result", OneNode | ManyNodes, 0},
};

// Returns what is wrong with the options for this kind of result; "" if nothing is.
std::string option_error(const CommandLine& app, Mode mode) {
  for (const ModeOption& option : kModeOptions) {
    const bool given = app.given(option.name);
    if (given && (option.modes & mode) == 0)
      return std::string(option.name) + " cannot be used " + mode_option(mode) + "; leave one of them out";
    if (!given && (option.required_in & mode) != 0)
      return std::string(option.name) + " is required " + mode_option(mode);
  }
  return "";
}

// The options of all kinds of results.
struct PowerOptions {
  power::OneNodeRequest one;
  agentic::PowerRequest agentic;
  power::ManyNodesRequest many = power::many_nodes_request(environment);
  std::int64_t expected_gpus = 0;
  bool multinode = false, of_agentic_run = false;
  bool required = power::power_required(environment);
};

void add_power_options(CommandLine& app, PowerOptions& options) {
  app.flag("--multinode", options.multinode, "the result was measured on several nodes");
  app.flag("--agentic", options.of_agentic_run, "the result is that of an agentic run (aiperf) on one node");
  app.option("--agg-result", options.one.agg_result, "the processed result, which is changed").value("FILE");
  app.option("--bench-result", options.one.bench_result, "the client's result (not with --agentic)")
      .value("FILE");
  app.option("--csv", options.one.csv,
             "one node: the GPU monitor's file (default: /workspace/gpu_metrics.csv)")
      .value("FILE");
  app.option("--expected-num-gpus", options.expected_gpus,
             "one node: number of GPUs, TP * PP * PCP (with --agentic: default any)")
      .value("N");
  app.option(
         "--result-dir", options.agentic.result_dir,
         "with --agentic: directory of aiperf_artifacts and gpu_metrics.csv, which gets window and sidecar")
      .value("DIR");
  app.option("--power-dir", options.many.power_dir,
             "with --multinode: the dcgm-power package (default: LOGS/power)")
      .value("DIR");
  app.option("--logs-root", options.many.logs_root,
             "with --multinode: directory that the package's result paths are relative to (default: LOGS)")
      .value("DIR");
  app.option("--prefill-gpus", options.many.prefill_gpus, "with --multinode: number of GPUs for prefill")
      .value("N");
  app.option("--decode-gpus", options.many.decode_gpus, "with --multinode: number of GPUs for decode")
      .value("N");
  app.option(
         "--expected-producer-sha", options.many.producer_commit,
         "with --multinode: git commit of the program that recorded the package; without it, power is not "
         "valid")
      .value("SHA");
  app.option("--validation-result", options.one.sidecar, "the sidecar to write (not with --agentic)")
      .value("FILE");
  app.flag("--require-power", options.required, "exit with status 1 if power is not valid");
}

power::PowerReport aggregate(const CommandLine& app, Mode mode, PowerOptions& options) {
  if (app.given("--expected-num-gpus"))
    options.one.expected_gpus = options.agentic.expected_gpus = options.expected_gpus;
  if (mode == Agentic) {
    options.agentic.agg_result = options.one.agg_result;
    options.agentic.required = options.required;
    return agentic::aggregate_power(options.agentic);
  }
  if (mode == ManyNodes) {
    options.many.bench_result = options.one.bench_result;
    options.many.agg_result = options.one.agg_result;
    options.many.sidecar = options.one.sidecar;
    options.many.required = options.required;
    return power::aggregate_many_nodes(options.many);
  }
  options.one.required = options.required;
  return power::aggregate_one_node(options.one);
}

}  // namespace

int aggregate_power_command(const Arguments& arguments) {
  CommandLine app("sweepctl aggregate-power", kPowerDescription, kPowerClosing);
  app.like_argparse();
  PowerOptions options;
  add_power_options(app, options);
  if (const auto status = app.parse(arguments)) return *status;
  if (options.multinode && options.of_agentic_run)
    return print_error("--multinode and --agentic cannot be used together; leave one of them out"), 2;
  const Mode mode = options.multinode ? ManyNodes : options.of_agentic_run ? Agentic : OneNode;
  const std::string wrong = option_error(app, mode);
  if (!wrong.empty()) return print_error(wrong + "; see sweepctl aggregate-power --help"), 2;
  return print_report(aggregate(app, mode, options));
}

}  // namespace sweep::cli
