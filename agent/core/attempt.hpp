// One attempt, from its lease to its Finished: a state machine without I/O.
//
//   (Waiting) -> Preparing -> Starting -> Running -> Ending -> (Doubtful) -> (Reading) -> Spooling ->
//   Finished
//
// Waiting: for GPUs that a server has, and for its own server to be ready; the Agent sees to both. Running:
// the benchmark's first process lives. Ending: it has ended, others of its group may not have. Doubtful: a
// signal from outside ended it, and the same may be on its way to the agent. Spooling: how it ended goes to
// the node's disk before it is said. Finished: said, and kept until settled.
//
// Rules: exactly one outcome, decided by the first of: what stopped it (deadline, cancellation, signal to the
// agent), how the first process ended, what the result file is. Finished comes only when no process is left,
// or when what is left cannot be ended. Nothing waits for a timer but the grace times of kills and Doubtful.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/attempt_gpus.hpp"
#include "agent/core/backlog.hpp"
#include "agent/core/output_scanner.hpp"
#include "agent/core/phase_clock.hpp"
#include "agent/core/progress_gate.hpp"
#include "agent/core/server.hpp"
#include "agent/core/setup.hpp"

namespace sweep::agent {

/// What an attempt runs on this agent.
struct Work {
  wire::Lease lease;
  std::vector<std::string> argv;
  std::string directory;             // absolute
  std::vector<std::string> gpus;     // its share of the agent's; empty where it has all that the agent has
  std::vector<std::string> sampled;  // of its GPUs, those that telemetry looks at
  Millis kill_grace{0};
  bool needs_server = false;                          // lease.server: the benchmark is its client
  std::optional<container::StageRequest> image = {};  // that must be on this node first
  bool contained = false;                             // the benchmark runs in it; else only its server does
};

class Attempt {
 public:
  /// `setup` must outlive it.
  Attempt(const Setup& setup, Work work)
      : setup_(setup),
        work_(std::move(work)),
        watch_(work_.sampled),
        gate_(setup.limits.progress_spacing),
        backlog_(setup.limits.kept_output) {}

  const AttemptRef& ref() const { return work_.lease.ref; }
  const std::vector<std::string>& gpus() const { return work_.gpus; }
  /// How it ended, once it is over().
  OutcomeKind end() const { return finished_.outcome.kind; }
  bool finished() const { return stage_ == Stage::Finished; }
  /// Over, but for the spool: its GPUs and port are free.
  bool over() const { return finished() || stage_ == Stage::Spooling; }
  /// The port of its own, 0 when it has none (any more).
  int port() const { return over() ? 0 : port_; }

  // ---- before it begins
  bool waiting() const { return stage_ == Stage::Waiting; }
  bool preparing() const { return stage_ == Stage::Preparing; }
  /// The key of the server that it needs; empty: none.
  const std::string& server_key() const { return needs_server() ? work_.lease.server.key : kNoKey; }
  bool needs_server() const { return work_.needs_server; }
  /// Its server, once the agent has found or started one.
  const std::optional<AttemptRef>& server() const { return server_; }
  /// The image that it waits for; nothing where it needs none, or has it.
  const container::StageRequest* wanted_image() const {
    return work_.image && !staged_ ? &*work_.image : nullptr;
  }
  const std::optional<container::StageRequest>& image() const { return work_.image; }
  const ContainerSpec& container() const { return work_.lease.container; }
  void give_image(const container::Staged& staged);
  /// Whether its GPUs have been looked at, as far as that is possible.
  bool may_start(bool samples_come, Instant now) { return watch_.may_start(samples_come, now); }
  void give_server(const std::optional<AttemptRef>& server, bool started);
  /// What it waits for, as a phase, and how far that is.
  void waits_in(const std::string& phase, Bar how_far, Instant now, Actions& out);
  /// What its server is to be.
  Server::Plan server_plan() const;
  /// Its server has failed: it ends with that, whatever it does. `says`: the server's last lines. To be told
  /// again while more of them come.
  void server_failed(const Outcome& why, std::vector<std::string> says, Instant now, Actions& out);

