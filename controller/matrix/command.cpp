#include "controller/matrix/command.hpp"

#include <algorithm>
#include <span>

#include "controller/matrix/inferencex/row_json.hpp"
#include "controller/matrix/json_line.hpp"
#include "controller/matrix/run.hpp"
#include "controller/matrix/subcommands.hpp"
#include "util/help_layout.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::matrix {

namespace {

const std::string kProgram = "sweepctl matrix";

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const CommandSpec& command : subcommands())
    out.push_back(command.name);
  return out;
}

std::string top_usage() {
  return "usage: " + kProgram + " [-h]\n        {" + join(names(), ",") + "} ...\n";
}

std::string top_help() {
  std::string out =
      top_usage() + "\n" +
      filled(
          "Prints the benchmark matrix of configuration files as one line of JSON: a list with one entry per "
          "point (model, precision, framework, runner, ISL, OSL, TP, EP, concurrency). Replaces InferenceMAX's "
          "and InferenceX's generate_sweep_configs.py; arguments and output are the same. An option may be "
          "abbreviated if the abbreviation is unambiguous.");
  out += "\nCommands:\n";
  for (const CommandSpec& command : subcommands())
    out += help_entry("  " + command.name, command.help);
  return out + "\noptions:\n" +
         help_entry("  -h, --help", "show this help and exit; after a command: show the command's help") + R"(
Exit status:
  0  the matrix was printed
  1  a file or value is invalid, or no entry matches; no matrix was printed
  2  wrong usage

Examples:
  Every point of DeepSeek-R1 at 1024 tokens in, 1024 out:
    sweepctl matrix full-sweep --config-files nvidia-master.yaml \
      --model-prefix dsr1 --seq-lens 1k1k
  The number of points:
    sweepctl matrix full-sweep --config-files nvidia-master.yaml |
      jq length
)";
}

CommandOutput usage_error(const std::string& usage, const std::string& program, const std::string& message) {
  return {2, "", usage + program + ": error: " + printable(message) + "\n"};
}

CommandOutput top_error(const std::string& message) {
  return usage_error(top_usage(), kProgram, message);
}

CommandOutput run(const CommandSpec& command, std::span<const std::string> args) {
  const std::string program = kProgram + " " + command.name;
  const Request request(command, args);
  if (request.help()) return {0, help_text(command, kProgram), ""};
  std::vector<std::string> warnings;
  const auto matrix = run_subcommand(request, Caller::Command, &warnings);
  if (!matrix && matrix.error().usage)
    return usage_error(usage_text(command, kProgram), program, matrix.error().message);
  std::string err;
  for (const std::string& warning : warnings)
    err += program + ": warning: " + printable(warning) + "\n";
  if (!matrix) return {1, "", err + program + ": error: " + printable(matrix.error().message) + "\n"};
  std::string line = matrix->generation == Generation::InferenceX ? inferencex::rows_line(matrix->rows.rows)
                                                                  : json_line(matrix->entries);
  return {0, std::move(line += '\n'), err};
}

}  // namespace

CommandOutput run_matrix_command(const std::vector<std::string>& args) {
  if (args.empty()) return top_error("the following arguments are required: command");
  const std::string& name = args.front();
  const bool is_help = name == "-h" || (name.size() > 2 && std::string_view("--help").starts_with(name));
  if (is_help) return {0, top_help(), ""};
  const auto commands = subcommands();
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const CommandSpec& candidate) { return candidate.name == name; });
  if (command != commands.end()) return run(*command, std::span(args).subspan(1));
  if (name.starts_with('-')) return top_error("unrecognized arguments: " + name + " (give a command first)");
  std::string message =
      "argument command: invalid choice: '" + name + "' (choose from " + join(names(), ", ") + ")";
  if (const auto close = nearest(name, names())) message += ": did you mean " + *close + "?";
  return top_error(message);
}

}  // namespace sweep::matrix
