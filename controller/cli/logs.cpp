// sweepctl logs: prints the output of a point's benchmark and servers, and follows it while the sweep runs.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/control_file.hpp"
#include "controller/view/log_files.hpp"
#include "util/os/beneath.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kLogsDescription =
    "Prints what the benchmark of a point has printed, and the servers of its recipe while they served it. POINT is "
    "the name of its result (RESULT_FILENAME) or any part of it that no other point has, such as conc64. Without "
    "POINT, lists the names. Of a point that was tried several times, the last attempt is printed.\n\nIf an attempt "
    "has printed to standard output and to standard error, a line in the manner of tail names the file before each "
    "part.";

constexpr const char* kLogsClosing = R"(Exit status:
  0  the logs were printed
  1  there is no such log, it cannot be read, or POINT means several points
  2  wrong usage

Files:
  DIR/logs/RESULT_FILENAME.attemptN.out, .err
                      standard output and standard error of attempt N

Examples:
  List the logs of a sweep:
    sweepctl logs results_dsr1_1k1k_20261124_222153
  Follow the output of a point:
    sweepctl logs --follow results_dsr1_1k1k_20261124_222153 conc64
)";

constexpr const char* kFolder = "logs";

struct Request {
  std::string directory, point;
  std::optional<std::int64_t> attempt;
  bool follow = false;
};

std::vector<view::AttemptLogs> logs_in(const std::string& directory) {
  return view::attempt_logs(names_beneath(directory, kFolder));
}

/// A file of an attempt: prints what was appended since the last call.
class LogTail {
 public:
  LogTail(std::string directory, std::string name)
      : directory_(std::move(directory)), name_(std::move(name)) {}

  /// Prints what is new; before it a heading if `shown`, the file that was printed last, is another one.
  Expected<void> print_new(std::string& shown) {
    if (fd_.get() < 0 && !open()) return {};
    char bytes[64 * 1024];
    for (;;) {
      const ssize_t size = ::read(fd_.get(), bytes, sizeof bytes);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return fail("cannot read '" + path() + "': " + errno_text(errno));
      if (size == 0) return {};
      SWEEP_TRY(print_heading(shown));
      SWEEP_TRY(write_out({bytes, static_cast<std::size_t>(size)}));
    }
  }

 private:
  std::string path() const { return std::string(kFolder) + "/" + name_; }

  bool open() {
    auto fd = open_beneath(directory_, path(), O_RDONLY);
    if (fd) fd_ = std::move(*fd);
    return fd.has_value();
  }

  Expected<void> print_heading(std::string& shown) {
    if (shown == name_) return {};
    const bool first = shown.empty();
    shown = name_;
    return first ? Expected<void>() : write_out("\n==> " + printable(name_) + " <==\n");
  }

  static Expected<void> write_out(std::string_view bytes) {
    const int code = write_all(STDOUT_FILENO, bytes);
    return code == 0 ? Expected<void>() : fail("cannot write to standard output: " + errno_text(code));
  }

  std::string directory_, name_;
  Fd fd_;
};

/// The logs of one attempt.
class AttemptTail {
 public:
  AttemptTail(const std::string& directory, const view::AttemptLogs& logs)
      : out_(directory, logs.file(false)), err_(directory, logs.file(true)) {}

  Expected<void> print_new(std::string& shown) {
    SWEEP_TRY(out_.print_new(shown));
    return err_.print_new(shown);
  }

 private:
  LogTail out_, err_;
};

/// Waits until a file in the folder changes, or for a second: over NFS the kernel does not report changes.
void wait_for_change(const Fd& events) {
  constexpr int kLongest = 1000;  // milliseconds
  pollfd fd{events.get(), POLLIN, 0};
  ::poll(&fd, 1, kLongest);
  char ignored[4096];
  while (::read(events.get(), ignored, sizeof ignored) > 0) {
  }
}

bool is_running(const std::string& directory) {
  const auto control = read_control_file(directory);
  return control && *control;
}

/// A watch for changes of the sweep's logs and of its control file.
Fd watch(const std::string& directory) {
  Fd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  ::inotify_add_watch(events.get(), (directory + "/" + kFolder).c_str(), IN_MODIFY | IN_CREATE);
  ::inotify_add_watch(events.get(), directory.c_str(), IN_CREATE | IN_DELETE);
  return events;
}

/// Returns the logs that are asked for. With --follow, waits for them while the sweep runs.
Expected<view::AttemptLogs> wait_for_logs(const Request& request) {
  bool said = false;
  for (;;) {
    const Fd events = watch(request.directory);
    const bool running = request.follow && is_running(request.directory);
    const auto all = logs_in(request.directory);
    auto logs = view::choose_logs(all, request.point, request.attempt);
    if (logs || !running || !view::logs_named(all, request.point).empty()) return logs;
    if (!std::exchange(said, true))
      print_error("no log has '" + request.point + "' in its name yet; waiting until there is one");
    wait_for_change(events);
  }
}

/// Prints the attempt, and with --follow what is appended until the sweep has ended, further attempts included.
Expected<void> print_logs(const Request& request) {
  SWEEP_ASSIGN(auto logs, wait_for_logs(request));
  const Fd events = watch(request.directory);
  std::string shown;
  AttemptTail tail(request.directory, logs);
  for (;;) {
    // Whether the sweep runs is asked before the files are read, so that nothing is missed that comes in between.
    const bool running = is_running(request.directory);
    SWEEP_TRY(tail.print_new(shown));
    if (!request.follow) return {};
    const auto next = view::choose_logs(logs_in(request.directory), request.point, request.attempt);
    if (next && next->attempt != logs.attempt) {
      logs = *next;
      tail = AttemptTail(request.directory, logs);
      continue;
    }
    if (!running) return {};
    wait_for_change(events);
  }
}

}  // namespace

int logs_command(const Arguments& arguments) {
  CommandLine app("sweepctl logs", kLogsDescription, kLogsClosing);
  Request request;
  add_sweep_directory(app, request.directory, "output directory of a sweep");
  app.option("POINT", request.point, "name of a point's result, or a part of it").value("").not_empty();
  app.option("--attempt", request.attempt, "print this attempt (default: the last one)")
      .value("N")
      .range(1, 100'000);
  app.flag("--follow", request.follow, "go on until the sweep has ended");
  if (const auto status = app.parse(arguments)) return *status;
  if (request.point.empty() && (request.follow || request.attempt))
    return print_error("logs: --follow and --attempt need a POINT; see sweepctl logs --help"), 2;
  if (!enter_as_owner(request.directory)) return 1;
  const auto all = logs_in(request.directory);
  if (all.empty() && !(request.follow && is_running(request.directory)))
    return print_error("there are no logs of benchmarks in '" + request.directory +
                       "/logs'; is it the output directory "
                       "of a sweep?"),
           1;
  if (request.point.empty()) return print_out(view::logs_list(all));
  if (const auto good = print_logs(request); !good) return print_error_list(good.error().message), 1;
  return 0;
}

}  // namespace sweep::cli
