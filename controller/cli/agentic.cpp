// sweepctl process-agentic and validate-agentic: the results of agentic runs.
#include <cstdlib>
#include <string>

#include "controller/agentic/process.hpp"
#include "controller/agentic/validate.hpp"
#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "util/command_line.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kProcessAgentic =
    "Makes the result of an agentic run (aiperf) from the files that it left in RESULT_DIR: latencies in seconds, "
    "interactivity in tokens/s per user, throughput per GPU in tokens/s, cache hit rates, KV cache use. Replaces "
    "process_agentic_result.py.";

constexpr const char* kProcessAgenticClosing = R"(Exit status:
  0  the result was written, also if no request succeeded
  1  nothing was written; or no request succeeded, with --require-requests
  2  wrong usage

Environment:
  RESULT_FILENAME  name of the result, without .json (required)
  RESULT_DIR       folder of aiperf_artifacts and server.log; default: results
  AGENTIC_OUTPUT_DIR
                   folder of the result; default: the working directory
  KV_OFFLOADING    none or dram (required); with dram also KV_OFFLOAD_BACKEND
                   and KV_OFFLOAD_BACKEND_METADATA ({"name": ...})
  MODEL, MODEL_PREFIX, IMAGE, FRAMEWORK, PRECISION, SPEC_DECODING,
  RUNNER_TYPE, RECIPE_FINGERPRINT, CONC, DISAGG, TOTAL_CPU_DRAM_GB,
  ROUTER_METADATA, KV_P2P_TRANSFER
                   as the job has them
  TP, EP_SIZE, DP_ATTENTION, PP_SIZE, DCP_SIZE, PCP_SIZE
                   parallelism on one node
  IS_MULTINODE     true: PREFILL_NUM_WORKERS, PREFILL_TP, PREFILL_EP,
                   PREFILL_DP_ATTN, PREFILL_PP_SIZE, PREFILL_DCP_SIZE,
                   PREFILL_PCP_SIZE, PREFILL_HARDWARE, and DECODE_ likewise
  HF_HUB_CACHE     cache of the trace set, for the expected output lengths

Examples:
    RESULT_FILENAME=dsr1_tp8_conc16 FRAMEWORK=vllm TP=8 CONC=16 \
      KV_OFFLOADING=none sweepctl process-agentic
)";

constexpr const char* kValidateAgentic =
    "Checks how many requests of an agentic run (aiperf) failed: reads profile_export_aiperf.json in DIR, or in "
    "the first folder below it that has one. Replaces validate_agentic_result.py.";

constexpr const char* kValidateAgenticClosing = R"(Exit status:
  0  at most the given share of the requests failed
  1  more failed, or no request was completed, or the file cannot be read
  2  wrong usage

Examples:
    sweepctl validate-agentic results/aiperf_artifacts \
      --failed-request-threshold 0.10
)";

std::optional<std::string> from_shell(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int print_command_lines(const agentic::CommandLines& lines) {
  const int printed = print_out(lines.out);
  print_errors(lines.err);
  return lines.status != 0 ? lines.status : printed;
}

}  // namespace

int process_agentic_command(const Arguments& arguments) {
  CommandLine app("sweepctl process-agentic", kProcessAgentic, kProcessAgenticClosing);
  bool need_requests = false;
  app.flag("--require-requests", need_requests, "exit with status 1 if no request succeeded");
  if (const auto status = app.parse(arguments)) return *status;
  return print_command_lines(agentic::process_agentic(from_shell, need_requests));
}

int validate_agentic_command(const Arguments& arguments) {
  CommandLine app("sweepctl validate-agentic", kValidateAgentic, kValidateAgenticClosing);
  app.like_argparse();
  std::string directory;
  double threshold = 0;
  add_directory(app, directory, "folder that aiperf wrote");
  app.option("--failed-request-threshold", threshold,
             "largest accepted share of failed requests, from 0 to 1 (required)")
      .value("SHARE")
      .required();
  if (const auto status = app.parse(arguments)) return *status;
  if (!(threshold >= 0 && threshold <= 1))
    return print_error("--failed-request-threshold must be between 0 and 1; 0.1 accepts 10 %"), 2;
  return print_command_lines(agentic::validate_agentic(directory, threshold));
}

}  // namespace sweep::cli
