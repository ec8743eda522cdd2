#include "benchmarks/bench_controller_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/io/control_file.hpp"
#include "proto/net/event_loop.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::bench {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxReadyLine = 4096;
constexpr std::size_t kMaxLog = 1 << 20;
constexpr std::size_t kShownOfLog = 2000;
constexpr Millis kReadyPatience{60'000};
constexpr Millis kEndPatience{600'000};  // a hundred thousand results are collected and drawn
constexpr Millis kLook{200};             // at the memory of a controller that winds up
constexpr int kLifelineFd = 3, kReadyFd = 4;

std::string proc(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

/// "VmRSS:      1234 kB" of a file of such lines; -1 where there is no such line.
long kib_of(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
  }
  return -1;
}

std::string tail(const std::string& path) {
  std::string text = read_file(path, kMaxLog).value_or("");
  if (text.size() > kShownOfLog) text.erase(0, text.size() - kShownOfLog);
  return text;
}

}  // namespace

// --- any process

std::optional<Usage> usage_of(pid_t pid) {
  Usage usage;
  std::ifstream stat(proc(pid, "stat"));
  std::string line;
  if (!std::getline(stat, line)) return std::nullopt;
  // The name, in brackets, may have blanks: fields are counted from behind it, where the third is.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  usage.cpu_seconds = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.rss_kib = kib_of(proc(pid, "status"), "VmRSS");
  usage.peak_kib = kib_of(proc(pid, "status"), "VmHWM");
  usage.pss_kib = kib_of(proc(pid, "smaps_rollup"), "Pss");
  if (usage.rss_kib < 0) return std::nullopt;  // ended, not yet waited for
  std::error_code code;
  for (fs::directory_iterator at(proc(pid, "fd"), code), end; !code && at != end; at.increment(code))
    ++usage.descriptors;
  return usage;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> found;
  std::error_code code;
  for (fs::directory_iterator at(proc(pid, "task"), code), end; !code && at != end; at.increment(code)) {
    std::ifstream children(at->path() / "children");
    for (pid_t child = 0; children >> child;) {
      found.push_back(child);
      const auto below = descendants_of(child);
      found.insert(found.end(), below.begin(), below.end());
    }
  }
  return found;
}

std::string program_of(pid_t pid) {
  std::ifstream comm(proc(pid, "comm"));
  std::string name;
  std::getline(comm, name);
  return name;
}

Expected<void> allow_descriptors(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return {};
  rlimit raised{std::max<rlim_t>(limit.rlim_max, wanted), std::max<rlim_t>(limit.rlim_max, wanted)};
  raised.rlim_cur = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return {};
  return fail(std::to_string(wanted) + " open files are needed, and RLIMIT_NOFILE allows " +
              std::to_string(limit.rlim_max) + ": raise the hard limit (ulimit -Hn), or use fewer --agents");
}

std::vector<std::string> plain_environment(const std::string& home) {
  std::vector<std::string> environment;
  for (std::string& entry : own_environment()) {
    if (entry.starts_with("SLURM_") || entry.starts_with("SWEEP_") || entry.starts_with("HOME=")) continue;
    environment.push_back(std::move(entry));
  }
  environment.push_back("HOME=" + home);
  return environment;
}

Expected<void> write_plain_matrix(const std::string& path, int points) {
  std::string matrix =
      "bench-fp4-b200-noop:\n  image: none\n  model: noop\n  framework: sglang\n  search-space:\n";
  for (int i = 1; i <= points; ++i) {
    const std::string conc = std::to_string(i);
    matrix += "    - { tp: 1, conc-start: " + conc + ", conc-end: " + conc + " }\n";
  }
  return write_file_atomic(path, matrix);
}

// --- the controller

namespace {

/// Starts `argv` with `lifeline` and `ready` as descriptors 3 and 4 and its output in `log`.
Expected<Child> start_with_pipes(const std::vector<std::string>& argv,
                                 const std::vector<std::string>& environment, int lifeline, int ready,
                                 const std::string& log) {
  const auto pointers = [](const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const std::string& text : texts)
      out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
  };
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_init(&actions);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  ::posix_spawn_file_actions_adddup2(&actions, lifeline, kLifelineFd);
  ::posix_spawn_file_actions_adddup2(&actions, ready, kReadyFd);
  Child child;
  const int code = ::posix_spawn(&child.pid, argv[0].c_str(), &actions, &attributes, pointers(argv).data(),
                                 pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (code != 0) return fail("cannot start '" + argv[0] + "': " + errno_text(code));
  child.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  return child;
}

/// Above the numbers that the child's ends are moved to, so that no move closes another one.
Expected<Fd> moved_up(const Fd& fd) {
  Fd out(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kReadyFd + 1));
  if (!out.open()) return fail("cannot copy a pipe: " + errno_text(errno));
  return out;
}

/// The one line that comes out of `fd`, without its end.
Expected<std::string> read_line(int fd, SignalFd& signals) {
  EventLoop loop;
  std::string line;
  bool over = false, interrupted = false;
  loop.watch(fd, [&] {
    const Chunk chunk = read_available(fd, kMaxReadyLine);
    line += chunk.bytes;
    over = chunk.closed || line.find('\n') != std::string::npos;
  });
  loop.watch(signals.fd(), [&] { interrupted = !signals.take().empty(); });
  const Instant deadline = now() + kReadyPatience;
  while (!over && !interrupted && now() < deadline)
    loop.step(deadline);
  if (interrupted) return fail("interrupted");
  const std::size_t end = line.find('\n');
  if (end == std::string::npos) return fail("the controller said no ready line");
  return line.substr(0, end);
}

}  // namespace

