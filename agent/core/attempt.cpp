#include "agent/core/attempt.hpp"

#include <algorithm>

#include "agent/core/duration_text.hpp"
#include "agent/core/environment.hpp"
#include "agent/core/eval_check.hpp"
#include "agent/core/exit.hpp"
#include "agent/core/result_check.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

Outcome outcome(OutcomeKind kind, std::string reason) {
  Outcome out;
  out.kind = kind;
  out.reason = std::move(reason);
  return out;
}

}  // namespace

/// Returns true if the process of this attempt is a recipe's evaluation.
bool Attempt::in_eval() const {
  return evaluating_ || (needs_server() && work_.lease.eval == wire::EvalWhen::Only);
}

// ---- start

void Attempt::set_server(const std::optional<AttemptRef>& server, bool started) {
  server_ = server;
  account_.servers = account_.servers.value_or(0) + (started ? 1 : 0);
}

void Attempt::wait_in_phase(const std::string& phase, Bar progress, Instant now, Actions& out) {
  if (!times_.waiting_since) times_.waiting_since = now;
  clock_.enter(phase, now);
  gate_.set({phase, progress.done, progress.total});
  send_progress(gate_.take(now), out);
}

void Attempt::server_failed(const Outcome& why, std::vector<std::string> last_lines, Instant now,
                            Actions& out) {
  const bool ended_by_itself = ended_ && !verdict_ && !is_failed_client();
  if (stage_ >= Stage::Reading || ended_by_itself) return;
  account_.server_says = std::move(last_lines);
  if (waiting()) return finish(why, now, out);
  if (verdict_) return;
  judge(why.kind, why.reason);
  // In AwaitingCause, the server's last lines may still arrive until the time is up.
  if (stage_ != Stage::AwaitingCause) stop(why.kind, why.reason, std::nullopt, now, out);
  verdict_->exit_code = why.exit_code;
  verdict_->signal = why.signal;
}

void Attempt::set_image(const container::Staged& staged) {
  staged_ = staged;
  account_.origin.runtime =
      printable(staged.version.empty() ? std::string(runtime_word(staged.runtime)) : staged.version);
  // the profile's name for it, not its path on this node
  account_.origin.image = printable(container().image);
  account_.origin.digest = printable(staged.digest);
}

void Attempt::set_origin(const Origin& origin) {
  const Origin own = account_.origin;
  account_.origin = origin;
  account_.origin.commit = own.commit;
  // The container's runtime and image, if it has one; else those of the whole step.
  if (!own.runtime.empty()) account_.origin.runtime = own.runtime;
  if (!own.image.empty()) account_.origin.image = own.image;
  account_.origin.digest = own.digest;
}

void Attempt::add_flaw(const std::string& flaw) {
  auto& flaws = account_.flaws;
  if (std::find(flaws.begin(), flaws.end(), flaw) == flaws.end()) flaws.push_back(flaw);
}

void Attempt::on(const Suspended& input) {
  if (processes_live())
    add_flaw("suspended: the benchmark or its agent stood still for " +
             duration_text(std::chrono::floor<std::chrono::seconds>(input.length)));
}

void Attempt::begin(std::vector<int> ports_in_use, int server_port, Actions& out) {
  stage_ = Stage::Preparing;
  port_ = server_port;
  out.emplace_back(files_.prepare(std::move(ports_in_use)));
}

void Attempt::refuse(OutcomeKind kind, std::string reason, Instant now, Actions& out) {
  finish(outcome(kind, std::move(reason)), now, out);
}

void Attempt::on(const Prepared& input, Instant now, Actions& out) {
  if (stage_ != Stage::Preparing) return;
  if (verdict_) return finish(*verdict_, now, out);
  if (port_ == 0) port_ = input.port;
  files_.on(input);
  account_.origin.commit = input.commit;
  account_.range_ratio = printable(own_range_ratio(setup_.environment, work_.lease.environment));
  out.emplace_back(spawn_of(setup_, work_, work_.argv, port_, files_.variables(), staged_));
  stage_ = Stage::Starting;
}

void Attempt::on(const NotPrepared& input, Instant now, Actions& out) {
  if (stage_ != Stage::Preparing && stage_ != Stage::Starting) return;
  const Outcome failed = outcome(OutcomeKind::Infrastructure, input.reason);
  if (evaluating_) return verdict_ ? decide_eval(now, out) : fail_eval(failed, out);
  finish(verdict_.value_or(failed), now, out);
}

