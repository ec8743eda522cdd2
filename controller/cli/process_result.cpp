// sweepctl process-result: the record of one result, of InferenceMAX or InferenceX.
#include <cstdlib>
#include <optional>
#include <string>
#include <variant>

#include "controller/cli/commands.hpp"
#include "controller/power/many_nodes.hpp"
#include "controller/power/one_node.hpp"
#include "controller/report/result_command.hpp"
#include "util/command_line.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kProcessResult =
    "Processes one result of a serving client (benchmark_serving's JSON): computes throughput per GPU in "
    "tokens/s, times (TTFT, TPOT, ITL, E2EL) in seconds, and interactivity (1/TPOT) in tokens/s per user. "
    "Reads $RESULT_FILENAME.json, prints the processed result and writes it to agg_$RESULT_FILENAME.json. "
    "Replaces process_result.py.\n\n"
    "There are two forms of the processed result. The environment selects that of InferenceX (2026) if it has "
    "a variable that only this form reads, such as SPEC_DECODING, DISAGG, MODEL_PREFIX or IS_MULTINODE, or no "
    "TP and EP_SIZE. Otherwise the result has the form of InferenceMAX (2025).";

constexpr const char* kProcessResultClosing = R"(Exit status:
  0  the processed result was printed and written
  1  a file or a variable is missing or invalid, and nothing was written; or
     power is required (REQUIRE_POWER) and not valid
  2  wrong usage

Environment of both forms:
  RESULT_FILENAME       name of the result file, without .json (required)
  TP, EP_SIZE           tensor and expert parallelism (required; not with
                        IS_MULTINODE=true)
  RUNNER_TYPE           hardware, the result's hw: h100, b200, mi355x, ...
  FRAMEWORK, PRECISION  as in the matrix: vllm, sglang, trt, ...; fp4, fp8, ...
  DP_ATTENTION          true or false

Environment of InferenceX:
  RUNNER_TYPE, FRAMEWORK, PRECISION, SPEC_DECODING, ISL, OSL, DISAGG,
  MODEL_PREFIX, IMAGE   required, as in the matrix
  PP_SIZE, DCP_SIZE, PCP_SIZE
                        sizes of pipeline and context parallelism, default 1
  RECIPE_FINGERPRINT, KV_P2P_TRANSFER
                        copied to the result
  ROUTER_METADATA       JSON object with name and version; null: no router
  IS_MULTINODE          true: several nodes. Then the variables below are
                        required instead of TP, EP_SIZE and DP_ATTENTION,
                        each as PREFILL_NAME and as DECODE_NAME
  GPUS, NUM_WORKERS     number of GPUs, number of servers
  TP, EP, DP_ATTN       of each server
  PP_SIZE, DCP_SIZE, PCP_SIZE
                        of each server, default 1
  HARDWARE              both or none; default: RUNNER_TYPE

Environment of InferenceMAX:
  MTP_MODE              the result's mtp, if not empty
  PREFILL_GPUS, DECODE_GPUS
                        number of GPUs of each kind, for disaggregated
                        serving; empty: TP

Examples:
  The form of InferenceMAX:
    RESULT_FILENAME=dsr1_1k1k_fp8_sglang_tp8_conc64 RUNNER_TYPE=h200 \
      FRAMEWORK=sglang PRECISION=fp8 TP=8 EP_SIZE=1 DP_ATTENTION=false \
      sweepctl process-result
  The form of InferenceX:
    RESULT_FILENAME=dsr1_1k1k_fp8_sglang_tp8_conc64 RUNNER_TYPE=h200 \
      FRAMEWORK=sglang PRECISION=fp8 TP=8 EP_SIZE=1 DP_ATTENTION=false \
      SPEC_DECODING=none ISL=1024 OSL=1024 DISAGG=false MODEL_PREFIX=dsr1 \
      IMAGE=lmsysorg/sglang:v0.5.5 sweepctl process-result
)";

std::optional<std::string> environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// Adds measured power to the record of a point on one node or on several.
report::CommandOutput add_measured_power(const report::PowerRequest& request) {
  power::PowerReport done;
  if (const auto* nodes = std::get_if<report::ManyNodes>(&request.point.placement)) {
    power::ManyNodesRequest ask = power::many_nodes_request(environment_variable);
    ask.bench_result = request.result_path;
    ask.agg_result = request.agg_path;
    ask.sidecar = request.sidecar_path;
    ask.prefill_gpus = nodes->prefill.gpus;
    ask.decode_gpus = nodes->decode.gpus;
    done = power::aggregate_many_nodes(ask);
  } else {
    power::OneNodeRequest ask;
    ask.csv = power::gpu_metrics_file(environment_variable);
    ask.bench_result = request.result_path;
    ask.agg_result = request.agg_path;
    ask.sidecar = request.sidecar_path;
    ask.expected_gpus = std::get<report::OneNode>(request.point.placement).sizes.gpus();
    ask.required = power::power_required(environment_variable);
    done = power::aggregate_one_node(ask);
  }
  return {done.status, done.out, done.err};
}

}  // namespace

int process_result_command(const Arguments& arguments) {
  CommandLine app("sweepctl process-result", kProcessResult, kProcessResultClosing);
  if (const auto status = app.parse(arguments)) return *status;
  return print_output(report::run_process_result(environment_variable, add_measured_power));
}

}  // namespace sweep::cli