Expected<Serve> Serve::start(const std::string& bin, const std::string& folder, SignalFd& signals) {
  auto lifeline = make_pipe();
  auto ready = make_pipe();
  if (!lifeline || !ready) return fail("cannot make a pipe: " + errno_text(errno));
  const auto childs_lifeline = moved_up(lifeline->read_end);
  const auto childs_ready = moved_up(ready->write_end);
  if (!childs_lifeline) return tl::unexpected(childs_lifeline.error());
  if (!childs_ready) return tl::unexpected(childs_ready.error());
  const std::string log = folder + "/serve.log";
  auto child =
      start_with_pipes({bin + "/sweepctl", "serve", "--quiet", "--lifeline-fd", std::to_string(kLifelineFd),
                        "--ready-fd", std::to_string(kReadyFd), "--profile", folder + "/profile.yaml",
                        "--output", folder + "/results", "--config", folder + "/matrix.yaml"},
                       plain_environment(folder), childs_lifeline->get(), childs_ready->get(), log);
  if (!child) return tl::unexpected(child.error());
  Serve serve(std::move(*child), std::move(lifeline->write_end), log);
  ready->write_end.reset();
  auto line = read_line(ready->read_end.get(), signals);
  if (!line) return fail(line.error().message + ": " + tail(log));
  std::istringstream words(*line);
  std::string first;
  words >> first >> serve.ready_.endpoint >> serve.ready_.server_key >> serve.ready_.client_secret;
  if (first != "ready" || serve.ready_.client_secret.empty())
    return fail("the controller's ready line is none: " + tail(log));
  const auto control = read_control_file(folder + "/results");
  serve.controller_ = control && *control ? static_cast<pid_t>((*control)->pid) : serve.child_.pid;
  return serve;
}

// Not in order: nothing may write below a folder that is about to go.
Serve::~Serve() {
  if (!child_.pidfd.open()) return;
  ::kill(-child_.pid, SIGKILL);
  ::waitpid(child_.pid, nullptr, 0);
}

Expected<long> Serve::finish(SignalFd& signals) {
  EventLoop loop;
  std::optional<ExitStatus> end;
  bool interrupted = false;
  loop.watch(child_.pidfd.get(), [&] { end = reap(child_.pid); });
  loop.watch(signals.fd(), [&] { interrupted = !signals.take().empty(); });
  long peak = 0;
  const Instant deadline = now() + kEndPatience;
  while (!end && !interrupted && now() < deadline) {
    if (const auto usage = usage_of(controller_)) peak = std::max(peak, usage->peak_kib);
    loop.step(now() + kLook);
  }
  if (interrupted) return fail("interrupted");
  if (!end) {
    const std::string minutes =
        std::to_string(std::chrono::duration_cast<std::chrono::minutes>(kEndPatience).count());
    return fail("the controller did not end within " + minutes +
                " minutes of the last Goodbye: " + tail(log_));
  }
  child_.pidfd.reset();
  if (end->code != 0) return fail("the controller ended badly: " + tail(log_));
  return peak;
}

}  // namespace sweep::bench
