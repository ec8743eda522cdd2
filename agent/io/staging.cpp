#include "agent/io/staging.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kStagingRead = std::size_t{64} << 10;
constexpr int kLowPriority = 15;  // nice value for an image that no attempt waits for yet

/// Returns the failure that the process itself could not report.
StageReported failed(int serial, const std::string& node, const std::string& reason) {
  return {serial, container::Failed{false, "node " + node + ": " + reason}};
}

}  // namespace

Staging::~Staging() {
  while (!processes_.empty())
    stop(processes_.begin()->first);
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
    on_input_(failed(what.serial, what.request.node, child.error().message));
    return std::nullopt;
  }
  if (what.ahead) ::setpriority(PRIO_PROCESS, static_cast<id_t>(child->pid), kLowPriority);
  const pid_t pid = child->pid;
  Process& process = processes_[what.serial];
  process.child = std::move(*child);
  process.node = what.request.node;
  process.out = std::move(pipe->read_end);
  loop_.watch(process.out.get(), [this, serial = what.serial] { read(serial); });
  return pid;
}

void Staging::read(int serial) {
  const auto found = processes_.find(serial);
  if (found == processes_.end()) return;
  Process& process = found->second;
  const Chunk chunk = read_available(process.out.get(), kStagingRead);
  process.text += chunk.bytes;
  const bool endless = process.text.size() > container::kMaxReportLine;
  for (std::size_t end = 0; (end = process.text.find('\n')) != std::string::npos;) {
    const std::string line = process.text.substr(0, end);
    process.text.erase(0, end + 1);
    if (!take(serial, line)) return drop(serial);
  }
  if (!chunk.closed && !endless) return;
  on_input_(failed(serial, process.node, "the process that stages images exited without a report"));
  drop(serial);
}

bool Staging::take(int serial, std::string_view line) {
  auto report = container::report_in(line);
  if (!report) report = container::Report(container::Failed{false, "staging: " + report.error().message});
  const bool continues = std::holds_alternative<container::StageProgress>(*report);
  on_input_(StageReported{serial, std::move(*report)});
  return continues;
}

void Staging::drop(int serial) {
  const auto found = processes_.find(serial);
  if (found == processes_.end()) return;
  loop_.unwatch(found->second.out.get());
  processes_.erase(found);
}

void Staging::stop(int serial) {
  const auto found = processes_.find(serial);
  if (found == processes_.end()) return;
  signal_child(found->second.child, SIGTERM);
  drop(serial);
}

}  // namespace sweep::agent
