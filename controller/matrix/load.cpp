#include "controller/matrix/load.hpp"

#include "controller/matrix/run.hpp"
#include "controller/matrix/subcommands.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::matrix {

namespace {

tl::unexpected<Error> one_line(const Error& error) {
  return fail(printable(error.message));
}

}  // namespace

Expected<std::vector<nlohmann::ordered_json>> load_matrix(const std::vector<std::string>& files,
                                                          const std::vector<std::string>& selection,
                                                          std::vector<std::string>* warnings) {
  if (files.empty()) return fail("No configuration file given: give at least one");
  auto options = parse_options(selection_command(), selection);
  if (!options) {
    return fail(
        printable(options.error().message) +
        "; a selection consists of options of `sweepctl matrix full-sweep`, for example '--model-prefix "
        "dsr1 --seq-lens 1k1k'");
  }
  if (options->help) return fail("--help is not a selection: see `sweepctl matrix full-sweep --help`");
  options->set("--config-files", files);
  std::vector<std::string> noticed;
  auto matrix = run_subcommand(selection_command().name, *options, Caller::Sweep, &noticed);
  if (warnings != nullptr) {
    for (const std::string& line : noticed)
      warnings->push_back(printable(line));
  }
  if (!matrix) return one_line(matrix.error());
  return matrix;
}

}  // namespace sweep::matrix
