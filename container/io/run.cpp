#include "container/io/run.hpp"

#include <poll.h>

#include <csignal>

#include "proto/base/text.hpp"
#include "proto/net/clock.hpp"

namespace sweep::container {

namespace {

constexpr std::size_t kKept = 64 * 1024;
constexpr std::size_t kLastWords = 400;
constexpr Millis kForOutput{200};  // of a child that it leaves behind

int wait_ms(std::optional<Instant> until) {
  if (!until) return -1;
  return static_cast<int>(std::clamp<std::int64_t>((*until - now()).count(), 0, 60'000));
}

void keep(std::string& to, const std::string& bytes) {
  to += bytes;
  if (to.size() > kKept) to.erase(0, to.size() - kKept);
}

}  // namespace

Expected<Ran> run_program(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                          Millis limit, const std::function<void()>& every, Millis beat) {
  auto pipe = make_pipe();
  if (!pipe) return tl::unexpected(pipe.error());
  SpawnSpec spec;
  spec.argv = argv;
  spec.environment = environment;
  spec.out = spec.err = pipe->write_end.get();
  auto child = spawn(spec);
  if (!child) return tl::unexpected(child.error());
  pipe->write_end.reset();
  Ran ran;
  std::optional<Instant> until;
  if (limit.count() > 0) until = now() + limit;
  bool reads = true, lives = true;
  while (lives) {
    pollfd fds[2] = {{child->pidfd.get(), POLLIN, 0}, {reads ? pipe->read_end.get() : -1, POLLIN, 0}};
    std::optional<Instant> next = until;
    if (every) next = earlier(next, now() + beat);
    ::poll(fds, 2, wait_ms(next));
    if (fds[1].revents != 0) {
      const Chunk chunk = read_available(pipe->read_end.get(), kKept);
      keep(ran.out, chunk.bytes);
      reads = !chunk.closed;
    }
    lives = fds[0].revents == 0;
    if (lives && every) every();
    if (lives && until && now() >= *until) {
      ran.late = true;
      ::kill(-child->pid, SIGKILL);
      until.reset();
    }
  }
  ran.status = reap(child->pid).value_or(ExitStatus{});
  ::kill(-child->pid, SIGKILL);
  for (pollfd rest{pipe->read_end.get(), POLLIN, 0};
       reads && ::poll(&rest, 1, static_cast<int>(kForOutput.count())) > 0;) {
    const Chunk chunk = read_available(pipe->read_end.get(), kKept);
    keep(ran.out, chunk.bytes);
    reads = !chunk.closed;
  }
  return ran;
}

std::string how_it_ended(const Ran& ran) {
  std::string last;
  for (const std::string& line : split(ran.out, '\n')) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  }
  // What a progress bar has drawn over.
  if (const auto at = last.find_last_of('\r'); at != std::string::npos && at + 1 < last.size())
    last.erase(0, at + 1);
  std::string how = ran.late ? "it took too long" : "";
  if (how.empty() && ran.status.signal) how = "signal " + std::to_string(*ran.status.signal);
  if (how.empty()) how = "exit status " + std::to_string(ran.status.code.value_or(-1));
  return how + (last.empty() ? "" : ": " + clipped(printable(last), kLastWords));
}

}  // namespace sweep::container
