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
#include "proto/base/text.hpp"
#include "proto/net/clock.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/files.hpp"
#include "proto/net/process.hpp"
#include "proto/net/sockets.hpp"

namespace sweep::cli {

namespace {

constexpr int kInternalError = 70;  // EX_SOFTWARE: an exception, as good as a crash
constexpr std::size_t kMostDeaths = 5;
constexpr Millis kWithin{60'000};
constexpr Millis kFirstPause{50};  // doubled with each death within that time
constexpr std::size_t kMaxPath = 64 * 1024;

std::string cause(const ExitStatus& status) {
  if (!status.signal) return status.code == kInternalError ? "an internal error" : "nobody knows what";
  const char* name = sigabbrev_np(*status.signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(*status.signal);
}

bool died(const ExitStatus& status) {
  return status.signal.has_value() || status.code == kInternalError;
}

int exit_status(const ExitStatus& status) {
  return status.signal ? 128 + *status.signal : status.code.value_or(1);
}

class Supervisor {
 public:
  Supervisor(SignalFd& signals, Fd listening) : signals_(signals), listening_(std::move(listening)) {
    loop_.watch(signals_.fd(), [this] { hand_on(); });
  }

  Expected<int> run(const std::function<int(Life)>& live) {
    for (int number = 0;; ++number) {
      const auto started = start(number, live);
      if (!started) return tl::unexpected(started.error());
      const ExitStatus status = wait();
      if (!died(status)) return exit_status(status);
      died_of_ = cause(status);
      if (directory_.empty()) {
        print_error("the controller died of " + died_of_ + " before it had a sweep");
        return exit_status(status);
      }
      if (!pause()) {
        print_error("the controller died " + std::to_string(deaths_.size()) + " times within " +
                    std::to_string(kWithin.count() / 1000) + " s, the last time of " + died_of_ +
                    "; it is not started again. What was acknowledged is in '" + directory_ +
                    "'; --sweep-resume goes on with it");
        return exit_status(status);
      }
    }
  }

 private:
  Expected<void> start(int number, const std::function<int(Life)>& live) {
    auto pipe = make_pipe();
    if (!pipe) return tl::unexpected(pipe.error());
    const pid_t parent = ::getpid();
    child_ = ::fork();
    if (child_ < 0) return fail("cannot start a process: " + errno_text(errno));
    if (child_ == 0) {
      pipe->read_end.reset();
      ::prctl(PR_SET_NAME, "sweep-control");
      // Not the end with its supervisor: srun and its agents are there still. But a supervisor that was gone
      // before this line is a sign that all of it ends.
      if (::getppid() != parent) ::_exit(1);
      ::_exit(run_life({number, directory_, died_of_, pipe->write_end.release(),
                        Fd(::fcntl(listening_.get(), F_DUPFD_CLOEXEC, 0))},
                       live));
    }
    told_ = std::move(pipe->read_end);
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
    Chunk told = read_available(told_.get(), kMaxPath);
    if (!told.bytes.empty()) directory_ = std::move(told.bytes);
    return *status;
  }

  /// Lets a little time pass before the next life. False: it has died too often.
  bool pause() {
    deaths_.push_back(now());
    while (!deaths_.empty() && deaths_.front() + kWithin < now())
      deaths_.pop_front();
    if (deaths_.size() >= kMostDeaths) return false;
    if (deaths_.size() == 1) return true;  // at once
    const Instant until = now() + kFirstPause * (1 << (deaths_.size() - 1));
    while (now() < until)
      loop_.step(until);
    return true;
  }

  void hand_on() {
    for (const int signal : signals_.take()) {
      if (child_ > 0) ::kill(child_, signal);
    }
  }

  EventLoop loop_;
  SignalFd& signals_;
  Fd listening_;
  pid_t child_ = -1;
  Fd ended_, told_;
  std::string directory_, died_of_;
  std::deque<Instant> deaths_;
};

}  // namespace

Expected<int> supervise(SignalFd& signals, const std::function<int(Life)>& live) {
  auto listening = listening_socket();
  if (!listening) return tl::unexpected(listening.error());
  return Supervisor(signals, std::move(*listening)).run(live);
}

void tell_directory(int fd, const std::string& directory) {
  if (::write(fd, directory.data(), directory.size()) < 0) {
    // Then there is no supervisor any more, and nobody who would start this controller again.
  }
  ::close(fd);
}

}  // namespace sweep::cli
