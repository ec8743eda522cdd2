#include "agent/io/slurm_query.hpp"

#include <unistd.h>

#include <csignal>

namespace sweep::agent {

namespace {

constexpr std::size_t kMostBytes = std::size_t{64} << 10;

}  // namespace

void SlurmQuery::ask(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                     Instant deadline, OnAnswer on_answer) {
  end();
  text_.clear();
  on_answer_ = std::move(on_answer);
  deadline_ = deadline;
  if (auto started = start(argv, environment); !started) on_answer_({}, started.error().message);
}

Expected<void> SlurmQuery::start(const std::vector<std::string>& argv,
                                 const std::vector<std::string>& environment) {
  SWEEP_ASSIGN(auto pipe, make_pipe());
  SpawnSpec spec;
  spec.argv = argv;
  spec.environment = environment;
  spec.out = spec.err = pipe.write_end.get();  // error messages are read too
  SWEEP_ASSIGN(auto child, spawn(spec));
  child_ = std::move(child);
  out_ = std::move(pipe.read_end);
  loop_.watch(out_.get(), [this] { read(); });
  return {};
}

void SlurmQuery::read() {
  const Chunk chunk = read_available(out_.get(), kMostBytes);
  text_ += chunk.bytes;
  if (!chunk.closed && text_.size() < kMostBytes) return;
  end();
  on_answer_(std::move(text_), {});
}

void SlurmQuery::on_deadline(Instant now) {
  if (!child_ || now < deadline_) return;
  end();
  on_answer_({}, "scontrol did not answer in time");
}

void SlurmQuery::end() {
  if (!child_) return;
  loop_.unwatch(out_.get());
  out_.reset();
  signal_child(*child_, SIGKILL);
  child_.reset();
}

}  // namespace sweep::agent
