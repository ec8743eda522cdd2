// One attempt, from its lease to its Finished message: a state machine without I/O.
//
//   Waiting -> Preparing -> Starting -> Running -> Ending -> (AwaitingCause) -> (Reading) ->
//   (Sampling -> LeavingMetrics) -> Delivering
//
//   Waiting         until its image, its GPUs and its server are ready; AttemptStarter sees to that
//   Running         the benchmark's first process is alive
//   Ending          the first process has ended; other processes of its group may still be alive
//   AwaitingCause   the benchmark has ended in a way that may have a cause which the agent is about to learn: a
//                   signal from outside (the agent may receive the same one), or the failure of a client (its
//                   server may have ended)
//   Sampling        waits for the last samples of its GPUs, for its gpu_metrics.csv (gpu_metrics.hpp)
//   LeavingMetrics  gpu_metrics.csv is being written
//   Delivering      the outcome is decided; Delivery collects the files that the attempt left and sends the outcome. The
//                   attempt is kept until the controller settles it
//
// Rules: an attempt has exactly one outcome. The first of these decides it: what stopped the attempt (time
// limit, cancellation, signal to the agent), how the first process ended, the state of the result file.
// Finished is sent only when no process is left, or when the remaining ones cannot be killed. The attempt
// waits for timers only while it kills processes and in AwaitingCause, Sampling and LeavingMetrics.
//
// A recipe's evaluation is a second process after the client's (Reading -> Starting), with the same server. If it
// fails, the client's result is kept and gets the flaw no-score.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/attempt_files.hpp"
#include "agent/core/attempt_gpus.hpp"
#include "agent/core/attempt_limits.hpp"
#include "agent/core/backlog.hpp"
#include "agent/core/delivery.hpp"
#include "agent/core/gpu_metrics.hpp"
#include "agent/core/kill_sequence.hpp"
#include "agent/core/output_scanner.hpp"
#include "agent/core/phase_clock.hpp"
#include "agent/core/progress_gate.hpp"
#include "agent/core/setup.hpp"
#include "agent/core/work.hpp"

namespace sweep::agent {

class Attempt {
 public:
  /// `setup` must outlive the attempt.
  Attempt(const Setup& setup, Work work)
      : setup_(setup),
        work_(std::move(work)),
        files_(setup_, work_),
        gpus_(work_.sampled),
        metrics_(files_.may_leave_metrics() ? work_.sampled : std::vector<std::string>()),
        out_(scanner(work_)),
        err_(scanner(work_)),
        gate_(setup.limits.progress_spacing),
        kill_(setup.limits.stop_grace),
        backlog_(setup.limits.kept_output),
        delivery_(setup.limits.resend) {}

  const AttemptRef& ref() const { return work_.lease.ref; }
  const std::vector<std::string>& gpus() const { return work_.gpus; }
  /// Returns true if it has to leave a gpu_metrics.csv although there are no samples of its GPUs.
  bool lacks_samples() const { return work_.lease.gpu_metrics && work_.lease.gpus > 0 && !metrics_.any(); }
  /// Returns how the attempt ended. Valid once over() is true.
  OutcomeKind outcome_kind() const { return delivery_.outcome_kind(); }
  /// Returns true if processes of it are left that SIGKILL has not ended. Valid once over() is true.
  bool has_survivors() const { return kill_.gave_up() && !gone_; }
  /// Returns the path of the file in which the benchmark has to leave its result.
  std::string result_path() const { return agent::result_path(work_); }
  bool finished() const { return delivery_.finished(); }
  /// Returns true once the outcome is decided and no process is left: its GPUs and its port are free.
  bool over() const { return delivery_.over(); }
  /// Returns the benchmark's port; 0 if it has none yet, or the attempt is over.
  int port() const { return over() ? 0 : port_; }

  // ---- before the benchmark starts
  bool waiting() const { return stage_ == Stage::Waiting; }
  bool preparing() const { return stage_ == Stage::Preparing; }
  /// Returns the key of the server that the benchmark needs; empty if it needs none.
  const std::string& server_key() const { return needs_server() ? work_.lease.server.key : kNoKey; }
  bool needs_server() const { return work_.needs_server; }
  /// Returns the server that was assigned to the attempt, if any.
  const std::optional<AttemptRef>& server() const { return server_; }
  /// Returns the image that must be staged first; nullptr if none is needed, or it is staged.
  const container::StageRequest* missing_image() const {
    return work_.image && !staged_ ? &*work_.image : nullptr;
  }
  const std::optional<container::StageRequest>& image() const { return work_.image; }
  const ContainerSpec& container() const { return work_.lease.container; }
  void set_image(const container::Staged& staged);
  /// Returns true once the check that its GPUs are idle has ended, whatever it found (AttemptGpus::may_start).
  bool idle_check_done(bool samples_expected, Instant now) { return gpus_.may_start(samples_expected, now); }
  /// Assigns a server, or takes it away (std::nullopt). `started`: it was started for this attempt.
  void set_server(const std::optional<AttemptRef>& server, bool started);
  /// Reports the phase in which the attempt waits, and its progress.
  void wait_in_phase(const std::string& phase, Bar progress, Instant now, Actions& out);
  /// Returns what the server of this attempt has to be.
  Server::Plan server_plan() const { return agent::server_plan(work_, staged_); }
  /// Ends the attempt because its server failed. `last_lines`: the last lines of the server's output. May be
  /// called again when more lines have arrived.
  void server_failed(const Outcome& why, std::vector<std::string> last_lines, Instant now, Actions& out);

