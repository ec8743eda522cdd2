#include "agent/io/staging.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kReadAtOnce = 64 * 1024;
constexpr int kIdlePace = 15;  // nice value of what nobody waits for yet

/// What the process itself could not say, in its words.
StageTold failed(int serial, const std::string& node, const std::string& reason) {
  return {serial, container::Failed{false, "node " + node + ": " + reason}};
}

}  // namespace

Staging::~Staging() {
  while (!all_.empty())
    stop(all_.begin()->first);
}

std::optional<pid_t> Staging::start(const std::string& program, const Stage& what) {
  auto pipe = make_pipe();
  Expected<Child> child = pipe ? Expected<Child>(Child{}) : tl::unexpected(pipe.error());
  if (pipe) {
    SpawnSpec spec;
    spec.argv = {program, "--stage", container::to_text(what.request)};
    spec.environment = own_environment();
    spec.out = pipe->write_end.get();
    spec.death_signal = SIGTERM;
    child = spawn(spec);
  }
  if (!child) {
    tell_(failed(what.serial, what.request.node, child.error().message));
    return std::nullopt;
  }
  if (what.ahead) ::setpriority(PRIO_PROCESS, static_cast<id_t>(child->pid), kIdlePace);
  const pid_t pid = child->pid;
  One& one = all_[what.serial];
  one.child = std::move(*child);
  one.node = what.request.node;
  one.out = std::move(pipe->read_end);
  loop_.watch(one.out.get(), [this, serial = what.serial] { read(serial); });
  return pid;
}

void Staging::read(int serial) {
  const auto found = all_.find(serial);
  if (found == all_.end()) return;
  One& one = found->second;
  const Chunk chunk = read_available(one.out.get(), kReadAtOnce);
  one.text += chunk.bytes;
  const bool endless = one.text.size() > container::kMaxReportLine;
  for (std::size_t end = 0; (end = one.text.find('\n')) != std::string::npos;) {
    const std::string line = one.text.substr(0, end);
    one.text.erase(0, end + 1);
    if (!take(serial, line)) return drop(serial);
  }
  if (!chunk.closed && !endless) return;
  tell_(failed(serial, one.node, "the process that stages images ended without a word"));
  drop(serial);
}

bool Staging::take(int serial, std::string_view line) {
  auto report = container::report_in(line);
  if (!report) report = container::Report(container::Failed{false, "staging: " + report.error().message});
  const bool goes_on = std::holds_alternative<container::StageProgress>(*report);
  tell_(StageTold{serial, std::move(*report)});
  return goes_on;
}

void Staging::drop(int serial) {
  const auto found = all_.find(serial);
  if (found == all_.end()) return;
  loop_.unwatch(found->second.out.get());
  all_.erase(found);
}

void Staging::stop(int serial) {
  const auto found = all_.find(serial);
  if (found == all_.end()) return;
  signal_child(found->second.child, SIGTERM);
  drop(serial);
}

}  // namespace sweep::agent
