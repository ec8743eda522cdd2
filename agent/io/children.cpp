#include "agent/io/children.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "agent/io/processes.hpp"
#include "util/os/clock.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kReadAtOnce = 64 * 1024;
// What a pipe can hold, with room to spare: more than that is from somebody who still writes.
constexpr int kReadsAtTheEnd = 32;
// A process is in an exec for microseconds, unless it gets no processor. One that shows no environment for
// longer has none.
constexpr Millis kLongestExec{500};
constexpr Millis kLookAgain{5};

}  // namespace

Children::Children(EventLoop& loop, Tell tell) : loop_(loop), tell_(std::move(tell)) {
  // Inherited from a parent that ignores it, it would make ends go unseen.
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
  if (!out || !err) return tell_(NotPrepared{what.ref, (out ? err : out).error().message});
  Pipe note;
  if (what.contained) {
    auto pipe = make_pipe();
    if (!pipe) return tell_(NotPrepared{what.ref, pipe.error().message});
    note = std::move(*pipe);
  }
  SpawnSpec spec;
  if (what.contained) {
    // It outlives the agent for long enough to end what it has.
    spec.death_signal = SIGQUIT;
    spec.more = {note.write_end.get()};
  }
  spec.argv = what.argv;
  spec.environment = what.environment;
  spec.directory = what.directory;
  spec.out = out->write_end.get();
  spec.err = err->write_end.get();
  auto child = spawn(spec);
  if (!child) return tell_(StartFailed{what.ref, child.error().message});
  const pid_t id = child->pid;
  Group& group = groups_[id];
  group.ref = what.ref;
  group.id = id;
  group.mark = what.mark;
  group.leader = std::move(child->pidfd);
  group.note = std::move(note.read_end);
  group.out = std::move(out->read_end);
  group.err = std::move(err->read_end);
  watch_output(id, group.out.get(), false);
  watch_output(id, group.err.get(), true);
  loop_.watch(group.leader.get(), [this] { collect(); });
  tell_(ProcessStarted{what.ref, id});
}

// ---- output

void Children::watch_output(pid_t group, int fd, bool is_stderr) {
  loop_.watch(fd, [this, group, is_stderr] {
    const auto found = groups_.find(group);
    if (found != groups_.end()) read_output(found->second, is_stderr);
  });
}

void Children::read_output(Group& group, bool is_stderr) {
  Fd& end = is_stderr ? group.err : group.out;
  Chunk chunk = read_available(end.get(), kReadAtOnce);
  if (!chunk.bytes.empty()) tell_(Output{group.ref, is_stderr, std::move(chunk.bytes)});
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
    // Looked at before it is taken: a leader's end is told, an orphan's is not.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
    wait_for(info.si_pid);
  }
  look_again_at_.reset();
  for (auto group = groups_.begin(); group != groups_.end();) {
    const auto current = group++;
    if (current->second.leader_ended && !has_processes(current->second)) let_go(current);
  }
  if (groups_.empty()) unclear_since_.clear();
}

void Children::wait_for(pid_t pid) {
  const auto found = groups_.find(pid);
  if (found != groups_.end() && !found->second.leader_ended) return leader_ended(found->second);
  unclear_since_.erase(pid);
  spared_.erase(pid);
  reap(pid);
}

void Children::leader_ended(Group& group) {
  const auto status = reap(group.id);
  loop_.unwatch(group.leader.get());
  group.leader.reset();
  group.leader_ended = true;
  tell_note(group);
  tell_(LeaderExited{group.ref, status ? Ended{status->code, status->signal} : Ended{}});
}

void Children::tell_note(Group& group) {
  if (!group.note.open()) return;
  const std::string text = read_available(group.note.get(), kReadAtOnce).bytes;
  group.note.reset();
  const auto report = container::report_in(text.substr(0, text.find('\n')));
  const auto* failed = report ? std::get_if<container::Failed>(&*report) : nullptr;
  if (failed != nullptr) tell_(SetupFailed{group.ref, *failed});
}

bool Children::has_processes(Group& group) {
  if (group.last_signal != 0) signal_strays(group);  // those that have become orphans since
  return ::kill(-group.id, 0) == 0 || errno != ESRCH || !strays_of(group).empty() || look_again_at_;
}

void Children::let_go(std::map<pid_t, Group>::iterator at) {
  Group& group = at->second;
  for (const bool is_stderr : {false, true}) {
    Fd& end = is_stderr ? group.err : group.out;
    for (int i = 0; i < kReadsAtTheEnd && end.open(); ++i) {
      Chunk chunk = read_available(end.get(), kReadAtOnce);
      if (chunk.bytes.empty()) break;
      tell_(Output{group.ref, is_stderr, std::move(chunk.bytes)});
    }
    close_output(end);
  }
  tell_(GroupGone{group.ref});
  groups_.erase(at);
}

// ---- signals

void Children::signal(const AttemptRef& ref, bool kill) {
  for (auto& [id, group] : groups_) {
    if (group.ref != ref) continue;
    // A supervisor that is killed cannot end what is not its child: it is asked first.
    if (kill && group.note.open() && !std::exchange(group.asked_to_end, true)) {
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
    // All of its group where it leads one; never the agent's own group.
    ::kill(its_group == stray ? -stray : stray, group.last_signal);
  }
}

std::vector<pid_t> Children::strays_of(const Group& group) {
  std::vector<pid_t> strays;
  for (const pid_t child : own_children()) {
    if (spared_.contains(child)) continue;
    const auto leader = groups_.find(child);
    if (leader != groups_.end() && !leader->second.leader_ended) continue;
    if (groups_.contains(::getpgid(child))) continue;
    if (groups_.size() == 1 || is_of(group, child)) strays.push_back(child);
  }
  return strays;
}

bool Children::is_of(const Group& group, pid_t stray) {
  const auto answer = was_started_with(stray, group.mark);
  if (answer) {
    unclear_since_.erase(stray);
    return *answer;
  }
  const Instant since = unclear_since_.try_emplace(stray, now()).first->second;
  if (now() < since + kLongestExec) look_again_at_ = now() + kLookAgain;
  return false;
}

}  // namespace sweep::agent
