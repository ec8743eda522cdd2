// See child.hpp.
#include "spank_plugin/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace sweep::plugin {
namespace {

// In the child: the errno of a failed exec is written here.
constexpr int kErrorChildFd = 5;
// Descriptors are duplicated to this number or above while they are rearranged.
constexpr int kParkingFd = 10;
// How long a child may take to end after SIGKILL.
constexpr unsigned kKilledSeconds = 5;
// How often a child is checked if the kernel has no pidfd.
constexpr int kPollMilliseconds = 100;

struct Inheritance {
  int first;
  int second;
  int error;
};

// From here to become(): the child between fork and exec, where only async-signal-safe calls are allowed.

// Restores the default handlers and mask, but keeps ignored what the user chose to ignore (nohup).
void default_signals() {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action = {};
    if (sigaction(number, nullptr, &action) != 0) continue;
    const bool users_choice = number == SIGHUP || number == SIGINT || number == SIGQUIT;
    if (action.sa_handler == SIG_IGN && users_choice) continue;
    action = {};
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool place(int parked, int target, int flags) {
  if (parked >= 0) return dup3(parked, target, flags) == target;
  close(target);
  return true;
}

bool arrange_descriptors(const Inheritance& wanted) {
  const int first = wanted.first < 0 ? -1 : fcntl(wanted.first, F_DUPFD, kParkingFd);
  const int second = wanted.second < 0 ? -1 : fcntl(wanted.second, F_DUPFD, kParkingFd);
  const int error = fcntl(wanted.error, F_DUPFD, kParkingFd);
  if (error < 0 || (wanted.first >= 0 && first < 0) || (wanted.second >= 0 && second < 0)) return false;
  // Opened for reading and writing, because it also fills a closed stdout and stderr. Otherwise the first
  // file that the program opens would get that number, and its messages would overwrite the file.
  int null = -1;
  do {
    null = open("/dev/null", O_RDWR);
  } while (null >= 0 && null <= STDERR_FILENO);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0) return false;
  if (!place(first, kFirstChildFd, 0) || !place(second, kSecondChildFd, 0) ||
      !place(error, kErrorChildFd, O_CLOEXEC))
    return false;
  close_from(kErrorChildFd + 1);
  return true;
}

[[noreturn]] void become(char* const* arguments, const Inheritance& wanted) {
  default_signals();
  int report = wanted.error;
  if (arrange_descriptors(wanted)) {
    report = kErrorChildFd;
    execv(arguments[0], arguments);
  }
  const int error = errno;
  const ssize_t written = write(report, &error, sizeof error);
  _exit(written == sizeof error ? 127 : 126);
}

// Returns the timeout for poll().
int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, INT_MAX));
}

// Polls for input until the deadline. Returns 0 if it has passed, a negative number on errors.
int poll_until(int fd, Deadline deadline) {
  for (;;) {
    pollfd entry = {fd, POLLIN, 0};
    const int ready = poll(&entry, 1, milliseconds_until(deadline));
    if (ready >= 0 || errno != EINTR) return ready;
  }
}

// Waits for the result of exec: the pipe is closed empty if it succeeded, and has the errno if not.
Started exec_result(int fd, pid_t pid, Deadline deadline) {
  const int ready = poll_until(fd, deadline);
  if (ready == 0) return {-1, 0, true};
  if (ready < 0) return {-1, errno, false};
  int error = 0;
  ssize_t got = 0;
  do {
    got = read(fd, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got == sizeof error) return {-1, error, false};
  return {pid, 0, false};
}

// Returns a descriptor that is readable once the child has ended; none if the kernel has no pidfd.
Fd open_pidfd(pid_t pid) {
#ifdef SYS_pidfd_open
  return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0U)));
#else
  static_cast<void>(pid);
  return Fd();
#endif
}

// Returns a descriptor for SIGTERM if it is blocked; otherwise none, because the signal then has its usual
// effect.
Fd blocked_term() {
  sigset_t blocked;
  if (pthread_sigmask(SIG_SETMASK, nullptr, &blocked) != 0 || sigismember(&blocked, SIGTERM) != 1)
    return Fd();
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  return Fd(signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK));
}

// Returns the child's present state without waiting.
Ended poll_child(pid_t pid) {
  Ended ended;
  pid_t got = 0;
  do {
    got = waitpid(pid, &ended.status, WNOHANG);
  } while (got < 0 && errno == EINTR);
  ended.known = got == pid;
  ended.late = got == 0;
  return ended;
}

}  // namespace

