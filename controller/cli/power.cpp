// sweepctl aggregate-power: writes power and energy into processed results.
#include <cstdlib>
#include <string>

#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/power/one_node.hpp"
#include "util/command_line.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kPowerDescription =
    "Integrates the power of the GPUs over the measured window of a result and writes average power in watts, "
    "energy in joules, and joules per request and token into the processed result. A sidecar says which "
    "checks failed, if any; power is then not valid, and the benchmark's result stays as it is. Replaces "
    "aggregate_power.py.";

constexpr const char* kPowerClosing = R"(Exit status:
  0  the files were written, also if power is not valid
  1  power is not valid, and --require-power or REQUIRE_POWER is set
  2  wrong usage

Environment:
  REQUIRE_POWER  1, true or yes: as --require-power
  TZ             the time zone of times without a zone, as nvidia-smi writes
                 them; default: that of this machine

Files:
  power_validation_RESULT.json
                 the sidecar, beside the client's RESULT.json

Examples:
    sweepctl aggregate-power --csv gpu_metrics.csv --bench-result r.json \
      --agg-result agg_r.json --expected-num-gpus 8
  The GPU monitor ran in a zone 9 hours ahead of UTC:
    TZ=UTC-9 sweepctl aggregate-power --csv gpu_metrics.csv \
      --bench-result r.json --agg-result agg_r.json --expected-num-gpus 8
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

}  // namespace

int aggregate_power_command(const Arguments& arguments) {
  CommandLine app("sweepctl aggregate-power", kPowerDescription, kPowerClosing);
  app.like_argparse();
  power::OneNodeRequest request;
  std::int64_t gpus = 0;
  request.required = power::power_required(environment);
  app.option("--csv", request.csv, "file of the GPU monitor").value("FILE").show_default();
  app.option("--bench-result", request.bench_result, "the client's result").value("FILE").required();
  app.option("--agg-result", request.agg_result, "the processed result").value("FILE").required();
  app.option("--expected-num-gpus", gpus, "number of GPUs: TP * PP * PCP").value("N").required();
  app.option("--validation-result", request.sidecar, "the sidecar").value("FILE");
  app.flag("--require-power", request.required, "exit with status 1 if power is not valid");
  if (const auto status = app.parse(arguments)) return *status;
  request.expected_gpus = gpus;
  return print_report(power::aggregate_one_node(request));
}

}  // namespace sweep::cli
