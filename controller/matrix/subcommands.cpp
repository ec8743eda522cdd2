#include "controller/matrix/subcommands.hpp"

namespace sweep::matrix {

namespace {

std::vector<std::string> length_names() {
  std::vector<std::string> out;
  for (const NamedLengths& lengths : kNamedLengths)
    out.emplace_back(lengths.name);
  return out;
}

OptionSpec required(std::string name, std::string help) {
  return {.name = std::move(name), .arity = Arity::One, .help = std::move(help), .required = true};
}
OptionSpec optional(std::string name, std::string help) {
  return {.name = std::move(name), .arity = Arity::One, .help = std::move(help)};
}
OptionSpec several(std::string name, std::string help) {
  return {.name = std::move(name), .arity = Arity::Many, .help = std::move(help)};
}

OptionSpec config_files() {
  return {.name = "--config-files",
          .arity = Arity::Many,
          .help = "configuration files (YAML), read in this order",
          .required = true};
}

// Return the option as one for files of one generation only.
OptionSpec for_inferencemax(OptionSpec option) {
  option.only = Generation::InferenceMax;
  return option;
}
OptionSpec for_inferencex(OptionSpec option) {
  option.only = Generation::InferenceX;
  return option;
}

OptionSpec flag(std::string name, std::string help) {
  return {.name = std::move(name), .arity = Arity::Flag, .help = std::move(help)};
}
OptionSpec integer(std::string name, std::string help) {
  return {.name = std::move(name), .arity = Arity::One, .help = std::move(help), .integer = true};
}
OptionSpec choices(std::string name, std::vector<std::string> values, std::string help) {
  return {
      .name = std::move(name), .arity = Arity::Many, .help = std::move(help), .choices = std::move(values)};
}

// --seq-lens of both generations: only InferenceMAX has a name for 1024 tokens in, 8192 out.
std::vector<OptionSpec> seq_lens() {
  return {for_inferencex(choices("--seq-lens", {"1k1k", "8k1k"}, "only these sequence lengths")),
          for_inferencemax(choices(
              "--seq-lens", length_names(),
              "only these sequence lengths (default: all; for an entry in short form: 1k1k); 1k8k is for "
              "InferenceMAX, and agentic-coding has no lengths"))};
}
OptionSpec step_size() {
  return integer("--step-size", "factor from one concurrency to the next (default: 2)");
}
OptionSpec test_mode(std::string help) {
  return for_inferencemax(flag("--test-mode", std::move(help)));
}
OptionSpec runner_config() {
  return required(
      "--runner-config",
      "file with the runners of each label or type (YAML; default for InferenceX: configs/runners.yaml)");
}

// The options that full-sweep and test-config have in common for files of InferenceX.
std::vector<OptionSpec> common_inferencex() {
  std::vector<OptionSpec> out = {
      optional("--runner-config", "file with labels, runners and hardware (YAML)"),
      flag("--no-evals", "mark no evaluations"),
      flag("--evals-only", "only the rows that are evaluated"),
      flag("--all-evals", "only rows that are evaluated, and all that can be"),
      optional("--runner-node-filter", "on each runner whose name contains this, instead of on the label"),
      choices("--scenario-type", {"fixed-seq-len", "agentic-coding"}, "only these scenarios")};
  out[1].excludes = "--evals-only";
  out[2].excludes = "--no-evals";
  for (OptionSpec& option : out)
    option.only = Generation::InferenceX;
  return out;
}

std::vector<OptionSpec> joined(std::initializer_list<std::vector<OptionSpec>> lists) {
  std::vector<OptionSpec> out;
  for (const std::vector<OptionSpec>& list : lists)
    out.insert(out.end(), list.begin(), list.end());
  return out;
}

std::vector<OptionSpec> full_sweep_inferencex() {
  std::vector<OptionSpec> out = {
      integer("--min-conc", "only concurrencies from this one on; a range starts again at it"),
      integer("--max-conc", "only concurrencies up to this one"),
      integer("--max-tp", "only elements of one node with at most this TP"),
      integer("--max-ep", "lower the EP of elements of one node to this"),
      flag("--single-node", "only entries of one node"),
      flag("--multi-node", "only entries of many nodes")};
  for (OptionSpec& option : out)
    option.only = Generation::InferenceX;
  return out;
}

CommandSpec selection() {
  return {
      "full-sweep", "Every point of the entries that match all given filters.",
      joined(
          {{several("--model-prefix", "only entries whose key begins with one of these"),
            several("--precision", "only these precisions, e.g. fp4 fp8"),
            several("--framework", "only these frameworks, e.g. vllm trt sglang"),
            several("--runner-type", "only these runner types, e.g. h100 h200"), step_size(),
            integer("--repeat",
                    "repeat every point this many times, in full passes (default: 1, or 'repeat' "
                    "of an entry of InferenceMAX)")},
           common_inferencex(),
           full_sweep_inferencex(),
           seq_lens(),
           {for_inferencemax(optional(
                "--runner-config",
                "file with the runners of each label or type (YAML; default for InferenceX: "
                "configs/runners.yaml; sweepctl matrix needs the option with --runner-type for InferenceMAX)")),
            test_mode("only the highest TP at its conc-start, once per pair of lengths")}}),
      "Files of InferenceX have entries with 'scenarios', files of InferenceMAX (2025) entries with "
      "'seq-len-configs'; the files must be of one generation, and options of the other one are refused. A range "
      "of concurrencies starts at conc-start, is multiplied by the step size and ends at conc-end. Named lengths "
      "are ISL and OSL: 1k1k is 1024 input tokens and 1024 output tokens.",
      R"(Examples:
  Every FP8 point with vLLM or SGLang on H200:
    sweepctl matrix full-sweep --config-files configs/nvidia-master.yaml \
      --precision fp8 --framework vllm sglang --runner-type h200
  The same of InferenceMAX:
    sweepctl matrix full-sweep --config-files nvidia-master.yaml \
      --precision fp8 --framework vllm sglang \
      --runner-type h200 --runner-config runners.yaml
)"};
}

CommandSpec full_sweep() {
  CommandSpec out = selection();
  out.options.insert(out.options.begin(), config_files());
  return out;
}

OptionSpec config_keys() {
  OptionSpec out = several("--config-keys", "keys of entries, or patterns with * ? [abc], e.g. 'dsr1-fp8-*'");
  out.required = true;
  return for_inferencex(std::move(out));
}

OptionSpec listed_concurrencies() {
  OptionSpec out = several("--conc", "only these concurrencies of the elements");
  out.integer = true;
  return for_inferencex(std::move(out));
}

CommandSpec test_config() {
  return {
      "test-config",
      "Every point of chosen entries.",
      joined(
          {{config_files(), config_keys(), listed_concurrencies()},
           common_inferencex(),
           seq_lens(),
           {for_inferencemax(runner_config()), for_inferencemax(required("--key", "the entry's key")),
            for_inferencemax(optional("--runner-node", "run on this node instead of any node of the type")),
            for_inferencemax(step_size()), test_mode("every search-space element at its conc-start only")}}),
      {},
      R"(Examples:
    sweepctl matrix test-config --config-files configs/nvidia-master.yaml \
      --config-keys 'dsr1-fp8-h200-*' --seq-lens 8k1k
  One entry of InferenceMAX:
    sweepctl matrix test-config --config-files nvidia-master.yaml \
      --runner-config runners.yaml --key dsr1-fp8-h200-sglang \
      --seq-lens 1k1k
)"};
}

CommandSpec runner_model_sweep() {
  CommandSpec out = {
      "runner-model-sweep",
      "One short point for each entry of a runner type on each of its nodes.",
      {config_files(), required("--runner-type", "the runner type, e.g. h100"), runner_config()},
      "The point has 1024 input and output tokens and the highest TP, at its conc-start.",
      R"(Examples:
    sweepctl matrix runner-model-sweep --config-files nvidia-master.yaml \
      --runner-type h100 --runner-config runners.yaml
)"};
  out.only = Generation::InferenceMax;
  return out;
}

CommandSpec runner_sweep() {
  CommandSpec out = {"runner-sweep",
                     "One short point for each entry of a model on each node of a runner type.",
                     {config_files(), required("--runner-type", "the runner type, e.g. h100"),
                      required("--model-prefix", "only entries whose key begins with this"),
                      optional("--precision", "only this precision, e.g. fp4"),
                      optional("--framework", "only this framework, e.g. trt"), runner_config()},
                     "The point has 1024 input and output tokens and the highest TP, at its conc-start.",
                     R"(Examples:
    sweepctl matrix runner-sweep --config-files nvidia-master.yaml \
      --runner-type b200 --model-prefix dsr1 --precision fp4 \
      --runner-config runners.yaml
)"};
  out.only = Generation::InferenceMax;
  return out;
}

CommandSpec custom() {
  CommandSpec out = {
      "custom",
      "One short point with the values of the options.",
      {config_files(), required("--runner-label", "a runner type or node, e.g. h200 or h200-nv_1"),
       required("--image", "container image, e.g. vllm/vllm-openai:latest"),
       required("--model", "model, e.g. openai/gpt-oss-120b"),
       required("--framework", "framework, e.g. vllm, trt, sglang"),
       required("--precision", "precision, e.g. fp4, fp8"),
       required("--exp-name", "name of the experiment, e.g. 70b_test"), runner_config()},
      "The point has 1024 input and output tokens, TP 8, EP 1, no attention data parallelism, concurrency 4.",
      R"(Examples:
    sweepctl matrix custom --config-files nvidia-master.yaml \
      --runner-label h200 --image vllm/vllm-openai:latest \
      --model openai/gpt-oss-120b --framework vllm --precision fp4 \
      --exp-name gptoss_test --runner-config runners.yaml
)"};
  out.only = Generation::InferenceMax;
  return out;
}

}  // namespace

std::span<const CommandSpec> subcommands() {
  static const std::array<CommandSpec, 5> kCommands = {full_sweep(), test_config(), runner_model_sweep(),
                                                       runner_sweep(), custom()};
  return kCommands;
}

std::vector<std::string> command_names(Generation generation) {
  std::vector<std::string> out;
  for (const CommandSpec& command : subcommands()) {
    if (!command.only || *command.only == generation) out.push_back(command.name);
  }
  return out;
}

Expected<void> check_values(const Options& options) {
  const auto step = options.optional_integer("--step-size");
  if (step && *step <= 1) return fail("--step-size must be greater than 1");
  const auto min = options.optional_integer("--min-conc"), max = options.optional_integer("--max-conc");
  if (min && max && *min > *max) return fail("--min-conc must be less than or equal to --max-conc");
  if (options.has("--no-evals") && options.has("--all-evals"))
    return fail("--all-evals cannot be combined with --no-evals");
  return {};
}

const CommandSpec& selection_command() {
  static const CommandSpec kCommand = selection();
  return kCommand;
}

}  // namespace sweep::matrix
