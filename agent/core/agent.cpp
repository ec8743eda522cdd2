#include "agent/core/agent.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>

#include "agent/core/environment.hpp"
#include "agent/core/node_traits.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kMaxPartition = 256;  // as the wire has it

std::string seconds(Millis time) {
  return std::to_string(time.count() / 1000) + " s";
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal);
}

/// Whether it may be said on a connection whose Hello has not been answered.
bool needs_no_answer(const wire::Message& message) {
  return std::holds_alternative<wire::Hello>(message) || std::holds_alternative<wire::Goodbye>(message);
}

}  // namespace

Actions Agent::on(const Input& input, Instant now) {
  Actions out;
  if (ended_) return out;
  std::visit([&](const auto& what) { take(what, now, out); }, input);
  serve(now, out);
  end_if_done(now, out);
  keep_order(out, now);
  return out;
}

// Drops what cannot be said now. Everything that goes through this is either repeated when the controller has
// answered, or may be lost (PROTOCOL.md, Order), or is output, which its attempt keeps until then.
void Agent::keep_order(Actions& out, Instant now) {
  const auto must_wait = [&](const Action& action) {
    const auto* send = std::get_if<Send>(&action);
    return send != nullptr && !(connected_ && (answered_ || needs_no_answer(send->message)));
  };
  for (const Action& action : out) {
    if (!must_wait(action)) continue;
    const Send& send = std::get<Send>(action);
    const auto* chunk = std::get_if<wire::LogChunk>(&send.message);
    Attempt* attempt = chunk == nullptr ? nullptr : find(chunk->ref);
    if (attempt != nullptr) attempt->keep(chunk->is_stderr, send.bulk);
  }
  std::erase_if(out, must_wait);
  const bool sent =
      std::any_of(out.begin(), out.end(), [](const Action& a) { return std::holds_alternative<Send>(a); });
  if (sent) last_sent_ = now;
}

// ---- connection

void Agent::take(const Connected&, Instant now, Actions& out) {
  if (connected_ && answered_) alone_since_ = now;  // its end went unseen
  connected_ = true;
  answered_ = false;
  out.emplace_back(Send{setup_.hello, {}});
}

void Agent::take(const Disconnected&, Instant now, Actions&) {
  if (answered_) alone_since_ = now;
  connected_ = false;
  answered_ = false;
}

void Agent::take(const Refused&, Instant now, Actions& out) {
  leave(
      "the controller at " + setup_.endpoint + " does not know this sweep's key; it belongs to another sweep",
      OutcomeKind::Infrastructure, std::nullopt, now, out);
}

void Agent::take(const Undecodable& input, Instant now, Actions& out) {
  if (input.fault == wire::DecodeFault::WrongVersion) {
    leave("the controller at " + setup_.endpoint + " speaks another protocol: " + input.why,
          OutcomeKind::Infrastructure, std::nullopt, now, out);
  } else if (!warned_) {
    warned_ = true;
    out.emplace_back(Warn{"ignored what is no message from the controller: " + printable(input.why)});
  }
}

void Agent::take(const Received& input, Instant now, Actions& out) {
  std::visit([&](const auto& message) { hear(message, now, out); }, input.message);
}

void Agent::answered(Instant now, Actions& out) {
  answered_ = true;
  for (Attempt& attempt : attempts_)
    attempt.reconnected(now, out);
  for (Adoption& adopted : adopted_) {
    adopted.say_again_at = now + setup_.limits.resend;
    out.emplace_back(Send{adopted.finished, adopted.bytes});
  }
}

void Agent::hear(const wire::Welcome& message, Instant now, Actions& out) {
  // It came on a connection that has been cut since: the next one brings another.
  if (!connected_) return;
  const bool first = !welcome_;
  welcome_ = message;
  answered(now, out);
  if (first) out.emplace_back(OpenSpool{message.spool, message.sweep, setup_.hello.agent});
  if (first && message.asks_node && !node_question(setup_.hello).empty()) {
    node_until_ = now + setup_.limits.job_end;
    out.emplace_back(AskNode{});
  }
  // After a lost connection too: the answer to Ready is what was missed.
  ask_for_work(out);
}

void Agent::ask_for_work(Actions& out) const {
  if (leaving_ || asks_job_end_ || node_until_ || !welcome_) return;
  wire::Ready ready{job_end_ ? to_unix_ms(*job_end_) : 0, job_sharing_, slurm_};
  ready.features = features_;
  ready.gpu_types = gpu_types_;
  ready.partition =
      clipped(printable(look_up(setup_.environment, "SLURM_JOB_PARTITION").value_or("")), kMaxPartition);
  out.emplace_back(Send{std::move(ready), {}});
}

void Agent::take(const JobEndKnown& input, Instant, Actions& out) {
  if (!asks_job_end_) return;
  asks_job_end_ = false;
  if (input.end) job_end_ = input.end;
  job_sharing_ = printable(input.sharing);
  slurm_ = printable(input.slurm);
  ask_for_work(out);
}

