#include "benchmarks/bench_controller_process.hpp"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <sstream>

#include "benchmarks/bench_noop_sweep.hpp"
#include "benchmarks/process_usage.hpp"
#include "controller/io/control_file.hpp"
#include "proto/net/event_loop.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"

namespace sweep::bench {

namespace {

constexpr std::size_t kMaxReadyLine = 4096;
constexpr std::size_t kMaxLog = 1 << 20;
constexpr std::size_t kShownOfLog = 2000;
constexpr Millis kStartTimeout{60'000};
constexpr Millis kEndTimeout{600'000};  // a hundred thousand results are collected and plotted
constexpr Millis kSampleInterval{200};
constexpr int kLifelineFd = 3, kReadyFd = 4;

std::string tail(const std::string& path) {
  std::string text = read_file(path, kMaxLog).value_or("");
  if (text.size() > kShownOfLog) text.erase(0, text.size() - kShownOfLog);
  return text;
}

/// Returns the first line that is written to `fd`, without its line end.
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
  const Instant deadline = now() + kStartTimeout;
  while (!over && !interrupted && now() < deadline)
    loop.step(deadline);
  if (interrupted) return fail("interrupted");
  const std::size_t end = line.find('\n');
  if (end == std::string::npos) return fail("the controller printed no ready line");
  return line.substr(0, end);
}

}  // namespace

Expected<ControllerProcess> ControllerProcess::start(const std::string& bin, const std::string& folder,
                                                     SignalFd& signals) {
  SWEEP_ASSIGN(auto lifeline, make_pipe());
  SWEEP_ASSIGN(auto ready, make_pipe());
  const std::string log = folder + "/serve.log";
  const Fd log_fd(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log_fd.open()) return fail("cannot write '" + log + "': " + errno_text(errno));
  SpawnSpec spec;
  spec.argv = {bin + "/sweepctl",
               "serve",
               "--quiet",
               "--lifeline-fd",
               std::to_string(kLifelineFd),
               "--ready-fd",
               std::to_string(kReadyFd),
               "--profile",
               folder + "/profile.yaml",
               "--output",
               folder + "/results",
               "--config",
               folder + "/matrix.yaml"};
  spec.environment = clean_environment(folder);
  spec.out = spec.err = log_fd.get();
  spec.dies_with_parent = false;  // the lifeline does that, as with the plugin
  spec.more = {lifeline.read_end.get(), ready.write_end.get()};
  SWEEP_ASSIGN(auto child, spawn(spec));
  ControllerProcess process(std::move(child), std::move(lifeline.write_end), log);
  ready.write_end.reset();
  const auto line = read_line(ready.read_end.get(), signals);
  if (!line) return fail(line.error().message + ": " + tail(log));
  SWEEP_TRY(process.parse_ready_line(*line));
  const auto control = read_control_file(folder + "/results");
  process.pid_ = control && *control ? static_cast<pid_t>((*control)->pid) : process.child_.pid;
  return process;
}

Expected<void> ControllerProcess::parse_ready_line(const std::string& line) {
  std::istringstream words(line);
  std::string first;
  words >> first >> connect_info_.endpoint >> connect_info_.server_key >> connect_info_.client_secret;
  if (first != "ready" || connect_info_.client_secret.empty())
    return fail("the controller's ready line is invalid: " + tail(log_));
  return {};
}

// Killed, not stopped cleanly: nothing may write to a folder that is about to be removed.
ControllerProcess::~ControllerProcess() {
  if (!child_.pidfd.open()) return;
  ::kill(-child_.pid, SIGKILL);
  ::waitpid(child_.pid, nullptr, 0);
}

Expected<long> ControllerProcess::finish(SignalFd& signals) {
  EventLoop loop;
  std::optional<ExitStatus> end;
  bool interrupted = false;
  loop.watch(child_.pidfd.get(), [&] { end = reap(child_.pid); });
  loop.watch(signals.fd(), [&] { interrupted = !signals.take().empty(); });
  long peak = 0;
  const Instant deadline = now() + kEndTimeout;
  while (!end && !interrupted && now() < deadline) {
    if (const auto usage = usage_of(pid_)) peak = std::max(peak, usage->peak_kib);
    loop.step(now() + kSampleInterval);
  }
  if (interrupted) return fail("interrupted");
  if (!end) {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(kEndTimeout).count();
    return fail("the controller did not end within " + std::to_string(minutes) +
                " minutes after the last Goodbye: " + tail(log_));
  }
  child_.pidfd.reset();
  if (end->code != 0) return fail("the controller failed: " + tail(log_));
  return peak;
}

}  // namespace sweep::bench