void Attempt::on(const ProcessStarted& input, Instant now, Actions& out) {
  if (stage_ != Stage::Starting) return;
  stage_ = Stage::Running;
  pid_ = input.pid;
  if (!evaluating_) {
    times_.started_at = now;
    has_own_server_ = !work_.lease.script_ready.empty();
    if (std::string text = metrics_.begin(gpus_.newest()); !text.empty())
      out.emplace_back(KeepGpuSamples{ref(), std::move(text)});
    clock_.enter(in_eval()         ? "eval"
                 : needs_server()  ? "warm-up"
                 : has_own_server_ ? "server"
                                   : "benchmark",
                 now);
    gpus_.begin(now);  // the benchmark may not print when its main run begins
    out.emplace_back(Send{wire::Started{ref(), pid_, files_.directory_id()}, {}});
  }
  gate_.set({clock_.name(), 0, 0});
  send_progress(gate_.take(now), out);
  if (verdict_) send_signal(kill_.begin(kill_.grace(), now), out);
}

void Attempt::on(const StartFailed& input, Instant now, Actions& out) {
  if (stage_ != Stage::Preparing && stage_ != Stage::Starting) return;
  Outcome failed = outcome(OutcomeKind::BenchmarkFailed, input.reason);
  failed.phase = "start";
  if (evaluating_) return verdict_ ? decide_eval(now, out) : fail_eval(failed, out);
  finish(verdict_.value_or(failed), now, out);
}

// ---- while it runs

void Attempt::on(const Output& input, Instant now, Actions& out) {
  if (!processes_live()) return;
  const std::string_view all = input.bytes;
  for (std::size_t at = 0; at < all.size(); at += kLongestOutputPiece) {
    out.emplace_back(
        Send{wire::LogChunk{ref(), input.is_stderr}, std::string(all.substr(at, kLongestOutputPiece))});
  }
  for (const OutputEvent& event : (input.is_stderr ? err_ : out_).feed(all)) {
    on_event(event, now);
    send_progress(gate_.take(now), out);
  }
}

OutputScanner Attempt::scanner(const Work& work) {
  const std::string& ready = work.lease.script_ready;
  if (ready.empty()) return OutputScanner();
  // The profile's reader has checked the pattern. An invalid one, from another controller, matches nothing.
  return OutputScanner(LinePattern::compile(ready).value_or(LinePattern()));
}

ServerOf Attempt::server_of() const {
  if (needs_server()) return ServerOf::Agent;
  return has_own_server_ ? ServerOf::Script : ServerOf::Nobody;
}

void Attempt::on_event(const OutputEvent& event, Instant now) {
  if (const auto* bar = std::get_if<Bar>(&event)) {
    gate_.set({clock_.name(), bar->done, bar->total});
  } else if (times_.ready_at || in_eval()) {
    return;
  } else if (!needs_server()) {
    on_script_event(event, now);
  } else if (std::holds_alternative<MainRun>(event)) {
    begin_main_run(now);
  }
}

/// The time until a server is ready is the phase "server", and without a server the time until the client
/// begins is "set-up". A script that shows neither only has the phase "benchmark".
void Attempt::on_script_event(const OutputEvent& event, Instant now) {
  const bool starts = std::holds_alternative<ServerStarts>(event);
  has_own_server_ = has_own_server_ || starts || std::holds_alternative<ServerReady>(event);
  clock_.rename(has_own_server_ ? "server" : "set-up");
  if (!starts) return begin_main_run(now);
  gate_.set({clock_.name(), 0, 0});
}

void Attempt::begin_main_run(Instant now) {
  times_.ready_at = now;
  gpus_.begin(now);
  clock_.enter("benchmark", now);
  gate_.set({clock_.name(), 0, 0});
}

void Attempt::send_progress(std::optional<PhaseProgress> progress, Actions& out) const {
  if (progress)
    out.emplace_back(Send{wire::Progress{ref(), progress->phase, progress->done, progress->total}, {}});
}

// ---- stopping it

std::optional<TimeLimit> Attempt::next_limit() const {
  if (verdict_) return std::nullopt;
  if (waiting()) return limit_while_waiting(work_.lease, times_);
  if (stage_ == Stage::Running && in_eval()) return limit_while_evaluating(work_.lease, times_);
  return stage_ == Stage::Running ? limit_while_running(work_.lease, server_of(), times_) : std::nullopt;
}

