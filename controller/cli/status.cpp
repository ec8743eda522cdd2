// sweepctl status: asks the live controller, or reads the journal if there is none.
#include "controller/view/status.hpp"

#include <limits>

#include "controller/cli/arguments.hpp"
#include "controller/cli/ask.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/io/sweep_record.hpp"
#include "proto/base/outcome.hpp"
#include "util/json.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kStatusDescription =
    "Prints the state of the sweep in an output directory: points done and running, points failed with "
    "reasons, agents and attempts. Asks the live controller, or reads the journal if no controller is "
    "running.";

constexpr const char* kStatusClosing = R"(Exit status:
  0  the sweep is running, or every point is done and its result is valid
  1  points are not done and the sweep is stopping or has ended, or the sweep
     cannot be read
  2  wrong usage
  3  every point is done, but not every result is valid (0 if the profile
     of the sweep has 'strict: no')

Files:
  DIR/sweep.control   address and key of the live controller; readable by
                      the owner only
  DIR/sweep.db        the journal

Examples:
    sweepctl status results_dsr1_1k1k_20261124_222153
    sweepctl status results_dsr1_1k1k_20261124_222153 --json | jq .state
)";

Expected<Status> status_of(const std::string& directory) {
  SWEEP_ASSIGN(const auto control, find_controller(directory));
  std::string owner;
  if (control) {
    SWEEP_ASSIGN(auto answer, ask_controller(*control, wire::StatusRequest{}));
    if (answer) return std::move(*answer);
    owner = " (its " + controller_text(*control) + ", did not answer)";
  }
  auto archive = open_archive(directory);
  if (!archive) return fail(archive.error().message + owner);
  archive->sweep.facts.directory = directory;
  return view::status_json(archive->sweep.plan, archive->sweep.state, archive->sweep.facts,
                           view::last_change(archive->sweep.state, archive->sweep.facts),
                           std::numeric_limits<std::size_t>::max(), log_finder(directory));
}

/// Returns the exit status for a status document.
int exit_status(const Status& status) {
  const std::string state = status.value("state", "");
  if (state == "running") return 0;
  if (state != "done") return 1;
  const Status counts = status.value("points", Status::object());
  const int done = counts.value("done", 0);
  const bool valid = !status.value("strict", true) || counts.value("valid", done) == done;
  return valid ? 0 : kNotValidStatus;
}

}  // namespace

int status_command(const Arguments& arguments) {
  CommandLine app("sweepctl status", kStatusDescription, kStatusClosing);
  std::string directory;
  bool json = false;
  add_sweep_directory(app, directory, "output directory of a sweep");
  app.flag("--json", json, "print JSON");
  if (const auto status = app.parse(arguments)) return *status;
  if (!enter_as_owner(directory)) return 1;
  const auto status = status_of(directory);
  if (!status) return print_error(status.error().message), 1;
  const int printed = print_out(json ? status->dump(2, ' ', false, Status::error_handler_t::replace) + "\n"
                                     : view::status_text(*status));
  return printed != 0 ? printed : exit_status(*status);
}

}  // namespace sweep::cli
