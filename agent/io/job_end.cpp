#include "agent/io/job_end.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "agent/core/job_end.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kMostBytes = 64 * 1024;

}  // namespace

void JobEndQuestion::ask(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                         Instant deadline, Tell tell) {
  tell_ = std::move(tell);
  deadline_ = deadline;
  if (auto started = start(argv, environment); !started) tell_(JobEndKnown{}, started.error().message);
}

Expected<void> JobEndQuestion::start(const std::vector<std::string>& argv,
                                     const std::vector<std::string>& environment) {
  auto pipe = make_pipe();
  if (!pipe) return tl::unexpected(pipe.error());
  SpawnSpec spec;
  spec.argv = argv;
  spec.environment = environment;
  spec.out = spec.err = pipe->write_end.get();  // an error is worth reading too
  auto child = spawn(spec);
  if (!child) return tl::unexpected(child.error());
  child_ = std::move(*child);
  out_ = std::move(pipe->read_end);
  loop_.watch(out_.get(), [this] { read(); });
  return {};
}

void JobEndQuestion::read() {
  const Chunk chunk = read_available(out_.get(), kMostBytes);
  text_ += chunk.bytes;
  if (!chunk.closed && text_.size() < kMostBytes) return;
  end();
  const auto answer = end_time_in(text_);
  tell_(JobEndKnown{answer.value_or(std::nullopt), sharing_in(text_), slurm_version_in(text_)},
        answer ? std::string() : answer.error().message);
}

void JobEndQuestion::on_time(Instant now) {
  if (!child_ || now < deadline_) return;
  end();
  tell_(JobEndKnown{}, "scontrol did not answer in time");
}

void JobEndQuestion::end() {
  if (!child_) return;
  loop_.unwatch(out_.get());
  out_.reset();
  // By its descriptor: it may have been collected, and its number be another's.
  ::syscall(SYS_pidfd_send_signal, child_->pidfd.get(), SIGKILL, nullptr, 0);
  child_.reset();
}

}  // namespace sweep::agent