void Attempt::stop(OutcomeKind kind, std::string reason, std::optional<Millis> longest_grace, Instant now,
                   Actions& out) {
  if (stage_ >= Stage::Reading) delivery_.skip_files(out);
  if (stage_ == Stage::Reading) stopped_ = outcome(kind, reason);
  if (stage_ >= Stage::Reading && stage_ != Stage::Sampling) return;
  if (stage_ == Stage::Sampling) return leave_metrics(now, out);
  const bool explained = kind == OutcomeKind::Preempted && was_ended_by_outside_signal();
  if (explained || (!verdict_ && !ended_)) judge(kind, std::move(reason));
  if (stage_ == Stage::AwaitingCause || waiting()) return decide(now, out);
  const Millis grace = std::min(work_.kill_grace, longest_grace.value_or(Millis::max()));
  kill_.set_grace(grace);
  if (!processes_live()) return;  // it is stopped as soon as it has started
  if (!kill_.begun()) return send_signal(kill_.begin(grace, now), out);
  kill_.hurry(grace, now);
}

void Attempt::judge(OutcomeKind kind, std::string reason) {
  verdict_ = outcome(kind, std::move(reason));
  verdict_->phase = clock_.name();
}

void Attempt::send_signal(KillSequence::Signal signal, Actions& out) const {
  if (signal == KillSequence::Signal::None) return;
  out.emplace_back(SignalGroup{ref(), signal == KillSequence::Signal::Kill});
}

void Attempt::kill(Instant now, Actions& out) {
  if (processes_live()) send_signal(kill_.kill(now), out);
}

void Attempt::escalate(Instant now, Actions& out) {
  send_signal(kill_.escalate(now), out);
  if (!kill_.gave_up()) return;
  // The container's supervisor has not ended all processes: it is killed now.
  if (work_.contained) send_signal(KillSequence::Signal::Kill, out);
  decide(now, out);
}

// ---- time

void Attempt::on_deadline(Instant now, Actions& out) {
  if (stage_ == Stage::Delivering) return delivery_.on_deadline(now, out);
  if (const auto limit = next_limit(); limit && now >= limit->at) {
    stop(OutcomeKind::TimedOut, limit->reason, std::nullopt, now, out);
  } else if (processes_live() && kill_.begun() && now >= *kill_.deadline()) {
    escalate(now, out);
  } else if (stage_ == Stage::AwaitingCause && now >= *times_.ended_at + setup_.limits.cause_lag) {
    decide(now, out);
  } else if (stage_ == Stage::Sampling && metrics_.done(now)) {
    leave_metrics(now, out);
  } else if (stage_ == Stage::LeavingMetrics && now >= leave_until_) {
    on(GpuMetricsLeft{ref(), "it was not written in time"}, now, out);
  }
  if (stage_ != Stage::Delivering) send_progress(gate_.take(now), out);
}

std::optional<Instant> Attempt::next_deadline() const {
  if (stage_ == Stage::Delivering) return delivery_.next_deadline();
  std::optional<Instant> next = gate_.deadline();
  if (const auto limit = next_limit()) next = earlier(next, limit->at);
  if (processes_live()) next = earlier(next, kill_.deadline());
  if (stage_ == Stage::AwaitingCause) next = earlier(next, *times_.ended_at + setup_.limits.cause_lag);
  if (waiting()) next = earlier(next, gpus_.deadline());
  if (stage_ == Stage::Sampling) next = earlier(next, metrics_.deadline());
  if (stage_ == Stage::LeavingMetrics) next = earlier(next, leave_until_);
  return next;
}

// ---- the end

void Attempt::on(const SetupFailed& input, Instant, Actions&) {
  if (stage_ != Stage::Running || verdict_) return;
  verdict_ = outcome(input.why.of_image ? OutcomeKind::BenchmarkFailed : OutcomeKind::Infrastructure,
                     printable(input.why.reason));
  verdict_->phase = "start";
}

void Attempt::on(const LeaderExited& input, Instant now, Actions& out) {
  if (stage_ != Stage::Running) return;
  stage_ = Stage::Ending;
  ended_ = input.how;
  times_.ended_at = now;
  // Ends the rest of its process group. No-op if there is none.
  if (!kill_.begun()) send_signal(kill_.begin(work_.kill_grace, now), out);
}

