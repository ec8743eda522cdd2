#include "controller/matrix/load.hpp"

#include "controller/matrix/inferencex/row_json.hpp"
#include "controller/matrix/run.hpp"
#include "controller/matrix/subcommands.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::matrix {

Expected<std::vector<nlohmann::ordered_json>> load_matrix(const std::vector<std::string>& files,
                                                          const std::vector<std::string>& selection,
                                                          std::vector<std::string>* warnings) {
  if (files.empty()) return fail("No configuration file given: give at least one");
  Request request(selection_command(), selection);
  if (request.help()) return fail("--help is not a selection: see `sweepctl matrix full-sweep --help`");
  request.set_config_files(files);
  std::vector<std::string> noticed;
  auto matrix = run_subcommand(request, Caller::Sweep, &noticed);
  if (warnings != nullptr) {
    for (const std::string& line : noticed)
      warnings->push_back(printable(line));
  }
  if (!matrix && matrix.error().usage)
    return fail(
        printable(matrix.error().message) +
        "; a selection consists of options of `sweepctl matrix full-sweep`, for example '--model-prefix "
        "dsr1 --seq-lens 1k1k'");
  if (!matrix) return fail(printable(matrix.error().message));
  if (matrix->generation == Generation::InferenceX) return inferencex::row_entries(matrix->rows.rows);
  return std::move(matrix->entries);
}

}  // namespace sweep::matrix