void close_from(int lowest) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, static_cast<unsigned>(lowest), ~0U, 0U) == 0) return;
#endif
  const long limit = sysconf(_SC_OPEN_MAX);
  for (int fd = lowest; fd < limit; ++fd)
    close(fd);
}

Fd& Fd::operator=(Fd&& other) noexcept {
  const int fd = other.release();
  reset();
  fd_ = fd;
  return *this;
}

int Fd::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Pipe make_pipe() {
  int ends[2] = {-1, -1};
  Pipe result;
  if (pipe2(ends, O_CLOEXEC) != 0) result.error = errno;
  for (int& end : ends) {
    if (end < 0 || end > STDERR_FILENO) continue;
    const int higher = fcntl(end, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (higher < 0) result.error = errno;
    close(end);
    end = higher;
  }
  result.read = Fd(ends[0]);
  result.write = Fd(ends[1]);
  return result;
}

Started start_child(const std::vector<std::string>& command, int first, int second, Deadline deadline) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  Pipe report = make_pipe();
  if (report.error != 0) return {-1, report.error, false};

  // With all signals blocked, no handler of srun's runs in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) become(arguments.data(), {first, second, report.write.get()});
  const int fork_error = pid < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return {-1, fork_error, false};

  report.write.reset();
  const Started started = exec_result(report.read.get(), pid, deadline);
  if (!started.ok()) {
    kill(pid, SIGKILL);
    wait_child(pid, in_seconds(kKilledSeconds));
  }
  return started;
}

bool Ended::ok() const {
  return known && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string Ended::describe() const {
  if (late) return "no exit status, because it cannot be killed";
  if (!known) return "an unknown exit status";
  if (WIFSIGNALED(status))
    return "signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")";
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

Ended wait_child(pid_t pid, Deadline deadline) {
  const Fd end = open_pidfd(pid);
  const Fd term = blocked_term();
  pollfd entries[] = {{end.get(), POLLIN, 0}, {term.get(), POLLIN, 0}};
  for (;;) {
    const Ended ended = poll_child(pid);
    int wait = milliseconds_until(deadline);
    if (!ended.late || wait == 0) return ended;
    // The pidfd of a traced child becomes readable before waitpid() succeeds: from then on only poll_child()
    // counts.
    if (entries[0].revents != 0) entries[0].fd = -1;
    if (entries[0].fd < 0) wait = std::min(wait, kPollMilliseconds);
    if (poll(entries, 2, wait) < 0 && errno != EINTR) return ended;
    signalfd_siginfo info;
    if (entries[1].revents != 0 && read(term.get(), &info, sizeof info) == sizeof info) kill(pid, SIGTERM);
  }
}

Ended stop_child(pid_t pid, unsigned seconds) {
  Ended ended = poll_child(pid);
  if (!ended.late) return ended;
  kill(pid, SIGTERM);
  ended = wait_child(pid, in_seconds(seconds));
  if (!ended.late) return ended;
  kill(pid, SIGKILL);
  return wait_child(pid, in_seconds(kKilledSeconds));
}

Ended wait_or_stop(pid_t pid, unsigned seconds) {
  const Ended ended = wait_child(pid, in_seconds(seconds));
  return ended.late ? stop_child(pid, seconds) : ended;
}

void enable_waiting() {
  struct sigaction action = {};
  if (sigaction(SIGCHLD, nullptr, &action) != 0 || action.sa_handler != SIG_IGN) return;
  action = {};
  action.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &action, nullptr);
}

Line LineReader::next() {
  for (;;) {
    const std::size_t newline = rest_.find('\n');
    if (newline < limit_) {
      Line line = {LineEnd::kLine, rest_.substr(0, newline)};
      rest_.erase(0, newline + 1);
      return line;
    }
    if (rest_.size() >= limit_) return {LineEnd::kTooLong, ""};
    const int ready = poll_until(fd_, deadline_);
    if (ready <= 0) return {ready == 0 ? LineEnd::kTimeout : LineEnd::kError, ""};
    char buffer[256];
    const ssize_t got = read(fd_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {got == 0 ? LineEnd::kClosed : LineEnd::kError, ""};
    rest_.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace sweep::plugin