void Attempt::on(const GroupGone&, Instant now, Actions& out) {
  gone_ = true;
  if (stage_ == Stage::Ending) all_gone(now, out);
}

void Attempt::all_gone(Instant now, Actions& out) {
  if (may_have_another_cause()) {
    stage_ = Stage::AwaitingCause;
    return;
  }
  decide(now, out);
}

bool Attempt::was_ended_by_outside_signal() const {
  if (verdict_)
    return verdict_->kind == OutcomeKind::ServerFailed &&
           may_be_outside_signal({verdict_->exit_code, verdict_->signal});
  return ended_ && may_be_outside_signal(*ended_);
}

bool Attempt::is_failed_client() const {
  return needs_server() && ended_ && ended_->code != 0;
}

bool Attempt::may_have_another_cause() const {
  return was_ended_by_outside_signal() || (!verdict_ && is_failed_client());
}

void Attempt::decide(Instant now, Actions& out) {
  if (evaluating_) return decide_eval(now, out);
  if (verdict_) return finish(*verdict_, now, out);
  if (!ended_ || ended_->code != 0) return finish(outcome_of_exit(), now, out);
  read(work_.lease.eval != wire::EvalWhen::Only, out);
}

/// The evaluation of a recipe has ended. The client's result is lost only if the attempt has to be repeated anyway.
void Attempt::decide_eval(Instant now, Actions& out) {
  const auto repeats = [](OutcomeKind kind) {
    return kind == OutcomeKind::Cancelled || kind == OutcomeKind::Preempted ||
           kind == OutcomeKind::Infrastructure;
  };
  if (verdict_ && repeats(verdict_->kind)) return finish(*verdict_, now, out);
  if (verdict_) return fail_eval(*verdict_, out);
  if (!ended_ || ended_->code != 0) return fail_eval(outcome_of_exit(), out);
  read(false, out);
}

void Attempt::fail_eval(const Outcome& why, Actions& out) {
  eval_problem_ = eval_failure(why);
  verdict_.reset();
  read(false, out);
}

/// Looks for the files that are expected. `result`: the result file is one of them.
void Attempt::read(bool result, Actions& out) {
  stage_ = Stage::Reading;
  out.emplace_back(files_.read(result, metrics_.any()));
}

Outcome Attempt::outcome_of_exit() const {
  return failed_exit(ended_, err_.last_line().empty() ? out_.last_line() : err_.last_line());
}

void Attempt::on(const ResultRead& input, Instant now, Actions& out) {
  if (stage_ != Stage::Reading) return;
  const wire::Lease& lease = work_.lease;
  const std::string missing = files_.missing_evals(input);
  const bool has_metrics = files_.has_metrics(input);
  if (evaluating_) {
    const std::string& problem = eval_problem_.empty() ? missing : eval_problem_;
    if (!problem.empty()) add_flaw("no-score: " + problem);
    return end_with(outcome(OutcomeKind::Ok, {}), has_metrics, now, out);
  }
  if (lease.eval == wire::EvalWhen::Only) return end_with(check_eval_files(missing), has_metrics, now, out);
  Outcome end = files_.check_result_file(input);
  if (end.kind == OutcomeKind::Ok) {
    new_result_ = input.stamp;
    result_ = input.bytes;
    const bool of_recipe =
        lease.eval == wire::EvalWhen::After && needs_server() && !lease.eval_command.empty();
    if (of_recipe && stopped_) return finish(*stopped_, now, out);
    if (of_recipe && !kill_.gave_up()) return begin_eval(now, out);
    if (of_recipe) {
      add_flaw("no-score: the eval was not started, because processes of the client survived SIGKILL");
    } else if (!missing.empty()) {
      add_flaw("no-score: " + missing);
    }
  }
  end_with(std::move(end), has_metrics, now, out);
}

void Attempt::begin_eval(Instant now, Actions& out) {
  measured_until_ = times_.end(now);
  evaluating_ = true;
  ended_.reset();
  gone_ = false;
  kill_ = KillSequence(setup_.limits.stop_grace);
  if (!times_.ready_at) clock_.rename("benchmark");  // the client does not print it
  clock_.enter("eval", now);
  stage_ = Stage::Starting;
  out.emplace_back(spawn_of(setup_, work_, work_.lease.eval_command, port_, files_.variables(), staged_));
}

