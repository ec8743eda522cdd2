#include "container/io/supervise.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <tuple>

#include "container/core/report.hpp"
#include "container/core/start.hpp"
#include "container/io/end_processes.hpp"
#include "container/io/scoped_folders.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/os/proc.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/os/signals.hpp"

namespace sweep::container {

namespace {

constexpr Millis kEndCommandTimeout{20'000};  // of the runtime's command that ends a container
constexpr Millis kStragglerTimeout{10'000};   // for processes that outlive the runtime's command
constexpr std::size_t kMaxStatus = 4096;

/// Reports Failed to the agent on kNoteFd.
void report_failure(const StartRequest& request, bool of_image, const std::string& reason) {
  const std::string node = request.node.empty() ? host_name() : request.node;
  const std::string line = line_of(Failed{of_image, "node " + node + ": " + reason}) + "\n";
  std::ignore = write_all(kNoteFd, line);
}

/// Returns what the node lacks for the request; empty if nothing. The runtimes report it less clearly.
std::string missing_on_node(const StartRequest& request) {
  struct stat info {};
  for (const Mount& mount : parse_mounts(request.container.mounts).value_or(std::vector<Mount>())) {
    if (::stat(mount.source.c_str(), &info) != 0)
      return "cannot use the mount source '" + mount.source + "': " + errno_text(errno);
  }
  if (::stat(request.workspace.c_str(), &info) != 0)
    return "cannot use the workspace '" + request.workspace + "': " + errno_text(errno);
  return "";
}

/// Returns true if the node has the device files of these GPUs. Simulated GPUs have none and cannot be passed
/// through.
bool has_devices(const std::string& gpus) {
  return gpus.empty() || ::access(gpus == "amd" ? "/dev/kfd" : "/dev/nvidiactl", F_OK) == 0;
}

/// Runs the command of one request and ends everything that belongs to it.
class Supervisor {
 public:
  Supervisor(const StartRequest& request, const ScopedFolders& folders)
      : request_(request), folders_(folders), environment_(own_environment()) {}

  Expected<void> start() {
    SpawnSpec spec;
    std::tie(spec.argv, spec.environment) = command(request_);
    Pipe status;
    if (request_.runtime == Runtime::Bwrap) {
      SWEEP_ASSIGN(auto pipe, make_pipe());
      status = std::move(pipe);
      spec.more = {status.write_end.get()};
    }
    SWEEP_ASSIGN(auto child, spawn(spec));
    child_ = std::move(child);
    status_ = std::move(status.read_end);
    return {};
  }

  /// Passes signals on until the command has ended and none of its processes is left.
  void run(SignalFd& signals) {
    while (!over()) {
      pollfd fd{signals.fd(), POLLIN, 0};
      ::poll(&fd, 1, wait_ms());
      for (const int signal : signals.take())
        handle(signal);
      reap_all();
      if (ended_ && now() >= *straggle_until_) kill_all();
    }
    if (ended_->signal && !end_command_ran_) run_end_command();
  }

  /// Returns why the command did not start; std::nullopt if it did, or if that is unknown.
  std::optional<Failed> start_failure() {
    const std::string name(runtime_word(request_.runtime));
    if (ended_->signal || ended_->code == 0 || signalled_) return std::nullopt;
    if (uses_start_mark(request_.runtime)) {
      const auto mark = read_file(folders_.start_mark(), kMaxStatus);
      if (!mark || (!mark->empty() && *mark != kNotBegun)) return std::nullopt;
      if (mark->empty()) return no_command();
      return Failed{false,
                    name + " could not set up the container; its messages are in the log of the point"};
    }
    if (!status_.open() || container::was_set_up(read_available(status_.get(), kMaxStatus).bytes))
      return std::nullopt;
    return probe_again();
  }

  const std::optional<ExitStatus>& ended() const { return ended_; }

 private:
  std::pair<std::vector<std::string>, std::vector<std::string>> command(const StartRequest& request) const {
    Command out = start_command(request, folders_.folders(), environment_);
    if (!folders_.folders().root.empty()) {
      const std::vector<std::string> overlay = {
          own_executable(),        "--overlay", request.container.image, folders_.upper(), folders_.work(),
          folders_.folders().root, "--"};
      out.argv.insert(out.argv.begin(), overlay.begin(), overlay.end());
    }
    return {std::move(out.argv), std::move(out.environment)};
  }

  /// Bubblewrap reports a container that could not be set up and a command that does not exist in the same
  /// way. So it is run again with a command that certainly does not exist: it complains about that command
  /// only if the container was set up.
  Failed probe_again() const {
    StartRequest probe = request_;
    probe.argv = {"/.slurm-sweep-is-not-here"};
    auto [argv, environment] = command(probe);
    const auto status = std::find(argv.begin(), argv.end(), "--json-status-fd");
    if (status != argv.end()) argv.erase(status, status + 2);
    const auto ran = run_program(argv, {environment, kEndCommandTimeout});
    const std::string words = ran ? how_it_ended(*ran) : ran.error().message;
    if (words.find("execvp " + probe.argv[0]) == std::string::npos)
      return {false, "cannot set up the container: " + words};
    return no_command();
  }

  Failed no_command() const {
    return {true, "cannot start the command '" + request_.argv[0] + "': the image " +
                      request_.container.image + " does not have it or cannot run it"};
  }

  bool over() const { return ended_ && children_of(::getpid()).empty(); }

  int wait_ms() const {
    if (!straggle_until_) return -1;
    return static_cast<int>(std::max<std::int64_t>(0, (*straggle_until_ - now()).count()));
  }

  void handle(int signal) {
    if (signal == SIGCHLD) return;
    signalled_ = true;
    if (signal == SIGQUIT) return kill_all();
    if (request_.runtime == Runtime::Bwrap) return signal_inside(signal);
    const auto command = signal_command(request_, signal);
    if (command.empty()) {
      ::kill(-child_.pid, signal);
    } else {
      std::ignore = run_program(command, {environment_, kEndCommandTimeout});
    }
  }

  /// Signals the processes in the container one by one. Bubblewrap itself would exit on the signal and kill
  /// all of them, without giving them time to shut down.
  void signal_inside(int signal) {
    for (const pid_t init : children_of(child_.pid)) {
      for (const pid_t inside : descendants_of(init))
        ::kill(inside, signal);
    }
  }

  void kill_all() {
    run_end_command();
    if (!ended_) {
      // Of srun's two processes only the first is killed; the other one then cancels the step.
      ::kill(request_.runtime == Runtime::Pyxis ? child_.pid : -child_.pid, SIGKILL);
      pollfd fd{child_.pidfd.get(), POLLIN, 0};
      if (::poll(&fd, 1, static_cast<int>(kStragglerTimeout.count())) > 0) reap_all();
    }
    if (request_.runtime == Runtime::Pyxis) wait_for_children(kStragglerTimeout);
    kill_children(kStragglerTimeout);
    if (!ended_) ended_ = ExitStatus{std::nullopt, SIGKILL};
    straggle_until_ = now() + kStragglerTimeout;
  }

  /// Runs the runtime's command that ends the container, if it has one.
  void run_end_command() {
    const auto command = signal_command(request_, SIGKILL);
    end_command_ran_ = true;
    if (!command.empty()) std::ignore = run_program(command, {environment_, kEndCommandTimeout});
  }

  void reap_all() {
    if (!ended_) {
      if (const auto status = reap(child_.pid)) {
        ended_ = ExitStatus{status->code, status->signal};
        straggle_until_ = now() + kStragglerTimeout;
      }
    }
    for (const pid_t child : children_of(::getpid())) {
      if (ended_ || child != child_.pid) ::waitpid(child, nullptr, WNOHANG);
    }
  }

  const StartRequest& request_;
  const ScopedFolders& folders_;
  std::vector<std::string> environment_;
  Child child_;
  Fd status_;
  std::optional<ExitStatus> ended_;
  std::optional<Instant> straggle_until_;
  bool end_command_ran_ = false;
  bool signalled_ = false;  // a signal other than SIGCHLD has arrived
};

/// Returns the command's exit status. If a signal ended the command, ends this process with the same signal.
int exit_like(const ExitStatus& ended) {
  constexpr int kOfSignal = 128;
  if (!ended.signal) return ended.code.value_or(kCannotContain);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::signal(*ended.signal, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, *ended.signal);
  ::raise(*ended.signal);
  ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
  return kOfSignal + *ended.signal;
}

/// Runs the request and returns how the command ended, or why the container could not be set up. Its
/// directories have been removed in either case.
tl::expected<ExitStatus, Failed> run_in_container(const StartRequest& request, SignalFd& signals) {
  const auto cannot = [](const Error& error) { return tl::unexpected(Failed{false, error.message}); };
  const auto folders = ScopedFolders::make(request);
  if (!folders) return cannot(folders.error());
  Supervisor supervisor(request, *folders);
  if (const auto started = supervisor.start(); !started) return cannot(started.error());
  supervisor.run(signals);
  if (auto why = supervisor.start_failure()) return tl::unexpected(std::move(*why));
  return *supervisor.ended();
}

}  // namespace

int contain(const std::string& text) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::signal(SIGQUIT, SIG_DFL);  // the agent's and the kernel's own message, also if a shell ignores it
  SignalFd signals({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGCHLD});
  auto request = start_request_in(text);
  const auto cannot = [&](const Failed& why) {
    report_failure(request ? *request : StartRequest(), why.of_image, why.reason);
    return kCannotContain;
  };
  if (!request) return cannot({false, request.error().message});
  if (const std::string lacks = missing_on_node(*request); !lacks.empty()) return cannot({false, lacks});
  if (!has_devices(request->gpus)) request->gpus.clear();
  const auto ended = run_in_container(*request, signals);
  return ended ? exit_like(*ended) : cannot(ended.error());
}

}  // namespace sweep::container
