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
#include "container/io/descendants.hpp"
#include "container/io/places.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/os/signals.hpp"

namespace sweep::container {

namespace {

constexpr Millis kForEnding{20'000};      // a runtime's own command that ends a container
constexpr Millis kForStragglers{10'000};  // what a runtime still does after its command has ended
constexpr std::size_t kMaxStatus = 4096;

void note(const StartRequest& request, bool of_image, const std::string& reason) {
  const std::string node = request.node.empty() ? host_name() : request.node;
  const std::string line = line_of(Failed{of_image, "node " + node + ": " + reason}) + "\n";
  std::ignore = write_all(kNoteFd, line);
}

/// What is wrong with the node, before a runtime says it in its own words.
std::string missing(const StartRequest& request) {
  struct stat info {};
  for (const Mount& mount : request.mounts) {
    if (::stat(mount.source.c_str(), &info) != 0)
      return "mount source '" + mount.source + "' cannot be used: " + errno_text(errno);
  }
  if (::stat(request.workspace.c_str(), &info) != 0)
    return "workspace '" + request.workspace + "' cannot be used: " + errno_text(errno);
  return "";
}

/// Whether the node has the devices of these GPUs: pretended ones cannot be let in.
bool has_devices(const std::string& gpus) {
  return gpus.empty() || ::access(gpus == "amd" ? "/dev/kfd" : "/dev/nvidiactl", F_OK) == 0;
}

class Supervisor {
 public:
  Supervisor(const StartRequest& request, const OwnPlaces& own)
      : request_(request), own_(own), environment_(own_environment()) {}

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

  /// Until nothing of it is left.
  void run(SignalFd& signals) {
    while (!over()) {
      pollfd fd{signals.fd(), POLLIN, 0};
      ::poll(&fd, 1, wait());
      for (const int signal : signals.take())
        take(signal);
      collect();
      if (ended_ && now() >= *straggle_until_) kill_all();
    }
    if (ended_->signal && !ended_command_) end_by_command();
  }

  /// Why the command did not begin; nothing where it did, as far as that can be told.
  std::optional<Failed> why_not() {
    const std::string name(runtime_word(request_.runtime));
    if (ended_->signal || ended_->code == 0 || told_) return std::nullopt;
    if (tells_by_mark(request_.runtime)) {
      const auto mark = read_file(own_.mark(), kMaxStatus);
      if (!mark || (!mark->empty() && *mark != kNotBegun)) return std::nullopt;
      if (mark->empty()) return no_command();
      return Failed{false, name + " could not set up the container; what it says of that is in the log"};
    }
    if (!status_.open() || container::was_set_up(read_available(status_.get(), kMaxStatus).bytes))
      return std::nullopt;
    return asked_again();
  }

  const std::optional<ExitStatus>& ended() const { return ended_; }

 private:
  std::pair<std::vector<std::string>, std::vector<std::string>> command(const StartRequest& request) const {
    Command out = start_command(request, own_.places(), environment_);
    if (!own_.places().root.empty()) {
      const std::vector<std::string> in_front = {
          own_executable(), "--overlay", request.image, own_.upper(), own_.work(), own_.places().root, "--"};
      out.argv.insert(out.argv.begin(), in_front.begin(), in_front.end());
    }
    return {std::move(out.argv), std::move(out.environment)};
  }

  /// Bubblewrap says in the same way that it could not set up the container, and that the command cannot be
  /// started in it. So it is asked to start what nobody has: which it only complains of where all else is
  /// well.
  Failed asked_again() const {
    StartRequest probe = request_;
    probe.argv = {"/.slurm-sweep-is-not-here"};
    auto [argv, environment] = command(probe);
    const auto status = std::find(argv.begin(), argv.end(), "--json-status-fd");
    if (status != argv.end()) argv.erase(status, status + 2);
    const auto ran = run_program(argv, {environment, kForEnding});
    const std::string words = ran ? how_it_ended(*ran) : ran.error().message;
    if (words.find("execvp " + probe.argv[0]) == std::string::npos)
      return {false, "the container could not be set up: " + words};
    return no_command();
  }

  Failed no_command() const {
    return {true, "the command '" + request_.argv[0] + "' cannot be started in the image " + request_.image};
  }

  bool over() const { return ended_ && children_of(::getpid()).empty(); }

  int wait() const {
    if (!straggle_until_) return -1;
    return static_cast<int>(std::max<std::int64_t>(0, (*straggle_until_ - now()).count()));
  }

  void take(int signal) {
    if (signal == SIGCHLD) return;
    told_ = true;
    if (signal == SIGQUIT) return kill_all();
    if (request_.runtime == Runtime::Bwrap) return signal_inside(signal);
    const auto command = signal_command(request_, signal);
    if (command.empty()) {
      ::kill(-child_.pid, signal);
    } else {
      std::ignore = run_program(command, {environment_, kForEnding});
    }
  }

  /// Bubblewrap itself would end of it, and take all inside with it, without the time to end in order.
  void signal_inside(int signal) {
    for (const pid_t init : children_of(child_.pid)) {
      for (const pid_t inside : descendants_of(init))
        ::kill(inside, signal);
    }
  }

  void kill_all() {
    end_by_command();
    if (!ended_) {
      // Of srun only the first process: the other one then cancels the step.
      ::kill(request_.runtime == Runtime::Pyxis ? child_.pid : -child_.pid, SIGKILL);
      pollfd fd{child_.pidfd.get(), POLLIN, 0};
      if (::poll(&fd, 1, static_cast<int>(kForStragglers.count())) > 0) collect();
    }
    if (request_.runtime == Runtime::Pyxis) wait_for_children(kForStragglers);
    end_children(kForStragglers);
    if (!ended_) ended_ = ExitStatus{std::nullopt, SIGKILL};
    straggle_until_ = now() + kForStragglers;
  }

  void end_by_command() {
    const auto command = signal_command(request_, SIGKILL);
    ended_command_ = true;
    if (!command.empty()) std::ignore = run_program(command, {environment_, kForEnding});
  }

  void collect() {
    if (!ended_) {
      if (const auto status = reap(child_.pid)) {
        ended_ = ExitStatus{status->code, status->signal};
        straggle_until_ = now() + kForStragglers;
      }
    }
    for (const pid_t child : children_of(::getpid())) {
      if (ended_ || child != child_.pid) ::waitpid(child, nullptr, WNOHANG);
    }
  }

  const StartRequest& request_;
  const OwnPlaces& own_;
  std::vector<std::string> environment_;
  Child child_;
  Fd status_;
  std::optional<ExitStatus> ended_;
  std::optional<Instant> straggle_until_;
  bool ended_command_ = false;
  bool told_ = false;  // to end, or something else
};

}  // namespace

namespace {

/// As the command ended: a signal that ended it ends this process too.
int end_as(const ExitStatus& ended) {
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

/// Where it could not be set up, why. Its folders are gone in either case.
tl::expected<ExitStatus, Failed> run_to_its_end(const StartRequest& request, SignalFd& signals) {
  const auto cannot = [](const Error& error) { return tl::unexpected(Failed{false, error.message}); };
  const auto own = OwnPlaces::make(request);
  if (!own) return cannot(own.error());
  Supervisor supervisor(request, *own);
  if (const auto started = supervisor.start(); !started) return cannot(started.error());
  supervisor.run(signals);
  if (auto why = supervisor.why_not()) return tl::unexpected(std::move(*why));
  return *supervisor.ended();
}

}  // namespace

int contain(const std::string& text) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  SignalFd signals({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGCHLD});
  auto request = start_request_in(text);
  const auto cannot = [&](const Failed& why) {
    note(request ? *request : StartRequest(), why.of_image, why.reason);
    return kCannotContain;
  };
  if (!request) return cannot({false, request.error().message});
  if (const std::string lacks = missing(*request); !lacks.empty()) return cannot({false, lacks});
  if (!has_devices(request->gpus)) request->gpus.clear();
  const auto ended = run_to_its_end(*request, signals);
  return ended ? end_as(*ended) : cannot(ended.error());
}

}  // namespace sweep::container
