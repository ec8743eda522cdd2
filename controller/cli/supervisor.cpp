#include "controller/cli/supervisor.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>

#include "controller/cli/print.hpp"
#include "controller/io/farewell.hpp"
#include "controller/plan/output_pattern.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/sockets.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/silence_watch.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr int kInternalError = 70;  // EX_SOFTWARE: an exception, treated as a crash
constexpr std::size_t kMostDeaths = 5;
constexpr Millis kWithin{60'000};
constexpr Millis kFirstPause{50};  // doubled with each death within kWithin
constexpr Millis kBetweenTries{2'000};
constexpr std::size_t kMaxReportBytes = 64 * 1024;  // per read
constexpr Millis kStuck{30'000};
constexpr Millis kSilentWait{2'000};  // waiting longer for agents is reported
constexpr Millis kLeave{10'000};  // how long agents may take to leave, beside the time for their benchmarks

std::string cause(const ExitStatus& status) {
  if (!status.signal) return status.code == kInternalError ? "internal error" : "unknown cause";
  const char* name = sigabbrev_np(*status.signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(*status.signal);
}

bool died(const ExitStatus& status) {
  return status.signal.has_value() || status.code == kInternalError;
}

std::string seconds(Millis time) {
  return std::to_string(time.count() / 1000) + " s";
}

int exit_status(const ExitStatus& status) {
  return status.signal ? 128 + *status.signal : status.code.value_or(1);
}

class Supervisor {
 public:
  Supervisor(SignalFd& signals, int lifeline, Fd listening)
      : signals_(signals), lifeline_(lifeline), srun_(::getppid()), listening_(std::move(listening)) {
    loop_.watch(signals_.fd(), [this] { forward_signals(); });
  }

  Expected<int> run(const std::function<int(ControllerStart)>& run_controller) {
    for (int number = 0;; ++number) {
      SWEEP_TRY(start(number, run_controller));
      const ExitStatus status = wait();
      const bool refused = status.code == kTryAgainLater;
      if (!refused && !died(status)) {
        if (agents_ > 0) await_agents();
        return exit_status(status);
      }
      if (refused && !wait_after_refusal()) return dismiss_agents(), 1;
      if (!refused && !wait_after_death(status)) return dismiss_agents(), exit_status(status);
    }
  }

 private:
  Expected<void> start(int number, const std::function<int(ControllerStart)>& run_controller) {
    SWEEP_ASSIGN(auto pipe, make_pipe());
    const pid_t parent = ::getpid();
    child_ = ::fork();
    if (child_ < 0) return fail("cannot start a process: " + errno_text(errno));
    if (child_ == 0) {
      pipe.read_end.reset();
      ::prctl(PR_SET_NAME, "sweep-control");
      // The controller outlives its supervisor, because srun and its agents are still there. Only if the
      // supervisor has gone before this line is everything about to end.
      if (::getppid() != parent) ::_exit(1);
      ::_exit(run_child({number, note_, cause_, refused_, std::move(pipe.write_end), copy_of_listening()},
                        run_controller));
    }
    reports_ = std::move(pipe.read_end);
    report_reader_ = {};
    stuck_ = false;
    ended_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
    if (!ended_.open()) return fail("cannot watch the controller: " + errno_text(errno));
    return {};
  }

  static int run_child(ControllerStart child, const std::function<int(ControllerStart)>& run_controller) {
    int status = kInternalError;
    try {
      status = run_controller(std::move(child));
    } catch (const std::exception& error) {
      print_error("internal error: " + std::string(error.what()));
    }
    std::fflush(nullptr);
    return status;
  }

  Fd copy_of_listening() const { return Fd(::fcntl(listening_.get(), F_DUPFD_CLOEXEC, 0)); }

  ExitStatus wait() {
    std::optional<ExitStatus> status;
    loop_.watch(reports_.get(), [this] { take_reports(); });
    loop_.watch(ended_.get(), [&] { status = reap(child_); });
    while (!status) {
      loop_.step(turns_.deadline());
      if (!status && turns_.silent(now())) kill_stuck();
    }
    loop_.unwatch(ended_.get());
    ended_.reset();
    child_ = -1;
    if (reports_.open()) take_reports();
    if (reports_.open()) loop_.unwatch(reports_.get());
    turns_.stop();
    return *status;
  }

  void take_reports() {
    const Chunk chunk = read_available(reports_.get(), kMaxReportBytes);
    for (Report& report : report_reader_.take(chunk.bytes)) {
      std::visit([this](auto& what) { handle(what); }, report);
    }
    if (!chunk.closed) return;
    loop_.unwatch(reports_.get());
    reports_.reset();
  }
  void handle(SupervisorNote& note) {
    note_ = std::move(note);
    refused_ = 0;
  }
  void handle(const LoopTurned&) { turns_.heard(now()); }
  void handle(const LoopEnded& ended) {
    turns_.stop();
    agents_ = ended.agents;
  }

  void kill_stuck() {
    turns_.stop();
    stuck_ = true;
    ::kill(child_, SIGKILL);
  }

  std::string how_to_resume() const {
    return "acknowledged results are in '" + note_.directory +
           "'; to continue, use --sweep-resume --sweep-output=" + pattern_of_path(note_.directory);
  }

  /// Returns false if the controller is not to be restarted.
  bool wait_after_death(const ExitStatus& status) {
    cause_ =
        stuck_ ? "its event loop did not turn for " + seconds(kStuck) + ", so it was killed" : cause(status);
    if (note_.directory.empty()) {
      print_last_error("the controller died (" + cause_ + ") before it had opened a sweep");
      return false;
    }
    deaths_.push_back(now());
    while (!deaths_.empty() && deaths_.front() + kWithin < now())
      deaths_.pop_front();
    if (deaths_.size() >= kMostDeaths) {
      print_last_error("the controller died " + std::to_string(deaths_.size()) + " times within " +
                       seconds(kWithin) + " (last cause: " + cause_ + ") and is not restarted; " +
                       how_to_resume());
      return false;
    }
    if (deaths_.size() == 1) return true;  // restart immediately
    return pause(kFirstPause * (1 << (deaths_.size() - 1)));
  }

  /// Returns false if no agent waits for the controller any more.
  bool wait_after_refusal() {
    if (refused_++ == 0) refused_since_ = now();
    if (now() < refused_since_ + note_.away) return pause(kBetweenTries);
    print_last_error("the controller could not be restarted within " + seconds(note_.away) +
                     " (timeouts.away) and is given up; " + how_to_resume());
    return false;
  }

  /// Answers agents that the sweep is over until srun has ended, and ends srun if that takes too long.
  void dismiss_agents() {
    if (note_.directory.empty() || srun_has_ended_) return;
    no_controller_needed_ = false;  // after a signal the agents are answered too
    auto farewell = Farewell::open(
        loop_, copy_of_listening(), note_.server_keys, note_.client_public,
        "the sweep's controller has ended (" + cause_ + ") and is not restarted; " + how_to_resume());
    if (!farewell)
      print_last_error("cannot tell the agents to leave: " + farewell.error().message + "; ending srun");
    else
      farewell_ = std::move(*farewell);
    const Millis patience = farewell_ ? note_.kill_grace + kLeave : Millis(0);
    print_last_error("waiting up to " + seconds(patience) +
                     " for the agents to stop their benchmarks and leave; Ctrl-C ends srun at once");
    end_step(patience);
  }

  /// Waits until agents that had not left when the sweep was over have left, which most do at once.
  void await_agents() {
    if (!pause(kSilentWait)) return end_step(Millis(0));
    const Millis patience = note_.kill_grace + kLeave;
    print_last_error("waiting up to " + seconds(patience) + " for " +
                     counted(static_cast<std::size_t>(agents_), "agent") +
                     " to leave; Ctrl-C ends srun at once");
    end_step(patience);
  }

  /// Waits for srun, whose agents are leaving, and ends it if it has not ended within `patience`.
  void end_step(Millis patience) {
    pause(patience);
    if (srun_has_ended_ || ::getppid() != srun_) return;
    print_last_error((agents_ > 0 ? counted(static_cast<std::size_t>(agents_), "agent") : "agents") +
                     " did not leave after the end of the sweep (stopped, or on a node that does not "
                     "answer); ending srun, so that the nodes are free");
    ::kill(srun_, SIGTERM);
    pause(kLeave);  // agents are answered until their step has ended
  }

  /// Waits. Returns false if srun has ended or a signal has arrived meanwhile.
  bool pause(Millis time) {
    const Instant until = now() + time;
    loop_.watch(lifeline_, [this] {
      if (!read_available(lifeline_, 64).closed) return;
      srun_has_ended_ = no_controller_needed_ = true;
    });
    while (!no_controller_needed_ && now() < until)
      loop_.step(until);
    loop_.unwatch(lifeline_);
    return !no_controller_needed_;
  }

  void forward_signals() {
    for (const int signal : signals_.take()) {
      if (child_ > 0) {
        ::kill(child_, signal);
      } else {
        no_controller_needed_ = true;
      }
    }
  }

  std::unique_ptr<Farewell> farewell_;  // outlives the loop
  EventLoop loop_;
  SignalFd& signals_;
  int lifeline_;
  pid_t srun_;
  Fd listening_;
  pid_t child_ = -1;
  Fd ended_, reports_;
  ReportReader report_reader_;
  SilenceWatch turns_{kStuck};
  SupervisorNote note_;
  bool stuck_ = false;  // the child was killed because its loop did not turn
  int agents_ = 0;      // that had not left when the controller's loop ended
  std::string cause_;
  std::deque<Instant> deaths_;
  int refused_ = 0;
  Instant refused_since_{};
  bool no_controller_needed_ = false, srun_has_ended_ = false;
};

}  // namespace

Expected<int> supervise(SignalFd& signals, int lifeline,
                        const std::function<int(ControllerStart)>& run_controller) {
  SWEEP_ASSIGN(auto listening, listening_socket());
  ::fcntl(lifeline, F_SETFL, O_NONBLOCK);
  return Supervisor(signals, lifeline, std::move(listening)).run(run_controller);
}

}  // namespace sweep::cli
