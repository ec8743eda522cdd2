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
OptionSpec seq_lens() {
  return {.name = "--seq-lens",
          .arity = Arity::Many,
          .help = "only these sequence lengths (default: all; for an entry in short form: 1k1k)",
          .choices = length_names()};
}
OptionSpec step_size() {
  return {.name = "--step-size",
          .arity = Arity::One,
          .help = "factor from one concurrency to the next (default: 2)",
          .integer = true};
}
OptionSpec test_mode(std::string help) {
  return {.name = "--test-mode", .arity = Arity::Flag, .help = std::move(help)};
}
OptionSpec runner_config() {
  return required("--runner-config", "file with the nodes of each runner type (YAML)");
}

CommandSpec selection() {
  return {
      "full-sweep",
      "Every point of the entries that match all given filters.",
      {several("--model-prefix", "only entries whose key begins with one of these"),
       several("--precision", "only these precisions, e.g. fp4 fp8"),
       several("--framework", "only these frameworks, e.g. vllm trt sglang"),
       several("--runner-type",
               "only these runner types, e.g. h100 h200; sweepctl matrix needs --runner-config with it"),
       optional("--runner-config", "file with the nodes of each runner type (YAML)"),
       seq_lens(),
       step_size(),
       test_mode("only the highest TP at its conc-start, once per pair of lengths"),
       {.name = "--repeat",
        .arity = Arity::One,
        .help =
            "repeat every point this many times, in full passes (default: its entry's 'repeat', otherwise 1)",
        .integer = true}},
      "An entry's concurrencies start at conc-start, are multiplied by the step size and end at conc-end. "
      "Named lengths are ISL and OSL: 1k1k is 1024 input tokens and 1024 output tokens.",
      R"(Examples:
  Every FP8 point with vLLM or SGLang on H200:
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

CommandSpec test_config() {
  return {"test-config",
          "Every point of one entry, on its runner type or on one node of that type.",
          {config_files(), runner_config(), required("--key", "the entry's key"),
           optional("--runner-node", "run on this node instead of any node of the type"), seq_lens(),
           step_size(), test_mode("every search-space element at its conc-start only")},
          {},
          R"(Examples:
    sweepctl matrix test-config --config-files nvidia-master.yaml \
      --runner-config runners.yaml --key dsr1-fp8-h200-sglang \
      --seq-lens 1k1k
)"};
}

CommandSpec runner_model_sweep() {
  return {"runner-model-sweep",
          "One short point for each entry of a runner type on each of its nodes.",
          {config_files(), required("--runner-type", "the runner type, e.g. h100"), runner_config()},
          "The point has 1024 input and output tokens and the highest TP, at its conc-start.",
          R"(Examples:
    sweepctl matrix runner-model-sweep --config-files nvidia-master.yaml \
      --runner-type h100 --runner-config runners.yaml
)"};
}

CommandSpec runner_sweep() {
  return {"runner-sweep",
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
}

CommandSpec custom() {
  return {
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
}

}  // namespace

std::span<const CommandSpec> subcommands() {
  static const std::array<CommandSpec, 5> kCommands = {full_sweep(), test_config(), runner_model_sweep(),
                                                       runner_sweep(), custom()};
  return kCommands;
}

const CommandSpec& selection_command() {
  static const CommandSpec kCommand = selection();
  return kCommand;
}

}  // namespace sweep::matrix