  /// `server_port`: of its server; 0: it has none, and gets a port of its own.
  void begin(std::vector<int> ports_in_use, int server_port, Actions& out);
  /// Ends it before it began.
  void refuse(OutcomeKind kind, std::string reason, Instant now, Actions& out);
  void refuse(const Outcome& why, Instant now, Actions& out) { finish(why, now, out); }

  void on(const Prepared& input, Instant now, Actions& out);
  void on(const NotPrepared& input, Instant now, Actions& out);
  void on(const ProcessStarted& input, Instant now, Actions& out);
  void on(const StartFailed& input, Instant now, Actions& out);
  void on(const Output& input, Instant now, Actions& out);
  void on(const SetupFailed& input, Instant now, Actions& out);
  void on(const LeaderExited& input, Instant now, Actions& out);
  void on(const GroupGone& input, Instant now, Actions& out);
  void on(const ResultRead& input, Instant now, Actions& out);
  void on(const Spooled& input, Instant now, Actions& out);
  void on(const Answered&, Instant, Actions&) {}  // of servers alone

  void on(const GpuSample& sample) { watch_.add(sample); }
  void runs_on(const Origin& origin);
  /// A reason to doubt its result (Account::flaws), once each.
  void doubt(const std::string& flaw);

  /// Output that nobody can be told now. It goes out when the controller answers again.
  void keep(bool is_stderr, std::string_view bytes) { backlog_.add(is_stderr, bytes); }

  /// Stops it, if it has not ended by itself: SIGTERM, and SIGKILL after its grace time or `longest_grace`.
  void stop(OutcomeKind kind, std::string reason, std::optional<Millis> longest_grace, Instant now,
            Actions& out);
  /// SIGKILL now to whatever is left.
  void kill(Instant now, Actions& out);
  /// What is due by time.
  void on_time(Instant now, Actions& out);
  std::optional<Instant> next_deadline() const;

  /// The lease came again: Started, or Finished, again.
  void answer_again(Instant now, Actions& out);
  /// A new connection: the output that was kept, then Finished again, or where it is.
  void reconnected(Instant now, Actions& out);
  /// The controller has it. Drops it from the spool and removes the result file that counts.
  void settled(bool accepted, Actions& out) const;

 private:
  enum class Stage { Waiting, Preparing, Starting, Running, Ending, Doubtful, Reading, Spooling, Finished };
  enum class Kill { None, Term, Kill };
  struct Limit {
    Instant at;
    std::string reason;
  };

  std::string result_path() const;
  std::string where() const;
  std::optional<Limit> next_limit() const;
  bool was_ended_by_outside_signal() const;
  bool processes_live() const { return stage_ == Stage::Running || stage_ == Stage::Ending; }

  void see(const Sighting& sighting, Instant now);
  void tell_progress(std::optional<Whereabouts> where, Actions& out) const;
  void begin_kill(Millis grace, Instant now, Actions& out);
  void escalate(Instant now, Actions& out);
  void all_gone(Instant now, Actions& out);
  void decide(Instant now, Actions& out);
  Outcome outcome_of_exit() const;
  Outcome outcome_of_result(const ResultRead& result) const;
  void finish(Outcome outcome, Instant now, Actions& out);
  void send_finished(Instant now, Actions& out);

  const Setup& setup_;
  Work work_;
  static inline const std::string kNoKey{};
  std::optional<AttemptRef> server_;
  std::optional<container::Staged> staged_;
  Account account_;
  AttemptGpus watch_;

  Stage stage_ = Stage::Waiting;
  int port_ = 0;
  std::int64_t pid_ = 0;
  std::optional<FileStamp> old_result_, new_result_;

  PhaseClock clock_;
  std::optional<Instant> waits_since_, started_at_, ready_at_, ended_at_;  // ready: the main run has begun
  std::optional<Ended> ended_;
  std::optional<Outcome> verdict_;  // of what stopped it
  OutputScanner out_, err_;
  ProgressGate gate_;

  Kill kill_ = Kill::None;
  Millis grace_{0};
  Instant kill_at_{};  // when the next step of killing is due
  bool gave_up_ = false;

  Backlog backlog_;
  wire::Finished finished_;
  std::string result_;
  Instant say_again_at_{};
};

}  // namespace sweep::agent
