#include "agent/core/attempt.hpp"

#include <algorithm>
#include <csignal>

#include "agent/core/contained.hpp"
#include "agent/core/environment.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kMaxChunk = 64 * 1024;
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

void Attempt::give_server(const std::optional<AttemptRef>& server, bool started) {
  server_ = server;
  account_.servers = account_.servers.value_or(0) + (started ? 1 : 0);
}

void Attempt::waits_in(const std::string& phase, Bar how_far, Instant now, Actions& out) {
  if (!waits_since_) waits_since_ = now;
  clock_.enter(phase, now);
  gate_.set({phase, how_far.done, how_far.total});
  tell_progress(gate_.take(now), out);
}

Server::Plan Attempt::server_plan() const {
  Server::Plan plan;
  plan.spec = work_.lease.server;
  plan.ready_ms = work_.lease.timeouts.server_ms;
  plan.variables = work_.lease.environment;
  plan.gpus = work_.gpus;
  plan.directory = where();
  plan.kill_grace = work_.kill_grace;
  plan.container = work_.lease.container;
  plan.image = work_.image;
  plan.staged = staged_;
  plan.workspace = work_.directory;
  return plan;
}

void Attempt::server_failed(const Outcome& why, std::vector<std::string> says, Instant now, Actions& out) {
  const bool ended_by_itself = ended_ && !verdict_;
  if (over() || ended_by_itself) return;
  account_.server_says = std::move(says);
  if (waiting()) return finish(why, now, out);
  if (verdict_) return;
  stop(why.kind, why.reason, std::nullopt, now, out);
  verdict_->exit_code = why.exit_code;
  verdict_->signal = why.signal;
}

void Attempt::give_image(const container::Staged& staged) {
  staged_ = staged;
  account_.origin.runtime =
      printable(staged.version.empty() ? std::string(runtime_word(staged.runtime)) : staged.version);
  account_.origin.image = printable(container().image);  // as the profile names it: where it lies is chance
  account_.origin.digest = printable(staged.digest);
}

void Attempt::runs_on(const Origin& origin) {
  const Origin own = account_.origin;
  account_.origin = origin;
  account_.origin.commit = own.commit;
  // Its container's, else what all of the step is in.
  if (!own.runtime.empty()) account_.origin.runtime = own.runtime;
  if (!own.image.empty()) account_.origin.image = own.image;
  account_.origin.digest = own.digest;
}

void Attempt::doubt(const std::string& flaw) {
  auto& flaws = account_.flaws;
  if (std::find(flaws.begin(), flaws.end(), flaw) == flaws.end()) flaws.push_back(flaw);
}

// What PWD says: nothing where the agent's own directory is right.
std::string Attempt::where() const {
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
  Variables gpus;
  if (!work_.gpus.empty()) gpus = gpu_variables(setup_.gpus, work_.gpus);
  auto environment = benchmark_environment(setup_.environment, work_.lease.environment, gpus, port_, where());
  environment.push_back(mark_of(ref()));
  Spawn spawn{ref(), work_.argv, std::move(environment), where(), mark_of(ref()), work_.contained};
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
  started_at_ = now;
  clock_.enter(needs_server() ? "warm-up" : "server", now);
  if (needs_server()) watch_.begin(now);  // its client may not tell when its main run begins
  out.emplace_back(Send{wire::Started{ref(), pid_}, {}});
  gate_.set({clock_.name(), 0, 0});
  tell_progress(gate_.take(now), out);
  if (verdict_) begin_kill(grace_, now, out);
}

void Attempt::on(const StartFailed& input, Instant now, Actions& out) {
  if (stage_ != Stage::Starting) return;
  finish(verdict_.value_or(outcome(OutcomeKind::BenchmarkFailed, input.reason)), now, out);
}

// ---- while it runs

void Attempt::on(const Output& input, Instant now, Actions& out) {
  if (!processes_live()) return;
  const std::string_view all = input.bytes;
  for (std::size_t at = 0; at < all.size(); at += kMaxChunk) {
    out.emplace_back(Send{wire::LogChunk{ref(), input.is_stderr}, std::string(all.substr(at, kMaxChunk))});
  }
  for (const Sighting& sighting : (input.is_stderr ? err_ : out_).feed(all)) {
    see(sighting, now);
    tell_progress(gate_.take(now), out);
  }
}

