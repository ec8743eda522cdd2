#include "util/os/run_program.hpp"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <csignal>

#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kChunk = 64 * 1024;  // bytes read at once
constexpr std::size_t kLastLine = 400;     // bytes of the last line in a message
// For output after the program has ended. A process that it has left behind may keep the pipe open, and may write
// without end.
constexpr Millis kQuiet{200}, kLongestRest{1'000};

int wait_ms(std::optional<Instant> until) {
  if (!until) return -1;
  return static_cast<int>(std::clamp<std::int64_t>((*until - now()).count(), 0, 60'000));
}

void keep(std::string& to, const std::string& bytes, std::size_t most) {
  to += bytes;
  if (to.size() > most) to.erase(0, to.size() - most);
}

}  // namespace

Expected<ProgramResult> run_program(const std::vector<std::string>& argv, const RunOptions& options) {
  SWEEP_ASSIGN(auto pipe, make_pipe());
  const Fd null_fd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!null_fd.open()) return fail("cannot open /dev/null: " + errno_text(errno));
  SpawnSpec spec;
  spec.argv = argv;
  spec.environment = options.environment;
  spec.directory = options.directory;
  spec.out = pipe.write_end.get();
  spec.err = options.with_errors ? spec.out : null_fd.get();
  SWEEP_ASSIGN(auto child, spawn(spec));
  pipe.write_end.reset();
  ProgramResult result;
  std::optional<Instant> until;
  if (options.limit.count() > 0) until = now() + options.limit;
  bool reads = true, lives = true;
  while (lives) {
    pollfd fds[2] = {{child.pidfd.get(), POLLIN, 0}, {reads ? pipe.read_end.get() : -1, POLLIN, 0}};
    std::optional<Instant> next = until;
    if (options.every) next = earlier(next, now() + options.interval);
    ::poll(fds, 2, wait_ms(next));
    if (fds[1].revents != 0) {
      const Chunk chunk = read_available(pipe.read_end.get(), kChunk);
      keep(result.out, chunk.bytes, options.kept);
      reads = !chunk.closed;
    }
    lives = fds[0].revents == 0;
    if (lives && options.every) options.every();
    if (lives && until && now() >= *until) {
      result.late = true;
      ::kill(-child.pid, SIGKILL);
      until.reset();
    }
  }
  result.status = reap(child.pid).value_or(ExitStatus{});
  ::kill(-child.pid, SIGKILL);
  const Instant rest_until = now() + kLongestRest;
  for (pollfd rest{pipe.read_end.get(), POLLIN, 0};
       reads && now() < rest_until && ::poll(&rest, 1, static_cast<int>(kQuiet.count())) > 0;) {
    const Chunk chunk = read_available(pipe.read_end.get(), kChunk);
    keep(result.out, chunk.bytes, options.kept);
    reads = !chunk.closed;
  }
  return result;
}

std::string last_line(const std::string& output, std::size_t max_bytes) {
  std::string last;
  for (const std::string& line : split(output, '\n')) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  }
  // A progress bar redraws its line after each carriage return; only the last drawing counts.
  if (const auto at = last.find_last_of('\r'); at != std::string::npos && at + 1 < last.size())
    last.erase(0, at + 1);
  return clipped(printable(last), max_bytes);
}

std::string how_it_ended(const ProgramResult& result) {
  const std::string last = last_line(result.out, kLastLine);
  std::string how = result.late ? "it took too long" : "";
  if (how.empty() && result.status.signal) how = "signal " + std::to_string(*result.status.signal);
  if (how.empty()) how = "exit status " + std::to_string(result.status.code.value_or(-1));
  return how + (last.empty() ? "" : ": " + last);
}

}  // namespace sweep
