#include "benchmarks/bench_process.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>

#include "benchmarks/monotonic_clock.hpp"
#include "benchmarks/statistics.hpp"
#include "proto/net/event_loop.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::bench {

namespace {

constexpr std::size_t kMaxErrorOutput = 64 << 20;  // of one program, over all its runs
constexpr std::size_t kShownErrorOutput = 2000;

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

ExitStatus exit_status(int status) {
  if (WIFSIGNALED(status)) return {std::nullopt, WTERMSIG(status)};
  return {WEXITSTATUS(status), std::nullopt};
}

Expected<Fd> open_for_output(const std::string& path, int flags) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644));
  if (!fd.open()) return fail("cannot write '" + path + "': " + errno_text(errno));
  return fd;
}

tl::unexpected<Error> describe_failure(const Program& program, const ExitStatus& end) {
  std::string errors = read_file(program.err, kMaxErrorOutput).value_or("");
  if (errors.size() > kShownErrorOutput) errors.erase(0, errors.size() - kShownErrorOutput);
  const std::string how = end.signal ? "was killed by signal " + std::to_string(*end.signal)
                                     : "exited with status " + std::to_string(end.code.value_or(-1));
  return fail("'" + join(program.argv, " ").substr(0, 200) + "' " + how + ": " + errors);
}

}  // namespace

Expected<Run> run_whole(const SpawnSpec& spec, SignalFd& signals) {
  EventLoop loop;
  bool ended = false, interrupted = false;
  int status = 0;
  rusage used{};
  const double begin = monotonic_seconds();
  SWEEP_ASSIGN(const auto child, spawn(spec));
  double end = begin;
  loop.watch(child.pidfd.get(), [&] {
    ended = ::wait4(child.pid, &status, WNOHANG, &used) == child.pid;
    end = monotonic_seconds();
  });
  loop.watch(signals.fd(), [&] {
    for ([[maybe_unused]] const int signal : signals.take()) {
      interrupted = true;
      ::kill(child.pid, SIGTERM);
    }
  });
  while (!ended)
    loop.step(std::nullopt);
  if (interrupted) return fail("interrupted");
  return Run{.seconds = end - begin,
             .cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime),
             .peak_mb = static_cast<double>(used.ru_maxrss) * 1024 / 1e6,
             .end = exit_status(status)};
}

Expected<Run> run_program(const Program& program, SignalFd& signals) {
  SWEEP_ASSIGN(const auto out, open_for_output(program.out, O_TRUNC));
  SWEEP_ASSIGN(const auto err, open_for_output(program.err, O_APPEND));
  SpawnSpec spec;
  spec.argv = program.argv;
  spec.environment = own_environment();
  spec.directory = program.directory;
  spec.out = out.get();
  spec.err = err.get();
  auto run = run_whole(spec, signals);
  if (run && run->end.code != 0) return describe_failure(program, run->end);
  return run;
}

void Runs::add(const Run& run) {
  seconds.push_back(run.seconds);
  peak_mb = std::max(peak_mb, run.peak_mb);
}

double Runs::p50() const {
  return percentile_of(seconds, 50);
}

double Runs::p90() const {
  return percentile_of(seconds, 90);
}

}  // namespace sweep::bench
