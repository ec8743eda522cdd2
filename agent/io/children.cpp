#include "agent/io/children.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "util/os/clock.hpp"
#include "util/os/proc.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kOutputRead = std::size_t{64} << 10;
// A pipe holds less than this many reads. If there is more to read, some process is still writing.
constexpr int kMostFinalReads = 32;
// An exec takes microseconds, unless the process gets no processor. A process that shows no environment for
// longer than this has none.
constexpr Millis kLongestExec{500};
constexpr Millis kCheckAgain{5};

}  // namespace

Children::Children(EventLoop& loop, OnInput on_input) : loop_(loop), on_input_(std::move(on_input)) {
  // If SIGCHLD is ignored, which a parent may pass on, children disappear without their status.
  std::signal(SIGCHLD, SIG_DFL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

Children::~Children() {
  for (auto& [id, group] : groups_) {
    signal(group.ref, true);
    close_output(group.out);
    close_output(group.err);
    if (group.leader.open()) loop_.unwatch(group.leader.get());
  }
}

void Children::start(const Spawn& what) {
  auto out = make_pipe();
  auto err = make_pipe();
  if (!out || !err) return on_input_(NotPrepared{what.ref, (out ? err : out).error().message});
  Pipe setup_report;
  if (what.contained) {
    auto pipe = make_pipe();
    if (!pipe) return on_input_(NotPrepared{what.ref, pipe.error().message});
    setup_report = std::move(*pipe);
  }
  SpawnSpec spec;
  if (what.contained) {
    // The supervisor outlives the agent for long enough to end its container's processes.
    spec.death_signal = SIGQUIT;
    spec.more = {setup_report.write_end.get()};
  }
  spec.argv = what.argv;
  spec.environment = what.environment;
  spec.directory = what.directory;
  spec.out = out->write_end.get();
  spec.err = err->write_end.get();
  auto child = spawn(spec);
  if (!child) return on_input_(StartFailed{what.ref, child.error().message});
  const pid_t id = child->pid;
  Group& group = groups_[id];
  group.ref = what.ref;
  group.id = id;
  group.mark = what.mark;
  group.leader = std::move(child->pidfd);
  group.setup_report = std::move(setup_report.read_end);
  group.out = std::move(out->read_end);
  group.err = std::move(err->read_end);
  watch_output(id, group.out.get(), false);
  watch_output(id, group.err.get(), true);
  loop_.watch(group.leader.get(), [this] { collect(); });
  on_input_(ProcessStarted{what.ref, id});
}

// ---- output

void Children::watch_output(pid_t group, int fd, bool is_stderr) {
  if (output_paused_) return;
  loop_.watch(fd, [this, group, is_stderr] {
    const auto found = groups_.find(group);
    if (found != groups_.end()) read_output(found->second, is_stderr);
  });
}

void Children::pause_output(bool pause) {
  output_paused_ = pause;
  for (auto& [id, group] : groups_) {
    for (const bool is_stderr : {false, true}) {
      const Fd& end = is_stderr ? group.err : group.out;
      if (!end.open()) continue;
      pause ? loop_.unwatch(end.get()) : watch_output(id, end.get(), is_stderr);
    }
  }
}

void Children::read_output(Group& group, bool is_stderr) {
  Fd& end = is_stderr ? group.err : group.out;
  Chunk chunk = read_available(end.get(), kOutputRead);
  if (!chunk.bytes.empty()) on_input_(Output{group.ref, is_stderr, std::move(chunk.bytes)});
  if (chunk.closed) close_output(end);
}

void Children::close_output(Fd& end) {
  if (!end.open()) return;
  loop_.unwatch(end.get());
  end.reset();
}

// ---- ends

void Children::collect() {
  for (;;) {
    siginfo_t info{};
    // WNOWAIT: the status of a leader is reported, that of an orphan is dropped.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
    wait_for(info.si_pid);
  }
  check_again_at_.reset();
  for (auto group = groups_.begin(); group != groups_.end();) {
    const auto current = group++;
    if (current->second.leader_ended && !has_processes(current->second)) remove(current);
  }
  if (groups_.empty()) unreadable_since_.clear();
}

void Children::wait_for(pid_t pid) {
  const auto found = groups_.find(pid);
  if (found != groups_.end() && !found->second.leader_ended) return leader_ended(found->second);
  unreadable_since_.erase(pid);
  helpers_.erase(pid);
  reap(pid);
}

void Children::leader_ended(Group& group) {
  const auto status = reap(group.id);
  loop_.unwatch(group.leader.get());
  group.leader.reset();
  group.leader_ended = true;
  report_setup_failure(group);
  on_input_(LeaderExited{group.ref, status ? Ended{status->code, status->signal} : Ended{}});
}

void Children::report_setup_failure(Group& group) {
  if (!group.setup_report.open()) return;
  const std::string text = read_available(group.setup_report.get(), kOutputRead).bytes;
  group.setup_report.reset();
  const auto report = container::report_in(text.substr(0, text.find('\n')));
  const auto* failed = report ? std::get_if<container::Failed>(&*report) : nullptr;
  if (failed != nullptr) on_input_(SetupFailed{group.ref, *failed});
}

bool Children::has_processes(Group& group) {
  if (group.last_signal != 0) signal_strays(group);  // processes may have become orphans since
  return ::kill(-group.id, 0) == 0 || errno != ESRCH || !strays_of(group).empty() || check_again_at_;
}

void Children::remove(std::map<pid_t, Group>::iterator at) {
  Group& group = at->second;
  for (const bool is_stderr : {false, true}) {
    Fd& end = is_stderr ? group.err : group.out;
    for (int i = 0; i < kMostFinalReads && end.open(); ++i) {
      Chunk chunk = read_available(end.get(), kOutputRead);
      if (chunk.bytes.empty()) break;
      on_input_(Output{group.ref, is_stderr, std::move(chunk.bytes)});
    }
    close_output(end);
  }
  on_input_(GroupGone{group.ref});
  groups_.erase(at);
}

// ---- signals

void Children::signal(const AttemptRef& ref, bool kill) {
  for (auto& [id, group] : groups_) {
    if (group.ref != ref) continue;
    // A supervisor that is killed cannot end processes that are not its children, so it is asked to end them
    // first.
    if (kill && group.setup_report.open() && !std::exchange(group.asked_to_end, true)) {
      ::kill(id, SIGQUIT);
      continue;
    }
    group.last_signal = kill ? SIGKILL : SIGTERM;
    group.signalled.clear();
    ::kill(-id, group.last_signal);
    signal_strays(group);
  }
}

void Children::signal_strays(Group& group) {
  for (const pid_t stray : strays_of(group)) {
    if (!group.signalled.insert(stray).second) continue;
    const pid_t its_group = ::getpgid(stray);
    // If the stray leads a process group, the whole group is signalled; the agent's own group never is.
    ::kill(its_group == stray ? -stray : stray, group.last_signal);
  }
}

std::vector<pid_t> Children::strays_of(const Group& group) {
  std::vector<pid_t> strays;
  for (const pid_t child : children_of_main_thread()) {
    if (helpers_.contains(child)) continue;
    const auto leader = groups_.find(child);
    if (leader != groups_.end() && !leader->second.leader_ended) continue;
    if (groups_.contains(::getpgid(child))) continue;
    if (groups_.size() == 1 || belongs_to(group, child)) strays.push_back(child);
  }
  return strays;
}

bool Children::belongs_to(const Group& group, pid_t stray) {
  const auto answer = was_started_with(stray, group.mark);
  if (answer) {
    unreadable_since_.erase(stray);
    return *answer;
  }
  const Instant since = unreadable_since_.try_emplace(stray, now()).first->second;
  if (now() < since + kLongestExec) check_again_at_ = now() + kCheckAgain;
  return false;
}

}  // namespace sweep::agent
