#include "controller/ci/command_line.hpp"

#include "util/text.hpp"

namespace sweep::ci {

CommandOutput run_with_options(const matrix::CommandSpec& command, const std::vector<std::string>& args,
                               const std::function<Expected<std::string>(const matrix::Options&)>& run) {
  const std::string program = "sweepctl " + command.name;
  const auto options = matrix::parse_options(command, args);
  if (!options)
    return {2, "",
            "sweepctl: " + command.name + ": " + printable(options.error().message) + "; see " + program +
                " --help\n"};
  if (options->help) return {0, matrix::help_text(command, "sweepctl"), ""};
  auto out = run(*options);
  if (!out) return {1, "", "sweepctl: " + printable(out.error().message) + "\n"};
  return {0, *std::move(out), ""};
}

}  // namespace sweep::ci