// ---- gpu_metrics.csv

/// Ends the attempt, after its gpu_metrics.csv has been written if the benchmark has not left one (`has_metrics`).
void Attempt::end_with(Outcome end, bool has_metrics, Instant now, Actions& out) {
  if (end.kind != OutcomeKind::Ok || has_metrics || !metrics_.any()) return finish(std::move(end), now, out);
  end_ = std::move(end);
  stage_ = Stage::Sampling;
  metrics_.end(times_.ended_at.value_or(now));
  if (metrics_.done(now)) leave_metrics(now, out);
}

void Attempt::leave_metrics(Instant now, Actions& out) {
  stage_ = Stage::LeavingMetrics;
  leave_until_ = now + setup_.limits.metrics;
  out.emplace_back(files_.leave_metrics());
}

void Attempt::on(const GpuMetricsLeft& input, Instant now, Actions& out) {
  if (stage_ != Stage::LeavingMetrics) return;
  if (!input.problem.empty())
    out.emplace_back(Warn{"cannot write '" + printable(files_.metrics_path()) +
                          "': " + printable(input.problem) + "; this point has no gpu_metrics.csv"});
  finish(*end_, now, out);
}

void Attempt::on(const GpuSample& sample, Instant now, Actions& out) {
  gpus_.add(sample);
  if (stage_ >= Stage::LeavingMetrics) return;
  if (std::string text = metrics_.add(sample); !text.empty())
    out.emplace_back(KeepGpuSamples{ref(), std::move(text)});
  if (stage_ == Stage::Sampling && metrics_.done(now)) leave_metrics(now, out);
}

void Attempt::finish(Outcome end, Instant now, Actions& out) {
  if (end.phase.empty() && end.kind != OutcomeKind::Ok) end.phase = clock_.name();
  if (kill_.gave_up()) {
    end.reason += std::string(end.reason.empty() ? "" : "; ") + "some of its processes survived SIGKILL";
  }
  if (end.kind != OutcomeKind::Ok) {
    result_.clear();  // the client of a recipe left one, but its evaluation was stopped
    new_result_.reset();
  }
  if (metrics_.begun()) out.emplace_back(DropGpuSamples{ref()});
  send_progress(gate_.take_last(), out);
  wire::Finished finished;
  finished.ref = ref();
  finished.outcome = std::move(end);
  const auto began_at = times_.waiting_since ? times_.waiting_since : times_.started_at;
  const Instant ended_at = times_.end(now);
  if (began_at) finished.wall_ms = (ended_at - *began_at).count();
  if (needs_server() && times_.started_at && !times_.ready_at && !in_eval())
    clock_.rename("benchmark");  // the client does not print it
  account_.phases = clock_.times(ended_at);
  account_.gpu_use = gpus_.use(measured_until_.value_or(ended_at));
  if (!gpus_.flaw().empty()) add_flaw(gpus_.flaw());
  finished.account = account_;
  stage_ = Stage::Delivering;
  const bool good = finished.outcome.kind == OutcomeKind::Ok;
  delivery_.begin(std::move(finished), std::move(result_), good ? files_.collect() : std::nullopt, out);
}

void Attempt::on_settled(bool accepted, Actions& out) const {
  out.emplace_back(DropSpooled{ref(), {}});
  if (accepted && new_result_) out.emplace_back(RemoveFile{result_path(), *new_result_});
  // What a failed attempt left is kept there for the user.
  if (outcome_kind() == OutcomeKind::Ok) files_.remove_own_folder(out);
}

void Attempt::repeat_answer(Instant now, Actions& out) {
  if (finished()) return delivery_.send(now, out);
  if (stage_ == Stage::Delivering) return;  // Finished is sent soon
  if (pid_ != 0) out.emplace_back(Send{wire::Started{ref(), pid_, files_.directory_id()}, {}});
}

void Attempt::on_reconnected(Instant now, Actions& out) {
  for (OutputPiece& piece : backlog_.take(kLongestOutputPiece))
    out.emplace_back(Send{wire::LogChunk{ref(), piece.is_stderr}, std::move(piece.bytes)});
  if (finished()) return delivery_.send(now, out);
  gate_.repeat();
  send_progress(gate_.take(now), out);
}

}  // namespace sweep::agent