void Attempt::see(const Sighting& sighting, Instant now) {
  if (const auto* bar = std::get_if<Bar>(&sighting)) {
    gate_.set({clock_.name(), bar->done, bar->total});
  } else if (!ready_at_ && (!needs_server() || std::holds_alternative<MainRun>(sighting))) {
    ready_at_ = now;
    watch_.begin(now);
    clock_.enter("benchmark", now);
    gate_.set({clock_.name(), 0, 0});
  }
}

void Attempt::tell_progress(std::optional<Whereabouts> where, Actions& out) const {
  if (where) out.emplace_back(Send{wire::Progress{ref(), where->phase, where->done, where->total}, {}});
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
  ended_at_ = now;
  // The rest of its group. Nothing happens where there is none.
  if (kill_ == Kill::None) begin_kill(work_.kill_grace, now, out);
}

void Attempt::on(const GroupGone&, Instant now, Actions& out) {
  if (stage_ == Stage::Ending) all_gone(now, out);
}

void Attempt::all_gone(Instant now, Actions& out) {
  if (!verdict_ && was_ended_by_outside_signal()) {
    stage_ = Stage::Doubtful;
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
  Outcome end = outcome_of_result(input);
  if (end.kind == OutcomeKind::Ok) {
    new_result_ = input.stamp;
    result_ = input.bytes;
  }
  finish(std::move(end), now, out);
}

Outcome Attempt::outcome_of_result(const ResultRead& result) const {
  const std::string path = "'" + result_path() + "'";
  const auto none = [](std::string reason) { return outcome(OutcomeKind::NoResult, std::move(reason)); };
  const auto with_status = [&](Outcome out) {
    out.exit_code = ended_->code;
    return out;
  };
  if (!result.stamp) {
    return with_status(none(result.problem.empty() ? "it left no " + path : result.problem));
  }
  if (result.stamp == old_result_)
    return with_status(none("it left " + path + " as it was before the start"));
  if (result.stamp->bytes > wire::kMaxBulkBytes) {
    return with_status(outcome(OutcomeKind::InvalidResult,
                               path + " has " + std::to_string(result.stamp->bytes) +
                                   " bytes; a result has at most " + std::to_string(wire::kMaxBulkBytes)));
  }
  if (!result.problem.empty()) return with_status(none(result.problem));
  if (result.bytes.empty()) return with_status(none("it left " + path + " empty"));
  return with_status(outcome(OutcomeKind::Ok, {}));
}

void Attempt::finish(Outcome end, Instant now, Actions& out) {
  if (end.phase.empty() && end.kind != OutcomeKind::Ok) end.phase = clock_.name();
  if (gave_up_) {
    end.reason += std::string(end.reason.empty() ? "" : "; ") + "some of its processes outlive SIGKILL";
  }
  tell_progress(gate_.take_last(), out);
  finished_.ref = ref();
  finished_.outcome = std::move(end);
  const auto began_at = waits_since_ ? waits_since_ : started_at_;
  if (began_at) finished_.wall_ms = (ended_at_.value_or(now) - *began_at).count();
  if (needs_server() && started_at_ && !ready_at_) clock_.rename("benchmark");  // its client does not tell
  account_.phases = clock_.times(ended_at_.value_or(now));
  account_.gpu_use = watch_.use(ended_at_.value_or(now));
  if (!watch_.flaw().empty()) doubt(watch_.flaw());
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
  say_again_at_ = now + setup_.limits.resend;
}

void Attempt::settled(bool accepted, Actions& out) const {
  out.emplace_back(DropSpooled{ref(), {}});
  if (accepted && new_result_) out.emplace_back(RemoveFile{result_path(), *new_result_});
}

void Attempt::answer_again(Instant now, Actions& out) {
  if (finished()) return send_finished(now, out);
  if (stage_ == Stage::Spooling) return;  // it is about to be said
  if (pid_ != 0) out.emplace_back(Send{wire::Started{ref(), pid_}, {}});
}

void Attempt::reconnected(Instant now, Actions& out) {
  for (Backlog::Piece& piece : backlog_.take(kMaxChunk))
    out.emplace_back(Send{wire::LogChunk{ref(), piece.is_stderr}, std::move(piece.bytes)});
  if (finished()) return send_finished(now, out);
  gate_.repeat();
  tell_progress(gate_.take(now), out);
}

}  // namespace sweep::agent
