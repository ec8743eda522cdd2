#include "agent/core/attempt.hpp"

#include <algorithm>
#include <csignal>

#include "agent/core/contained.hpp"
#include "agent/core/duration_text.hpp"
#include "agent/core/environment.hpp"
#include "agent/core/result_check.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kMaxLastWords = 300;

Outcome outcome(OutcomeKind kind, std::string reason) {
  Outcome out;
  out.kind = kind;
  out.reason = std::move(reason);
  return out;
}

}  // namespace

std::string Attempt::result_path() const {
  return work_.directory + "/" + work_.lease.result_filename + ".json";
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

Server::Plan Attempt::server_plan() const {
  Server::Plan plan;
  plan.spec = work_.lease.server;
  plan.ready_ms = work_.lease.timeouts.server_ms;
  plan.variables = work_.lease.environment;
  plan.gpus = work_.gpus;
  plan.directory = working_directory();
  plan.kill_grace = work_.kill_grace;
  plan.container = work_.lease.container;
  plan.image = work_.image;
  plan.staged = staged_;
  plan.workspace = work_.directory;
  return plan;
}

void Attempt::server_failed(const Outcome& why, std::vector<std::string> last_lines, Instant now,
                            Actions& out) {
  const bool ended_by_itself = ended_ && !verdict_;
  if (over() || ended_by_itself) return;
  account_.server_says = std::move(last_lines);
  if (waiting()) return finish(why, now, out);
  if (verdict_) return;
  stop(why.kind, why.reason, std::nullopt, now, out);
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

// Returns the value for PWD; empty if the agent's own directory is right.
std::string Attempt::working_directory() const {
  return work_.lease.workspace.empty() ? std::string() : work_.directory;
}

void Attempt::begin(std::vector<int> ports_in_use, int server_port, Actions& out) {
  stage_ = Stage::Preparing;
  port_ = server_port;
  out.emplace_back(Prepare{ref(), result_path(), std::move(ports_in_use)});
}

void Attempt::refuse(OutcomeKind kind, std::string reason, Instant now, Actions& out) {
  finish(outcome(kind, std::move(reason)), now, out);
}

void Attempt::on(const Prepared& input, Instant now, Actions& out) {
  if (stage_ != Stage::Preparing) return;
  if (verdict_) return finish(*verdict_, now, out);
  if (port_ == 0) port_ = input.port;
  old_result_ = input.old_result;
  account_.origin.commit = input.commit;
  account_.range_ratio = printable(own_range_ratio(setup_.environment, work_.lease.environment));
  Variables gpus;
  if (!work_.gpus.empty()) gpus = gpu_variables(setup_.gpus, work_.gpus);
  auto environment =
      benchmark_environment(setup_.environment, work_.lease.environment, gpus, port_, working_directory());
  environment.push_back(mark_of(ref()));
  Spawn spawn{ref(),          work_.argv,     std::move(environment), working_directory(),
              mark_of(ref()), work_.contained};
  if (work_.contained) {
    Variables inside = work_.lease.environment;
    inside.insert(inside.end(), gpus.begin(), gpus.end());
    spawn.argv = contained_command(setup_, work_.lease.container, *staged_,
                                   {work_.argv, work_.directory, ref(), std::move(inside)});
  }
  out.emplace_back(std::move(spawn));
  stage_ = Stage::Starting;
}

void Attempt::on(const NotPrepared& input, Instant now, Actions& out) {
  if (stage_ != Stage::Preparing && stage_ != Stage::Starting) return;
  finish(verdict_.value_or(outcome(OutcomeKind::Infrastructure, input.reason)), now, out);
}

void Attempt::on(const ProcessStarted& input, Instant now, Actions& out) {
  if (stage_ != Stage::Starting) return;
  stage_ = Stage::Running;
  pid_ = input.pid;
  times_.started_at = now;
  has_own_server_ = !work_.lease.script_ready.empty();
  clock_.enter(needs_server() ? "warm-up" : has_own_server_ ? "server" : "benchmark", now);
  gpus_.begin(now);  // the benchmark may not print when its main run begins
  out.emplace_back(Send{wire::Started{ref(), pid_}, {}});
  gate_.set({clock_.name(), 0, 0});
  send_progress(gate_.take(now), out);
  if (verdict_) send_signal(kill_.begin(kill_.grace(), now), out);
}

void Attempt::on(const StartFailed& input, Instant now, Actions& out) {
  if (stage_ != Stage::Preparing && stage_ != Stage::Starting) return;
  Outcome failed = outcome(OutcomeKind::BenchmarkFailed, input.reason);
  failed.phase = "start";
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
  } else if (times_.ready_at) {
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
  return stage_ == Stage::Running ? limit_while_running(work_.lease, server_of(), times_) : std::nullopt;
}

void Attempt::stop(OutcomeKind kind, std::string reason, std::optional<Millis> longest_grace, Instant now,
                   Actions& out) {
  if (over() || stage_ == Stage::Reading) return;
  const bool ended_by_itself =
      ended_.has_value() && !(kind == OutcomeKind::Preempted && was_ended_by_outside_signal());
  if (!verdict_ && !ended_by_itself) {
    Outcome verdict;
    verdict.kind = kind;
    verdict.reason = std::move(reason);
    verdict.phase = clock_.name();
    verdict_ = std::move(verdict);
  }
  if (stage_ == Stage::AwaitingSignal || waiting()) return decide(now, out);
  const Millis grace = std::min(work_.kill_grace, longest_grace.value_or(Millis::max()));
  kill_.set_grace(grace);
  if (!processes_live()) return;  // it is stopped as soon as it has started
  if (!kill_.begun()) return send_signal(kill_.begin(grace, now), out);
  kill_.hurry(grace, now);
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
  if (finished()) {
    if (now >= resend_at_) send_finished(now, out);
    return;
  }
  if (const auto limit = next_limit(); limit && now >= limit->at) {
    stop(OutcomeKind::TimedOut, limit->reason, std::nullopt, now, out);
  } else if (processes_live() && kill_.begun() && now >= *kill_.deadline()) {
    escalate(now, out);
  } else if (stage_ == Stage::AwaitingSignal && now >= *times_.ended_at + setup_.limits.signal_lag) {
    decide(now, out);
  }
  if (!over()) send_progress(gate_.take(now), out);
}

std::optional<Instant> Attempt::next_deadline() const {
  if (finished()) return resend_at_;
  if (over()) return std::nullopt;
  std::optional<Instant> next = gate_.deadline();
  if (const auto limit = next_limit()) next = earlier(next, limit->at);
  if (processes_live()) next = earlier(next, kill_.deadline());
  if (stage_ == Stage::AwaitingSignal) next = earlier(next, *times_.ended_at + setup_.limits.signal_lag);
  if (waiting()) next = earlier(next, gpus_.deadline());
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
  if (stage_ == Stage::Ending) all_gone(now, out);
}

void Attempt::all_gone(Instant now, Actions& out) {
  if (!verdict_ && was_ended_by_outside_signal()) {
    stage_ = Stage::AwaitingSignal;
    return;
  }
  decide(now, out);
}

bool Attempt::was_ended_by_outside_signal() const {
  if (!ended_) return false;
  const auto ended_by = [&](int signal) { return ended_->signal == signal || ended_->code == 128 + signal; };
  return ended_by(SIGTERM) || ended_by(SIGINT) || ended_by(SIGHUP) || ended_by(SIGUSR1) || ended_by(SIGUSR2);
}

void Attempt::decide(Instant now, Actions& out) {
  if (verdict_) return finish(*verdict_, now, out);
  if (!ended_ || ended_->code != 0) return finish(outcome_of_exit(), now, out);
  stage_ = Stage::Reading;
  out.emplace_back(ReadResult{ref(), result_path()});
}

Outcome Attempt::outcome_of_exit() const {
  const std::string last_words = err_.last_line().empty() ? out_.last_line() : err_.last_line();
  Outcome out = outcome(OutcomeKind::BenchmarkFailed, clipped(printable(last_words), kMaxLastWords));
  if (ended_) {
    out.exit_code = ended_->code;
    out.signal = ended_->signal;
  }
  return out;
}

void Attempt::on(const ResultRead& input, Instant now, Actions& out) {
  if (stage_ != Stage::Reading) return;
  Outcome end = check_result(input, old_result_, result_path());
  if (end.kind == OutcomeKind::Ok) {
    new_result_ = input.stamp;
    result_ = input.bytes;
  }
  finish(std::move(end), now, out);
}

void Attempt::finish(Outcome end, Instant now, Actions& out) {
  if (end.phase.empty() && end.kind != OutcomeKind::Ok) end.phase = clock_.name();
  if (kill_.gave_up()) {
    end.reason += std::string(end.reason.empty() ? "" : "; ") + "some of its processes survived SIGKILL";
  }
  send_progress(gate_.take_last(), out);
  finished_.ref = ref();
  finished_.outcome = std::move(end);
  const auto began_at = times_.waiting_since ? times_.waiting_since : times_.started_at;
  if (began_at) finished_.wall_ms = (times_.ended_at.value_or(now) - *began_at).count();
  if (needs_server() && times_.started_at && !times_.ready_at)
    clock_.rename("benchmark");  // the client does not print it
  account_.phases = clock_.times(times_.ended_at.value_or(now));
  account_.gpu_use = gpus_.use(times_.ended_at.value_or(now));
  if (!gpus_.flaw().empty()) add_flaw(gpus_.flaw());
  finished_.account = account_;
  stage_ = Stage::Spooling;
  out.emplace_back(SpoolResult{finished_, result_});
}

void Attempt::on(const Spooled&, Instant now, Actions& out) {
  if (stage_ != Stage::Spooling) return;
  stage_ = Stage::Finished;
  send_finished(now, out);
}

void Attempt::send_finished(Instant now, Actions& out) {
  out.emplace_back(Send{finished_, result_});
  resend_at_ = now + setup_.limits.resend;
}

void Attempt::on_settled(bool accepted, Actions& out) const {
  out.emplace_back(DropSpooled{ref(), {}});
  if (accepted && new_result_) out.emplace_back(RemoveFile{result_path(), *new_result_});
}

void Attempt::repeat_answer(Instant now, Actions& out) {
  if (finished()) return send_finished(now, out);
  if (stage_ == Stage::Spooling) return;  // Finished is sent soon
  if (pid_ != 0) out.emplace_back(Send{wire::Started{ref(), pid_}, {}});
}

void Attempt::on_reconnected(Instant now, Actions& out) {
  for (OutputPiece& piece : backlog_.take(kLongestOutputPiece))
    out.emplace_back(Send{wire::LogChunk{ref(), piece.is_stderr}, std::move(piece.bytes)});
  if (finished()) return send_finished(now, out);
  gate_.repeat();
  send_progress(gate_.take(now), out);
}

}  // namespace sweep::agent