void Agent::take(const NodeKnown& input, Instant, Actions& out) {
  if (!node_until_) return;
  node_until_.reset();
  features_ = input.features;
  gpu_types_.insert(gpu_types_.end(), input.gpu_types.begin(), input.gpu_types.end());
  ask_for_work(out);
}

/// The driver may name what Slurm does not.
void Agent::learn_gpu_type(const std::string& name, Actions& out) {
  if (name.empty() || std::find(gpu_types_.begin(), gpu_types_.end(), name) != gpu_types_.end()) return;
  gpu_types_.push_back(clipped(printable(name), kMaxPartition));
  if (welcome_ && welcome_->asks_node) ask_for_work(out);
}

void Agent::take(const GpuTold& input, Instant, Actions& out) {
  if (const auto* sample = std::get_if<GpuSample>(&input.report)) {
    samples_come_ = true;
    for (Attempt& attempt : attempts_)
      attempt.on(*sample);
  } else if (const auto* facts = std::get_if<NvmlFacts>(&input.report)) {
    origin_.driver = printable(facts->driver);
    origin_.gpus = printable(gpu_names(facts->gpus));
    for (Attempt& attempt : attempts_)
      attempt.runs_on(origin_);
    for (const GpuFacts& gpu : facts->gpus)
      learn_gpu_type(gpu.name, out);
  } else if (const auto* problem = std::get_if<GpuProblem>(&input.report)) {
    out.emplace_back(
        Warn{"GPU " + printable(problem->gpu) + " tells nothing: " + printable(problem->problem)});
  } else if (const auto* off = std::get_if<TelemetryOff>(&input.report)) {
    samples_come_ = false;
    // A machine without NVML is nothing to speak of.
    if (!off->for_good) out.emplace_back(Warn{"no telemetry of the GPUs: " + printable(off->why)});
  }
}

// ---- what others have left in the spool

void Agent::take(const Adopted& input, Instant now, Actions& out) {
  more_to_adopt_ = input.more;
  adopted_.push_back({input.finished, input.bytes, now + setup_.limits.resend});
  out.emplace_back(Send{input.finished, input.bytes});
}

void Agent::settle_adopted(const AttemptRef& ref, Actions& out) {
  const auto found = std::find_if(adopted_.begin(), adopted_.end(),
                                  [&](const Adoption& adopted) { return adopted.finished.ref == ref; });
  if (found == adopted_.end()) return;
  out.emplace_back(DropSpooled{ref, found->finished.of});
  adopted_.erase(found);
}

void Agent::hear(const wire::Reject& message, Instant now, Actions& out) {
  if (!answered_) connected_ = false;  // no Goodbye: it could be taken for that of another agent of this name
  leave("the controller at " + setup_.endpoint + " rejects this agent: " + printable(message.reason),
        OutcomeKind::Infrastructure, std::nullopt, now, out);
}

// ---- attempts

Attempt* Agent::find(const AttemptRef& ref) {
  const auto found =
      std::find_if(attempts_.begin(), attempts_.end(), [&](const Attempt& a) { return a.ref() == ref; });
  return found == attempts_.end() ? nullptr : &*found;
}

template <class AboutAttempt>
void Agent::take(const AboutAttempt& input, Instant now, Actions& out) {
  if (Server* server = find_server(input.ref)) return server->on(input, now, out);
  if (Attempt* attempt = find(input.ref)) attempt->on(input, now, out);
}

void Agent::take(const SetupFailed& input, Instant now, Actions& out) {
  Server* server = find_server(input.ref);
  Attempt* attempt = server == nullptr ? find(input.ref) : nullptr;
  if (server == nullptr && attempt == nullptr) return;
  if (const auto& image = server != nullptr ? server->image() : attempt->image()) images_.forget(*image);
  server != nullptr ? server->on(input, now, out) : attempt->on(input, now, out);
}

void Agent::hear(const wire::Lease& message, Instant now, Actions& out) {
  if (!welcome_ || leaving_) return;
  if (Attempt* attempt = find(message.ref)) return attempt->answer_again(now, out);
  accept(message, now, out);
}

void Agent::hear(const wire::Settled& message, Instant, Actions& out) {
  Attempt* attempt = find(message.ref);
  if (attempt == nullptr) return settle_adopted(message.ref, out);
  if (!attempt->finished()) return;
  attempt->settled(message.accepted, out);
  attempts_.erase(
      std::find_if(attempts_.begin(), attempts_.end(), [&](const Attempt& a) { return &a == attempt; }));
}

void Agent::hear(const wire::Cancel& message, Instant now, Actions& out) {
  if (Attempt* attempt = find(message.ref)) {
    attempt->stop(OutcomeKind::Cancelled, printable(message.reason), std::nullopt, now, out);
  }
}

// ---- time

Instant Agent::contact_deadline() const {
  if (!welcome_) return alone_since_ + setup_.limits.first_welcome;
  return alone_since_ + (welcome_->away_ms > 0 ? Millis(welcome_->away_ms) : setup_.limits.away);
}

std::optional<Instant> Agent::heartbeat_at() const {
  if (!connected_ || !answered_ || !welcome_) return std::nullopt;
  return last_sent_ + Millis(welcome_->heartbeat_ms);
}

