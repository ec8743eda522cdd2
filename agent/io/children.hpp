// The processes of the running attempts and servers: their output, their ends, and signals to them.
//
// The first process of each attempt leads a process group. The agent is a child subreaper: every orphan among
// its descendants becomes its child, and SIGCHLD reports its end, so nothing is polled. Processes that left
// their group (setsid, mpirun) are called strays. They are found among these orphans: a stray belongs to the
// group whose mark (SWEEP_ATTEMPT) is in its environment, or to the only group if there is one.
//
// Rules: a group is signalled only while it has members, or its leader has not been waited for: after that
// its number may belong to another group. No other code of this program waits for children, except for
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
  using OnInput = std::function<void(Input)>;

  /// Makes this process a child subreaper. `loop` must outlive the object.
  Children(EventLoop& loop, OnInput on_input);
  /// Kills all remaining processes.
  ~Children();
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  void start(const Spawn& what);
  void signal(const AttemptRef& ref, bool kill);
  /// Stops reading the output of all processes, or reads it again. A process that prints while reading is
  /// paused blocks when its pipe is full.
  void pause_output(bool pause);
  /// Returns true if a process of an attempt may be running.
  bool any() const { return !groups_.empty(); }
  /// Marks a child of the agent as a helper that belongs to no attempt: it is neither signalled nor waited
  /// for with one. The mark is removed when collect() sees its end.
  void ignore_helper(pid_t helper) { helpers_.insert(helper); }
  /// Must be called on SIGCHLD, and when deadline() has come.
  void collect();
  /// Returns when to check again a process whose environment could not be read.
  std::optional<Instant> deadline() const { return check_again_at_; }

 private:
  struct Group {
    AttemptRef ref;
    pid_t id = 0;  // also the leader's pid
    std::string mark;
    Fd leader, out, err;        // leader: a pidfd; out, err: reading ends
    Fd setup_report;            // reading end; a container's supervisor reports failures to set it up here
    bool asked_to_end = false;  // the supervisor was asked to end its container's processes
    bool leader_ended = false;
    int last_signal = 0;        // the last signal sent to the whole group
    std::set<pid_t> signalled;  // the strays that received it
  };

  void watch_output(pid_t group, int fd, bool is_stderr);
  void read_output(Group& group, bool is_stderr);
  void close_output(Fd& end);
  void wait_for(pid_t pid);
  void leader_ended(Group& group);
  void report_setup_failure(Group& group);
  bool has_processes(Group& group);
  void signal_strays(Group& group);
  std::vector<pid_t> strays_of(const Group& group);
  bool belongs_to(const Group& group, pid_t stray);
  void remove(std::map<pid_t, Group>::iterator group);

  EventLoop& loop_;
  OnInput on_input_;
  std::map<pid_t, Group> groups_;
  bool output_paused_ = false;
  std::set<pid_t> helpers_;
  std::map<pid_t, Instant> unreadable_since_;  // strays whose environment could not be read, since when
  std::optional<Instant> check_again_at_;
};

}  // namespace sweep::agent
