// The processes of the running attempts: their output, their ends, and signals to them.
//
// Each attempt's first process leads a process group. The agent is the child subreaper, so every orphan among
// its descendants becomes its child, and SIGCHLD tells of the last one's end; nothing is polled. Processes
// that left their group (setsid, mpirun) are found among those orphans: they belong to the group whose mark
// (SWEEP_ATTEMPT) is in their environment, or to the only one that there is.
//
// Rules: a group is signalled only while it has members, or its leader has not been waited for: later its
// number may be somebody else's. This is the only place of the program that waits for children, except for
// spawn().
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "agent/core/actions.hpp"
#include "proto/net/event_loop.hpp"
#include "util/os/process.hpp"

namespace sweep::agent {

class Children {
 public:
  using Tell = std::function<void(Input)>;

  /// Makes this process the subreaper. `loop` must outlive it.
  Children(EventLoop& loop, Tell tell);
  /// Kills what is left.
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  void start(const Spawn& what);
  void signal(const AttemptRef& ref, bool kill);
  /// `helper`, a child of the agent's own, belongs to no attempt: it is neither signalled nor waited for with
  /// one. Until it has ended, which collect() sees.
  void spare(pid_t helper) { spared_.insert(helper); }
  /// To call on SIGCHLD, and when deadline() has come.
  void collect();
  /// When to look again at a process that did not show whose it is.
  std::optional<Instant> deadline() const { return look_again_at_; }

 private:
  struct Group {
    AttemptRef ref;
    pid_t id = 0;  // also the leader's pid
    std::string mark;
    Fd leader, out, err;        // pidfd; reading ends
    Fd note;                    // of a container's supervisor: why it could not be set up
    bool asked_to_end = false;  // the supervisor, which ends what it has
    bool leader_ended = false;
    int last_signal = 0;        // that was sent to all of it
    std::set<pid_t> signalled;  // strays that got it
  };

  void watch_output(pid_t group, int fd, bool is_stderr);
  void read_output(Group& group, bool is_stderr);
  void close_output(Fd& end);
  void wait_for(pid_t pid);
  void leader_ended(Group& group);
  void tell_note(Group& group);
  bool has_processes(Group& group);
  void signal_strays(Group& group);
  std::vector<pid_t> strays_of(const Group& group);
  bool is_of(const Group& group, pid_t stray);
  void let_go(std::map<pid_t, Group>::iterator group);

  EventLoop& loop_;
  Tell tell_;
  std::map<pid_t, Group> groups_;
  std::set<pid_t> spared_;
  std::map<pid_t, Instant> unclear_since_;  // strays that showed no environment when they were looked at
  std::optional<Instant> look_again_at_;
};

}  // namespace sweep::agent
