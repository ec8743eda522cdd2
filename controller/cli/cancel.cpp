// sweepctl cancel: asks the live controller to stop its sweep.
#include "controller/cli/arguments.hpp"
#include "controller/cli/ask.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/output_dir.hpp"
#include "util/shell_word.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr std::size_t kMaxReasonBytes = 4096;  // the limit of a message

constexpr const char* kCancelDescription =
    "Stops the sweep in an output directory: starts no further points, stops running benchmarks, and keeps "
    "and writes all finished results. The request goes to the sweep's controller, on whatever host it runs. "
    "Only the sweep's owner can cancel it.";

constexpr const char* kCancelClosing = R"(Exit status:
  0  the sweep is stopping
  1  no controller is running, it did not answer, or the sweep has ended
  2  wrong usage

Files:
  DIR/sweep.control   address and key of the live controller; readable by
                      the owner only

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

/// Returns the success message for the controller's answer. Fails if the sweep does not stop because of this
/// request.
Expected<std::string> outcome(const Status& status) {
  const std::string sweep = "sweep " + printable(status.value("sweep", "")),
                    state = status.value("state", "");
  if (state == "done" || state == "incomplete")
    return fail(sweep + " has already ended: " + done_of_all(status));
  if (state != "stopping") return fail(sweep + " was not stopped: its state is '" + printable(state) + "'");
  const auto running = static_cast<std::size_t>(count_of(status, "running")) +
                       static_cast<std::size_t>(count_of(status, "leased"));
  const std::string stopped = running == 0   ? "no attempt was running"
                              : running == 1 ? "1 running attempt is being stopped"
                                             : counted(running, "running attempt") + " are being stopped";
  return sweep + " is stopping: " + stopped + "; " + done_of_all(status);
}

Expected<std::string> cancel(const std::string& directory, const wire::StopRequest& request) {
  SWEEP_ASSIGN(const auto control, find_controller(directory));
  const std::string see = "; see sweepctl status " + shell_word(printable(directory));
  if (!control) return fail("no sweep is running in '" + printable(directory) + "'" + see);
  SWEEP_ASSIGN(const auto status, ask_controller(*control, request));
  if (!status) return fail("the " + controller_text(*control) + ", does not answer" + see);
  return outcome(*status);
}

}  // namespace

int cancel_command(const Arguments& arguments) {
  CommandLine app("sweepctl cancel", kCancelDescription, kCancelClosing);
  std::string directory;
  wire::StopRequest request{"cancelled by its owner", false};
  add_sweep_directory(app, directory, "output directory of a sweep");
  app.flag("--now", request.at_once, "do not wait for benchmarks to end cleanly");
  app.option("--reason", request.reason, "reason, for summary.txt and the log").value("TEXT");
  if (const auto status = app.parse(arguments)) return *status;
  request.reason = clipped(printable(request.reason), kMaxReasonBytes);
  if (!enter_as_owner(directory)) return 1;
  const auto message = cancel(directory, request);
  if (!message) return print_error(message.error().message), 1;
  return print_out(*message + "\n");
}

}  // namespace sweep::cli
