// sweepctl cancel: asks the live controller to end its sweep.
#include "controller/cli/arguments.hpp"
#include "controller/cli/ask.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr std::size_t kMostReason = 4096;  // what a message has room for

constexpr const char* kDescription =
    "Ends the sweep in an output directory: no point is started any more, running benchmarks are ended in "
    "order, "
    "and what is done is kept and written. The controller that runs the sweep does it, wherever it runs; "
    "only the "
    "sweep's owner can ask it.";

constexpr const char* kClosing = R"(Exit status:
  0  the sweep is stopping
  1  no controller runs there, it does not answer, or the sweep had ended
  2  wrong usage

Files:
  DIR/sweep.control   how to reach the live controller; only its owner may

Examples:
    sweepctl cancel results_dsr1_1k1k_20261124_222153
    sweepctl cancel --now --reason 'wrong image' results_dsr1_1k1k
)";

int count_of(const Status& status, const char* name) {
  return status.value("points", Status::object()).value(name, 0);
}

std::string done_of_all(const Status& status) {
  return std::to_string(count_of(status, "done")) + " of " +
         counted(static_cast<std::size_t>(count_of(status, "total")), "point") + " done";
}

/// What the controller's answer means for somebody who wanted the sweep to end. Fails where it does not end
/// by this.
Expected<std::string> outcome(const Status& status) {
  const std::string sweep = "sweep " + printable(status.value("sweep", "")),
                    state = status.value("state", "");
  if (state == "done" || state == "incomplete") return fail(sweep + " had ended: " + done_of_all(status));
  if (state != "stopping") return fail(sweep + " goes on: its controller says '" + printable(state) + "'");
  const auto running = static_cast<std::size_t>(count_of(status, "running") + count_of(status, "leased"));
  const std::string ends = running == 0   ? "nothing was running"
                           : running == 1 ? "1 running attempt is ended"
                                          : counted(running, "running attempt") + " are ended";
  return sweep + " is stopping: " + ends + "; " + done_of_all(status);
}

Expected<std::string> cancel(const std::string& directory, const wire::StopRequest& request) {
  SWEEP_ASSIGN(const auto control, find_controller(directory));
  const std::string see = "; sweepctl status " + printable(directory) + " says how the sweep stands";
  if (!control) return fail("no controller runs a sweep in '" + printable(directory) + "'" + see);
  SWEEP_ASSIGN(const auto status, ask_controller(*control, request));
  if (!status) return fail("the controller on " + printable(name_of(*control)) + " does not answer" + see);
  return outcome(*status);
}

}  // namespace

int cancel_command(const Arguments& arguments) {
  CommandLine app("sweepctl cancel", kDescription, kClosing);
  std::string directory;
  wire::StopRequest request{"cancelled by its owner", false};
  add_directory(app, directory, "output directory of a sweep");
  app.flag("--now", request.at_once, "do not wait for benchmarks to end in order");
  app.option("--reason", request.reason, "why, for summary.txt and the log").value("TEXT");
  if (const auto status = app.parse(arguments)) return *status;
  request.reason = clipped(printable(request.reason), kMostReason);
  const auto done = cancel(directory, request);
  if (!done) return print_error(done.error().message), 1;
  return print_out(*done + "\n");
}

}  // namespace sweep::cli