  /// Starts the benchmark. `server_port`: the port of its server; 0: it needs no server, and gets a free port.
  void begin(std::vector<int> ports_in_use, int server_port, Actions& out);
  /// Ends the attempt before it began.
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
  void on(const FilesCollected& input, Instant, Actions& out) { delivery_.on(input, out); }
  void on(const Spooled& input, Instant now, Actions& out) { delivery_.on(input, now, out); }
  void on(const ServerAnswered&, Instant, Actions&) {}  // only servers are asked

  void on(const GpuMetricsLeft& input, Instant now, Actions& out);
  void on(const GpuSample& sample, Instant now, Actions& out);
  void set_origin(const Origin& origin);
  /// The agent was suspended, and so probably the benchmark.
  void on(const Suspended& input);
  /// Adds a reason to doubt the result (Account::flaws); each is recorded once.
  void add_flaw(const std::string& flaw);

  /// Keeps output that cannot be sent now, until the controller answers again.
  void keep_output(bool is_stderr, std::string_view bytes) { backlog_.add(is_stderr, bytes); }

  /// Stops the benchmark unless it has ended by itself: SIGTERM, then SIGKILL after its grace time or
  /// `longest_grace`, whichever is shorter.
  void stop(OutcomeKind kind, std::string reason, std::optional<Millis> longest_grace, Instant now,
            Actions& out);
  /// Sends SIGKILL now to all processes that are left.
  void kill(Instant now, Actions& out);
  /// Does what is due at `now`.
  void on_deadline(Instant now, Actions& out);
  std::optional<Instant> next_deadline() const;

  /// The controller sent the lease again: sends Started or Finished again.
  void repeat_answer(Instant now, Actions& out);
  /// The controller has answered on a new connection: sends the kept output, then Finished or the progress.
  void on_reconnected(Instant now, Actions& out);
  /// The controller asks for a piece of a file, or for Finished again.
  void on_fetch(const wire::Fetch& fetch, Instant now, Actions& out) { delivery_.on_fetch(fetch, now, out); }
  /// Sends Finished without files, if it had some: there is no time left to send them.
  void give_up_files(Instant now, Actions& out) { delivery_.give_up_files(now, out); }
  bool has_files() const { return delivery_.has_files(); }
  /// The controller has the outcome. Removes it from the spool, and the result file too if it was accepted.
  void on_settled(bool accepted, Actions& out) const;

 private:
  enum class Stage {
    Waiting,
    Preparing,
    Starting,
    Running,
    Ending,
    AwaitingCause,
    Reading,
    Sampling,
    LeavingMetrics,
    Delivering
  };

  bool in_eval() const;
  std::optional<TimeLimit> next_limit() const;
  bool was_ended_by_outside_signal() const;
  bool is_failed_client() const;
  bool may_have_another_cause() const;
  bool processes_live() const { return stage_ == Stage::Running || stage_ == Stage::Ending; }
  /// Returns a scanner that finds the line at which the script's server is ready.
  static OutputScanner scanner(const Work& work);
  ServerOf server_of() const;

  void on_script_event(const OutputEvent& event, Instant now);
  void begin_main_run(Instant now);
  void on_event(const OutputEvent& event, Instant now);
  void send_progress(std::optional<PhaseProgress> progress, Actions& out) const;
  void judge(OutcomeKind kind, std::string reason);
  void send_signal(KillSequence::Signal signal, Actions& out) const;
  void escalate(Instant now, Actions& out);
  void all_gone(Instant now, Actions& out);
  void decide(Instant now, Actions& out);
  void decide_eval(Instant now, Actions& out);
  void read(bool result, Actions& out);
  void begin_eval(Instant now, Actions& out);
  void fail_eval(const Outcome& why, Actions& out);
  void end_with(Outcome outcome, bool has_metrics, Instant now, Actions& out);
  void leave_metrics(Instant now, Actions& out);
  Outcome outcome_of_exit() const;
  void finish(Outcome outcome, Instant now, Actions& out);

  const Setup& setup_;
  Work work_;
  static inline const std::string kNoKey{};
  std::optional<AttemptRef> server_;
  std::optional<container::Staged> staged_;
  Account account_;
  AttemptFiles files_;
  AttemptGpus gpus_;
  GpuMetrics metrics_;

  Stage stage_ = Stage::Waiting;
  int port_ = 0;
  std::int64_t pid_ = 0;
  std::optional<FileStamp> new_result_;

  PhaseClock clock_;
  AttemptTimes times_;
  std::optional<Ended> ended_;
  bool gone_ = false;                      // its last process has ended
  std::optional<Outcome> verdict_;         // the outcome that what stopped the attempt has decided
  std::optional<Outcome> stopped_;         // the outcome if it was stopped while its result was being read
  std::optional<Outcome> end_;             // the outcome of an attempt whose gpu_metrics.csv is not there yet
  Instant leave_until_{};                  // how long LeavingMetrics lasts at most
  std::optional<Instant> measured_until_;  // the end of the client, if an evaluation came after it
  bool evaluating_ = false;                // the client of the recipe has ended, and its evaluation began
  std::string eval_problem_;               // why that has failed; empty: it has not
  bool has_own_server_ = false;            // the profile or the output says that the script starts a server
  OutputScanner out_, err_;
  ProgressGate gate_;
  KillSequence kill_;

  Backlog backlog_;
  std::string result_;
  Delivery delivery_;
};

}  // namespace sweep::agent
