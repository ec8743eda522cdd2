// Uses vfork instead of posix_spawn, because posix_spawn cannot set PR_SET_PDEATHSIG. Rules of vfork: between
// vfork and exec the child only makes system calls and only changes its own variables and `failure`;
// everything else that it needs is prepared before.
#include "util/os/process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "util/os/files.hpp"
#include "util/os/program_file.hpp"
#include "util/os/signals.hpp"
#include "util/text.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX asks for it

namespace sweep {

namespace {

struct Prepared {
  std::string path;
  std::vector<char*> argv, shell_argv, environment;
  mutable std::vector<int> moved;  // space for the child to store descriptors
  const SpawnSpec* spec = nullptr;
  int null_fd = -1;
  pid_t parent = 0;
  std::optional<rlimit> core_limit;
};

std::optional<rlimit> core_limit_of_children;  // set by forbid_core_files()

struct Failure {
  int code = 0;
  bool directory = false;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 2);
  for (const std::string& s : strings)
    out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// Searches the program like execvp: returns the first executable file of that name in PATH. If there is none,
// returns the name, or a file that is not executable, so that exec reports the reason.
std::string search_path(const std::string& name, const std::vector<std::string>& environment) {
  if (name.find('/') != std::string::npos) return name;
  std::string search = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& entry : environment) {
    if (entry.starts_with("PATH=")) search = entry.substr(5);
  }
  std::string denied;
  for (const std::string& folder : split(search, ':')) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    struct stat info {};
    if (::stat(candidate.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    if (denied.empty()) denied = candidate;
  }
  return denied.empty() ? name : denied;
}

// Restores the default of each signal, but keeps ignored what the user chose to ignore (nohup, a background
// job of a shell). Runs in the child after vfork.
void default_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 32; ++signal) {
    const bool users_choice = signal == SIGHUP || signal == SIGINT || signal == SIGQUIT;
    if (!users_choice || !is_ignored(signal)) ::sigaction(signal, &standard, nullptr);
  }
}

// Makes the child's descriptors 0, 1, 2, 3, … and closes all others. Returns false, with errno set, if there are
// too few descriptors: otherwise output would go where the parent's goes. Runs in the child after vfork.
bool arrange_descriptors(const Prepared& ready) {
  const SpawnSpec& spec = *ready.spec;
  // Duplicates all descriptors above the target range first, so that dup2 below overwrites none that is still
  // needed.
  const int first_free = 3 + static_cast<int>(spec.more.size());
  const int out = ::fcntl(spec.out, F_DUPFD, first_free);
  const int err = ::fcntl(spec.err, F_DUPFD, first_free);
  if (out < 0 || err < 0) return false;
  for (std::size_t i = 0; i < spec.more.size(); ++i) {
    ready.moved[i] = ::fcntl(spec.more[i], F_DUPFD, first_free);
    if (ready.moved[i] < 0) return false;
  }
  ::dup2(ready.null_fd, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  for (std::size_t i = 0; i < spec.more.size(); ++i)
    ::dup2(ready.moved[i], 3 + static_cast<int>(i));
  ::syscall(SYS_close_range, static_cast<unsigned>(first_free), ~0u, 0u);
  return true;
}

// Runs in the child after vfork. Ends in exec or _exit.
[[noreturn]] void become(const Prepared& ready, volatile Failure& failure) {
  const SpawnSpec& spec = *ready.spec;
  if (spec.own_group) ::setpgid(0, 0);
  if (spec.dies_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, spec.death_signal);
    if (::getppid() != ready.parent) ::_exit(127);  // the parent died before prctl
  }
  default_signals();
  if (!spec.directory.empty() && ::chdir(spec.directory.c_str()) != 0) {
    failure.code = errno;
    failure.directory = true;
    ::_exit(127);
  }
  if (!arrange_descriptors(ready)) {
    failure.code = errno;
    ::_exit(127);
  }
  if (ready.core_limit) ::setrlimit(RLIMIT_CORE, &*ready.core_limit);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(ready.path.c_str(), ready.argv.data(), ready.environment.data());
  failure.code = errno;
  if (failure.code == ENOEXEC) {
    ::execve("/bin/sh", ready.shell_argv.data(), ready.environment.data());
  }
  ::_exit(127);
}

