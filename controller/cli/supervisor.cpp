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
#include "proto/net/event_loop.hpp"
#include "proto/net/sockets.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr int kInternalError = 70;  // EX_SOFTWARE: an exception, as good as a crash
constexpr std::size_t kMostDeaths = 5;
constexpr Millis kWithin{60'000};
constexpr Millis kFirstPause{50};  // doubled with each death within that time
constexpr Millis kBetweenTries{2'000};
constexpr std::size_t kMaxTold = 64 * 1024;

std::string cause(const ExitStatus& status) {
  if (!status.signal) return status.code == kInternalError ? "an internal error" : "nobody knows what";
  const char* name = sigabbrev_np(*status.signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(*status.signal);
}

bool died(const ExitStatus& status) {
  return status.signal.has_value() || status.code == kInternalError;
}

SupervisorNote told_in(const std::string& text) {
  // The directory last: it may have any character.
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
    loop_.watch(signals_.fd(), [this] { hand_on(); });
  }

  Expected<int> run(const std::function<int(Life)>& live) {
    for (int number = 0;; ++number) {
      if (const auto started = start(number, live); !started) return tl::unexpected(started.error());
      const ExitStatus status = wait();
      const bool refused = status.code == kTryAgain;
      if (!refused && !died(status)) return exit_status(status);
      if (refused && !wait_for_better()) return 1;
      if (!refused && !wait_after_death(status)) return exit_status(status);
    }
  }

 private:
  Expected<void> start(int number, const std::function<int(Life)>& live) {
    SWEEP_ASSIGN(auto pipe, make_pipe());
    const pid_t parent = ::getpid();
    child_ = ::fork();
    if (child_ < 0) return fail("cannot start a process: " + errno_text(errno));
    if (child_ == 0) {
      pipe.read_end.reset();
      ::prctl(PR_SET_NAME, "sweep-control");
      // Not the end with its supervisor: srun and its agents are there still. But a supervisor that was gone
      // before this line is a sign that all of it ends.
      if (::getppid() != parent) ::_exit(1);
      ::_exit(run_life({number, told_, died_of_, refused_, pipe.write_end.release(),
                        Fd(::fcntl(listening_.get(), F_DUPFD_CLOEXEC, 0))},
                       live));
    }
    telling_ = std::move(pipe.read_end);
    ended_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
    if (!ended_.open()) return fail("cannot watch the controller: " + errno_text(errno));
    return {};
  }

  static int run_life(Life life, const std::function<int(Life)>& live) {
    int status = kInternalError;
    try {
      status = live(std::move(life));
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
    if (SupervisorNote told = told_in(read_available(telling_.get(), kMaxTold).bytes);
        !told.directory.empty()) {
      told_ = std::move(told);
      refused_ = 0;
    }
    return *status;
  }

  std::string where_it_stands() const {
    return "What was acknowledged is in '" + told_.directory + "'; --sweep-resume goes on with it";
  }

  /// False: it is not to be started again.
  bool wait_after_death(const ExitStatus& status) {
    died_of_ = cause(status);
    if (told_.directory.empty()) {
      print_error("the controller died of " + died_of_ + " before it had a sweep");
      return false;
    }
    deaths_.push_back(now());
    while (!deaths_.empty() && deaths_.front() + kWithin < now())
      deaths_.pop_front();
    if (deaths_.size() >= kMostDeaths) {
      print_error("the controller died " + std::to_string(deaths_.size()) + " times within " +
                  std::to_string(kWithin.count() / 1000) + " s, the last time of " + died_of_ +
                  "; it is not started again. " + where_it_stands());
      return false;
    }
    if (deaths_.size() == 1) return true;  // at once
    return pause(kFirstPause * (1 << (deaths_.size() - 1)));
  }

  /// False: nobody waits for it any more.
  bool wait_for_better() {
    if (refused_++ == 0) refused_since_ = now();
    if (now() < refused_since_ + told_.away) return pause(kBetweenTries);
    print_error("the controller could not come back for " + std::to_string(told_.away.count() / 1000) +
                " s, and its agents do not wait longer. " + where_it_stands());
    return false;
  }

  /// False when it was cut short: srun has ended, or a signal says to end.
  bool pause(Millis time) {
    const Instant until = now() + time;
    loop_.watch(lifeline_, [this] { unwanted_ = true; });
    while (!unwanted_ && now() < until)
      loop_.step(until);
    loop_.unwatch(lifeline_);
    return !unwanted_;
  }

  void hand_on() {
    for (const int signal : signals_.take()) {
      if (child_ > 0) {
        ::kill(child_, signal);
      } else {
        unwanted_ = true;
      }
    }
  }

  EventLoop loop_;
  SignalFd& signals_;
  int lifeline_;
  Fd listening_;
  pid_t child_ = -1;
  Fd ended_, telling_;
  SupervisorNote told_;
  std::string died_of_;
  std::deque<Instant> deaths_;
  int refused_ = 0;
  Instant refused_since_{};
  bool unwanted_ = false;
};

}  // namespace

Expected<int> supervise(SignalFd& signals, int lifeline, const std::function<int(Life)>& live) {
  SWEEP_ASSIGN(auto listening, listening_socket());
  return Supervisor(signals, lifeline, std::move(listening)).run(live);
}

void tell(int fd, const SupervisorNote& told) {
  const std::string text = std::to_string(told.away.count()) + " " + told.server_key + " " + told.directory;
  if (::write(fd, text.data(), text.size()) < 0) {
    // Then there is no supervisor any more, and nobody who would start this controller again.
  }
  ::close(fd);
}

}  // namespace sweep::cli
