#include "controller/cli/supervisor.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "controller/cli/print.hpp"
#include "controller/plan/output_pattern.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/sockets.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr int kInternalError = 70;  // EX_SOFTWARE: an exception, treated as a crash
constexpr std::size_t kMostDeaths = 5;
constexpr Millis kWithin{60'000};
constexpr Millis kFirstPause{50};  // doubled with each death within kWithin
constexpr Millis kBetweenTries{2'000};
constexpr std::size_t kMaxNoteBytes = 64 * 1024;

std::string cause(const ExitStatus& status) {
  if (!status.signal) return status.code == kInternalError ? "internal error" : "unknown cause";
  const char* name = sigabbrev_np(*status.signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(*status.signal);
}

bool died(const ExitStatus& status) {
  return status.signal.has_value() || status.code == kInternalError;
}

SupervisorNote parse_note(const std::string& text) {
  // The directory comes last because it may contain any character.
  const std::size_t key = text.find(' ');
  const std::size_t directory = key == std::string::npos ? key : text.find(' ', key + 1);
  if (directory == std::string::npos) return {};
  return {text.substr(directory + 1), text.substr(key + 1, directory - key - 1),
          Millis(std::strtoll(text.c_str(), nullptr, 10))};
}

int exit_status(const ExitStatus& status) {
  return status.signal ? 128 + *status.signal : status.code.value_or(1);
}

class Supervisor {
 public:
  Supervisor(SignalFd& signals, int lifeline, Fd listening)
      : signals_(signals), lifeline_(lifeline), listening_(std::move(listening)) {
    loop_.watch(signals_.fd(), [this] { forward_signals(); });
  }

  Expected<int> run(const std::function<int(ControllerStart)>& run_controller) {
    for (int number = 0;; ++number) {
      SWEEP_TRY(start(number, run_controller));
      const ExitStatus status = wait();
      const bool refused = status.code == kTryAgainLater;
      if (!refused && !died(status)) return exit_status(status);
      if (refused && !wait_after_refusal()) return 1;
      if (!refused && !wait_after_death(status)) return exit_status(status);
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
      ::_exit(run_child({number, note_, cause_, refused_, pipe.write_end.release(),
                         Fd(::fcntl(listening_.get(), F_DUPFD_CLOEXEC, 0))},
                        run_controller));
    }
    note_pipe_ = std::move(pipe.read_end);
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

  ExitStatus wait() {
    std::optional<ExitStatus> status;
    loop_.watch(ended_.get(), [&] { status = reap(child_); });
    while (!status)
      loop_.step(std::nullopt);
    loop_.unwatch(ended_.get());
    ended_.reset();
    child_ = -1;
    if (SupervisorNote note = parse_note(read_available(note_pipe_.get(), kMaxNoteBytes).bytes);
        !note.directory.empty()) {
      note_ = std::move(note);
      refused_ = 0;
    }
    return *status;
  }

  std::string how_to_resume() const {
    return "acknowledged results are in '" + note_.directory +
           "'; to continue, use --sweep-resume --sweep-output=" + pattern_of_path(note_.directory);
  }

  /// Returns false if the controller is not to be restarted.
  bool wait_after_death(const ExitStatus& status) {
    cause_ = cause(status);
    if (note_.directory.empty()) {
      print_error("the controller died (" + cause_ + ") before it had opened a sweep");
      return false;
    }
    deaths_.push_back(now());
    while (!deaths_.empty() && deaths_.front() + kWithin < now())
      deaths_.pop_front();
    if (deaths_.size() >= kMostDeaths) {
      print_error("the controller died " + std::to_string(deaths_.size()) + " times within " +
                  std::to_string(kWithin.count() / 1000) + " s (last cause: " + cause_ +
                  ") and is not restarted; " + how_to_resume());
      return false;
    }
    if (deaths_.size() == 1) return true;  // restart immediately
    return pause(kFirstPause * (1 << (deaths_.size() - 1)));
  }

  /// Returns false if no agent waits for the controller any more.
  bool wait_after_refusal() {
    if (refused_++ == 0) refused_since_ = now();
    if (now() < refused_since_ + note_.away) return pause(kBetweenTries);
    print_error("the controller could not be restarted within " + std::to_string(note_.away.count() / 1000) +
                " s (timeouts.away), and its agents have stopped waiting; " + how_to_resume());
    return false;
  }

  /// Waits. Returns false if srun has ended or a signal has arrived meanwhile.
  bool pause(Millis time) {
    const Instant until = now() + time;
    loop_.watch(lifeline_, [this] { no_controller_needed_ = true; });
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

  EventLoop loop_;
  SignalFd& signals_;
  int lifeline_;
  Fd listening_;
  pid_t child_ = -1;
  Fd ended_, note_pipe_;
  SupervisorNote note_;
  std::string cause_;
  std::deque<Instant> deaths_;
  int refused_ = 0;
  Instant refused_since_{};
  bool no_controller_needed_ = false;
};

}  // namespace

Expected<int> supervise(SignalFd& signals, int lifeline,
                        const std::function<int(ControllerStart)>& run_controller) {
  SWEEP_ASSIGN(auto listening, listening_socket());
  return Supervisor(signals, lifeline, std::move(listening)).run(run_controller);
}

void send_note(int fd, const SupervisorNote& note) {
  const std::string text = std::to_string(note.away.count()) + " " + note.server_key + " " + note.directory;
  if (::write(fd, text.data(), text.size()) < 0) {
    // The supervisor has ended, so this controller will not be restarted.
  }
  ::close(fd);
}

}  // namespace sweep::cli