__attribute__((noinline)) pid_t start(const Prepared& ready, volatile Failure& failure) {
  const pid_t pid = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (pid == 0) become(ready, failure);
  return pid;
}

std::string why(const SpawnSpec& spec, const Prepared& ready, int code, bool directory) {
  if (directory) return "cannot run in '" + spec.directory + "': " + errno_text(code);
  const bool in_directory = ready.path[0] != '/' && !spec.directory.empty();
  const std::string file = in_directory ? spec.directory + "/" + ready.path : ready.path;
  std::string reason = code == EACCES || code == ENOENT ? program_problem(file, ready.path) : std::string();
  if (reason.empty()) reason = errno_text(code) + (code == EMFILE ? "; raise the limit (ulimit -n)" : "");
  if (code == ENOENT && reason == errno_text(code) && ::access(file.c_str(), F_OK) == 0) {
    const std::string interpreter = interpreter_of(file);
    reason = "the interpreter on its first line does not exist" +
             (interpreter.empty() ? std::string() : ": '" + printable(interpreter) + "'");
  }
  return "cannot start '" + spec.argv[0] + "': " + reason;
}

}  // namespace

Expected<Child> spawn(const SpawnSpec& spec) {
  if (spec.argv.empty()) return fail("cannot start: no command");
  const Fd null_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null_fd.open()) return fail("cannot open /dev/null: " + errno_text(errno));
  Prepared ready;
  ready.spec = &spec;
  ready.path = search_path(spec.argv[0], spec.environment);
  // execve would look for it in the working directory.
  if (ready.path.find('/') == std::string::npos)
    return fail("cannot start '" + spec.argv[0] + "': not found in PATH");
  ready.argv = pointers(spec.argv);
  ready.environment = pointers(spec.environment);
  std::vector<std::string> shell = spec.argv;
  shell[0] = ready.path;
  shell.insert(shell.begin(), "sh");
  ready.shell_argv = pointers(shell);
  ready.null_fd = null_fd.get();
  ready.moved.resize(spec.more.size());
  ready.parent = ::getpid();
  ready.core_limit = core_limit_of_children;

  volatile Failure failure;
  const pid_t pid = start(ready, failure);
  if (pid < 0) return fail("cannot start '" + spec.argv[0] + "': " + errno_text(errno));
  // The child shared our memory until it called exec or _exit, so `failure` is final now. ENOEXEC is not a
  // failure: then /bin/sh runs the script.
  if (const int code = failure.code; code != 0 && code != ENOEXEC) {
    const bool directory = failure.directory;
    ::waitpid(pid, nullptr, 0);
    return fail(why(spec, ready, code, directory));
  }
  Child child;
  child.pid = pid;
  child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!child.pidfd.open()) {
    const int code = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail("cannot start '" + spec.argv[0] + "': pidfd_open: " + errno_text(code));
  }
  return child;
}

void signal_child(const Child& child, int signal) {
  ::syscall(SYS_pidfd_send_signal, child.pidfd.get(), signal, nullptr, 0);
}

std::optional<ExitStatus> reap(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
  if (WIFSIGNALED(status)) return ExitStatus{std::nullopt, WTERMSIG(status)};
  return ExitStatus{WEXITSTATUS(status), std::nullopt};
}

Expected<Pipe> make_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail("cannot create a pipe: " + errno_text(errno));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Chunk read_available(int fd, std::size_t limit) {
  Chunk chunk;
  chunk.bytes.resize(limit);
  for (;;) {
    const ssize_t got = ::read(fd, chunk.bytes.data(), limit);
    if (got < 0 && errno == EINTR) continue;
    chunk.closed = got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
    chunk.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return chunk;
  }
}

void forbid_core_files() {
  rlimit limit{};
  if (core_limit_of_children || ::getrlimit(RLIMIT_CORE, &limit) != 0) return;
  core_limit_of_children = limit;
  limit.rlim_cur = 0;
  ::setrlimit(RLIMIT_CORE, &limit);
}

std::vector<std::string> own_environment() {
  std::vector<std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    out.emplace_back(*entry);
  return out;
}

}  // namespace sweep