void Agent::take(const Tick&, Instant now, Actions& out) {
  if (!answered_ && !leaving_ && now >= contact_deadline()) {
    const std::string how = welcome_ ? "no connection for " + seconds(now - alone_since_)
                                     : "no answer within " + seconds(setup_.limits.first_welcome);
    const std::string remedy =
        welcome_ ? "; what is done is kept, and --sweep-resume (sweepctl run --resume) goes on with the sweep"
                 : "";
    leave(how + " to the controller at " + setup_.endpoint + remedy, OutcomeKind::Infrastructure,
          std::nullopt, now, out);
  }
  if (asks_job_end_ && now >= ask_until_) take(JobEndKnown{}, now, out);
  if (node_until_ && now >= *node_until_) take(NodeKnown{}, now, out);
  for (Attempt& attempt : attempts_)
    attempt.on_time(now, out);
  for (Server& server : servers_)
    server.on_time(now, out);
  images_.on_time(now, out);
  for (Adoption& adopted : adopted_) {
    if (now < adopted.say_again_at) continue;
    adopted.say_again_at = now + setup_.limits.resend;
    out.emplace_back(Send{adopted.finished, adopted.bytes});
  }
  if (const auto at = heartbeat_at(); at && now >= *at) out.emplace_back(Send{wire::Heartbeat{}, {}});
}

std::optional<Instant> Agent::next_deadline() const {
  if (ended_) return std::nullopt;
  std::optional<Instant> next = heartbeat_at();
  if (!answered_ && !leaving_) next = earlier(next, contact_deadline());
  if (asks_job_end_) next = earlier(next, ask_until_);
  next = earlier(next, node_until_);
  for (const Attempt& attempt : attempts_)
    next = earlier(next, attempt.next_deadline());
  for (const Server& server : servers_)
    next = earlier(next, server.next_deadline());
  next = earlier(next, images_.next_deadline());
  for (const Adoption& adopted : adopted_)
    next = earlier(next, adopted.say_again_at);
  if (leaving_) next = earlier(next, leaving_->settle_until);
  return next;
}

// ---- the end

void Agent::hear(const wire::Drain& message, Instant now, Actions& out) {
  drain_ = message;
  // Where it is the answer to Hello: nothing was said yet.
  if (!answered_ && connected_) answered(now, out);
}

void Agent::take(const Signalled& input, Instant now, Actions& out) {
  if (leaving_ && leaving_->killing) {
    for (Attempt& attempt : attempts_)
      attempt.kill(now, out);
    for (Server& server : servers_)
      server.kill(now, out);
    return;
  }
  leave(reason_of(input.signal, now), OutcomeKind::Preempted, setup_.limits.stop_grace, now, out);
  leaving_->killing = leaving_->waits = true;
}

std::string Agent::reason_of(int signal, Instant now) const {
  const std::string name = signal_name(signal);
  if (job_end_ && now >= *job_end_) return "stopped by " + name + ": its job has reached its time limit";
  const bool warns = signal == SIGUSR1 || signal == SIGUSR2;
  if (!warns) return "stopped by " + name;
  return "warned by " + name + (job_end_ ? ": its job ends in " + seconds(*job_end_ - now) : "");
}

// Stops what runs and remembers why the agent ends; end_if_done() ends it. The first reason stays.
void Agent::leave(const std::string& reason, OutcomeKind kind, std::optional<Millis> longest_grace,
                  Instant now, Actions& out) {
  if (!leaving_) leaving_ = Leaving{.status = 1, .reason = reason, .settle_until = {}};
  for (Attempt& attempt : attempts_)
    attempt.stop(kind, reason, longest_grace, now, out);
  stop_servers(false, longest_grace, now, out);
  images_.stop_all(out);
}

/// Whether the controller's word on what was said last is still to come: without it, what is safe with the
/// controller would look as if it were not.
bool Agent::waits_to_be_settled(Instant now) {
  if (!leaving_->waits || attempts_.empty() || !welcome_) return false;
  if (!leaving_->settle_until) leaving_->settle_until = now + setup_.limits.settle;
  return now < *leaving_->settle_until;
}

void Agent::end_if_done(Instant now, Actions& out) {
  const bool all_finished =
      std::all_of(attempts_.begin(), attempts_.end(), [](const Attempt& a) { return a.finished(); });
  if (!servers_.empty()) return;  // they are stopped before it ends
  if (leaving_ && all_finished) {
    if (waits_to_be_settled(now)) return;
    out.emplace_back(Send{wire::Goodbye{leaving_->reason}, {}});
    out.emplace_back(Exit{leaving_->status, leaving_->reason});
    ended_ = true;
  } else if (drain_ && attempts_.empty() && adopted_.empty() && !more_to_adopt_) {
    out.emplace_back(Send{wire::Goodbye{drain_->reason}, {}});
    out.emplace_back(Exit{drain_->complete ? 0 : 1, {}});
    ended_ = true;
  }
}

}  // namespace sweep::agent
