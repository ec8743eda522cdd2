#include "agent/core/agent.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>

#include "agent/core/node_traits.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

std::string seconds(Millis time) {
  return std::to_string(time.count() / 1000) + " s";
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal);
}

/// Returns true if the message may be sent on a connection on which Hello has not been answered.
bool needs_no_answer(const wire::Message& message) {
  return std::holds_alternative<wire::Hello>(message) || std::holds_alternative<wire::Goodbye>(message);
}

}  // namespace

Agent::Agent(Setup setup, Instant start)
    : setup_(std::move(setup)),
      unanswered_since_(start),
      last_sent_(start),
      facts_(setup_, start),
      origin_(setup_.origin),
      servers_(setup_, attempts_),
      starter_(setup_, attempts_, servers_),
      intake_(setup_, attempts_, servers_),
      adopted_(setup_.limits.resend),
      no_samples_because_(setup_.sampled.empty() ? "there are no NVIDIA GPUs" : "") {}

Actions Agent::on(const Input& input, Instant now) {
  Actions out;
  if (ended_) return out;
  std::visit([&](const auto& what) { handle(what, now, out); }, input);
  starter_.advance(now, out);
  end_if_done(now, out);
  remove_premature(out, now);
  flow_.apply(out);
  return out;
}

// Removes messages that must not be sent yet. Each of them either is sent again when the controller has
// answered, or may be lost (PROTOCOL.md, Order), or is output, which its attempt keeps until then.
void Agent::remove_premature(Actions& out, Instant now) {
  const auto must_wait = [&](const Action& action) {
    const auto* send = std::get_if<Send>(&action);
    return send != nullptr && !(connected_ && (answered_ || needs_no_answer(send->message)));
  };
  for (const Action& action : out) {
    if (!must_wait(action)) continue;
    const Send& send = std::get<Send>(action);
    const auto* chunk = std::get_if<wire::LogChunk>(&send.message);
    Attempt* attempt = chunk == nullptr ? nullptr : find(chunk->ref);
    if (attempt != nullptr) attempt->keep_output(chunk->is_stderr, send.bulk);
  }
  std::erase_if(out, must_wait);
  const bool sent =
      std::any_of(out.begin(), out.end(), [](const Action& a) { return std::holds_alternative<Send>(a); });
  if (sent) last_sent_ = now;
}

// ---- connection

void Agent::handle(const Connected&, Instant now, Actions& out) {
  if (connected_ && answered_) unanswered_since_ = now;  // the end of the old connection was not reported
  connected_ = true;
  answered_ = false;
  flow_.on_new_connection(out);
  out.emplace_back(Send{setup_.hello, {}});
}

void Agent::handle(const Disconnected&, Instant now, Actions&) {
  if (answered_) unanswered_since_ = now;
  connected_ = false;
  answered_ = false;
}

void Agent::handle(const Refused&, Instant now, Actions& out) {
  leave("the controller at " + setup_.endpoint +
            " does not accept this sweep's key; it belongs to another sweep",
        OutcomeKind::Infrastructure, std::nullopt, now, out);
}

void Agent::handle(const Undecodable& input, Instant now, Actions& out) {
  if (input.fault == wire::DecodeFault::WrongVersion) {
    leave("the controller at " + setup_.endpoint + " uses another protocol version: " + input.why,
          OutcomeKind::Infrastructure, std::nullopt, now, out);
  } else if (!warned_) {
    warned_ = true;
    out.emplace_back(Warn{"ignored an invalid message from the controller: " + printable(input.why)});
  }
}

void Agent::handle(const Received& input, Instant now, Actions& out) {
  std::visit([&](const auto& message) { receive(message, now, out); }, input.message);
}

void Agent::on_answered(Instant now, Actions& out) {
  answered_ = true;
  for (Attempt& attempt : attempts_)
    attempt.on_reconnected(now, out);
  adopted_.on_reconnected(now, out);
}

void Agent::receive(const wire::Welcome& message, Instant now, Actions& out) {
  // This Welcome came on a connection that has been cut since; the next connection brings another one.
  if (!connected_) return;
  const bool first = !welcome_;
  welcome_ = message;
  flow_.set(message.log_limit, message.log_window);
  on_answered(now, out);
  if (first) out.emplace_back(OpenSpool{message.spool, message.sweep, setup_.hello.agent});
  if (first && message.asks_gpus && !setup_.sampled.empty()) facts_.expect_gpus(now);
  ask_about_node(now, out);
  // After a lost connection too: the lost message may have been the answer to Ready.
  ask_for_work(out);
}

void Agent::receive(const wire::Reject& message, Instant now, Actions& out) {
  // Without a Goodbye: the controller could take it for that of another agent with the same name.
  if (!answered_) connected_ = false;
  leave("the controller at " + setup_.endpoint + " rejected this agent: " + printable(message.reason),
        OutcomeKind::Infrastructure, std::nullopt, now, out);
}

/// Asks Slurm about the node, once, if the controller needs its answer: for the node's traits, or for the type
/// of GPUs whose driver does not report a name.
void Agent::ask_about_node(Instant now, Actions& out) {
  if (!welcome_ || node_command(setup_.hello).empty()) return;
  const bool for_gpus = welcome_->asks_gpus && !setup_.hello.gpus.empty() && facts_.lacks_gpu_names();
  if ((welcome_->asks_node || for_gpus) && facts_.expect_node(now)) out.emplace_back(AskNode{});
}

void Agent::ask_for_work(Actions& out) const {
  if (!leaving_ && !facts_.pending() && welcome_) out.emplace_back(Send{facts_.ready(), {}});
}

void Agent::handle(const JobEndKnown& input, Instant, Actions& out) {
  if (facts_.on(input)) ask_for_work(out);
}

void Agent::handle(const NodeKnown& input, Instant, Actions& out) {
  if (facts_.on(input)) ask_for_work(out);
}

void Agent::handle(const GpuReported& input, Instant now, Actions& out) {
  if (const auto* sample = std::get_if<GpuSample>(&input.report)) {
    starter_.set_samples_expected(true);
    no_samples_because_.clear();
    for (Attempt& attempt : attempts_)
      attempt.on(*sample, now, out);
  } else if (const auto* facts = std::get_if<NvmlFacts>(&input.report)) {
    origin_.driver = printable(facts->driver);
    origin_.gpus = printable(gpu_names(facts->gpus));
    for (Attempt& attempt : attempts_)
      attempt.set_origin(origin_);
    bool news = false;
    for (const GpuFacts& gpu : facts->gpus)
      news = facts_.add_gpu_type(gpu.name) || news;
    on_gpu_names(news, now, out);
  } else if (const auto* problem = std::get_if<GpuProblem>(&input.report)) {
    out.emplace_back(
        Warn{"cannot sample GPU " + printable(problem->gpu) + ": " + printable(problem->problem)});
  } else if (const auto* off = std::get_if<TelemetryOff>(&input.report)) {
    starter_.set_samples_expected(false);
    on_gpu_names(false, now, out);
    // A machine without NVML is normal and needs no warning.
    if (!off->for_good) out.emplace_back(Warn{"GPU telemetry is off: " + printable(off->why)});
    if (off->for_good) no_samples_because_ = off->why;
    warn_without_samples(out);
  }
}

/// Warns, once, if an attempt has to leave a gpu_metrics.csv and there are no samples of its GPUs.
void Agent::warn_without_samples(Actions& out) {
  const bool lacks = std::any_of(attempts_.begin(), attempts_.end(),
                                 [](const Attempt& attempt) { return attempt.lacks_samples(); });
  if (no_samples_because_.empty() || !lacks || std::exchange(warned_without_samples_, true)) return;
  out.emplace_back(Warn{"no GPU telemetry: " + printable(no_samples_because_) +
                        "; points have a gpu_metrics.csv only if their script writes it"});
}

/// Handles the end of the driver's list of GPU names. `news`: there were new ones.
void Agent::on_gpu_names(bool news, Instant now, Actions& out) {
  const bool awaited = facts_.end_gpu_names();
  ask_about_node(now, out);
  const bool needed = welcome_ && (welcome_->asks_node || welcome_->asks_gpus);
  if (awaited || (news && needed)) ask_for_work(out);
}

// ---- attempts

Attempt* Agent::find(const AttemptRef& ref) {
  const auto found =
      std::find_if(attempts_.begin(), attempts_.end(), [&](const Attempt& a) { return a.ref() == ref; });
  return found == attempts_.end() ? nullptr : &*found;
}

template <class InputWithRef>
void Agent::handle(const InputWithRef& input, Instant now, Actions& out) {
  if (Server* server = servers_.find(input.ref)) return server->on(input, now, out);
  if (Attempt* attempt = find(input.ref)) attempt->on(input, now, out);
}

void Agent::handle(const GroupGone& input, Instant now, Actions& out) {
  survivors_.on_gone(input.ref);
  handle<GroupGone>(input, now, out);
}

void Agent::handle(const SetupFailed& input, Instant now, Actions& out) {
  Server* server = servers_.find(input.ref);
  Attempt* attempt = server == nullptr ? find(input.ref) : nullptr;
  if (server == nullptr && attempt == nullptr) return;
  if (const auto& image = server != nullptr ? server->image() : attempt->image())
    starter_.forget_image(*image);
  server != nullptr ? server->on(input, now, out) : attempt->on(input, now, out);
}

void Agent::handle(const StageReported& input, Instant, Actions&) {
  starter_.on(input);
}

void Agent::handle(const Adopted& input, Instant now, Actions& out) {
  adopted_.add(input, now, out);
}

void Agent::handle(const PieceRead& input, Instant, Actions& out) {
  out.emplace_back(Send{input.piece, input.bytes});
}

void Agent::receive(const wire::Fetch& message, Instant now, Actions& out) {
  if (Attempt* attempt = find(message.ref)) return attempt->on_fetch(message, now, out);
  adopted_.on_fetch(message, now, out);
}

void Agent::receive(const wire::Lease& message, Instant now, Actions& out) {
  if (!welcome_ || leaving_) return;
  if (Attempt* attempt = find(message.ref)) return attempt->repeat_answer(now, out);
  accept(message, now, out);
}

void Agent::accept(const wire::Lease& lease, Instant now, Actions& out) {
  auto work = intake_.work_for(lease, *welcome_);
  if (!work) {
    Work nothing;
    nothing.lease.ref = lease.ref;
    attempts_.emplace_back(setup_, std::move(nothing))
        .refuse(OutcomeKind::Infrastructure, work.error().message, now, out);
    return;
  }
  const bool has_command = !work->argv.empty();
  Attempt& attempt = attempts_.emplace_back(setup_, std::move(*work));
  attempt.set_origin(origin_);
  if (const auto free = survivors_.check(attempt.result_path()); !free)
    return attempt.refuse(OutcomeKind::Infrastructure, free.error().message, now, out);
  warn_without_samples(out);
  if (has_command) return starter_.advance(attempt, now, out);
  attempt.refuse(OutcomeKind::BenchmarkFailed,
                 "no command to run: give a benchmark on the command line or in the profile", now, out);
}

void Agent::receive(const wire::Settled& message, Instant, Actions& out) {
  Attempt* attempt = find(message.ref);
  if (attempt == nullptr) return adopted_.on_settled(message.ref, out);
  if (!attempt->finished()) return;
  attempt->on_settled(message.accepted, out);
  flow_.forget(message.ref);
  survivors_.add(*attempt);
  attempts_.erase(
      std::find_if(attempts_.begin(), attempts_.end(), [&](const Attempt& a) { return &a == attempt; }));
}

void Agent::receive(const wire::Cancel& message, Instant now, Actions& out) {
  if (Attempt* attempt = find(message.ref)) {
    attempt->stop(OutcomeKind::Cancelled, printable(message.reason), std::nullopt, now, out);
  }
}

void Agent::receive(const wire::LogCredit& message, Instant, Actions& out) {
  flow_.on_credit(message.bytes, out);
}

// ---- time

Instant Agent::contact_deadline() const {
  if (!welcome_) return unanswered_since_ + setup_.limits.first_welcome;
  return unanswered_since_ + (welcome_->away_ms > 0 ? Millis(welcome_->away_ms) : setup_.limits.away);
}

std::optional<Instant> Agent::heartbeat_at() const {
  if (!connected_ || !answered_ || !welcome_) return std::nullopt;
  return last_sent_ + Millis(welcome_->heartbeat_ms);
}

void Agent::handle(const Tick&, Instant now, Actions& out) {
  if (!answered_ && !leaving_ && now >= contact_deadline()) {
    const std::string reason =
        welcome_ ? "no connection to the controller at " + setup_.endpoint + " for " +
                       seconds(now - unanswered_since_) +
                       "; finished results are kept; resume the sweep with --sweep-resume (or sweepctl run "
                       "--resume)"
                 : "no answer from the controller at " + setup_.endpoint + " within " +
                       seconds(setup_.limits.first_welcome);
    leave(reason, OutcomeKind::Infrastructure, std::nullopt, now, out);
  }
  if (facts_.on_deadline(now)) {
    ask_about_node(now, out);
    ask_for_work(out);
  }
  for (Attempt& attempt : attempts_)
    attempt.on_deadline(now, out);
  servers_.on_deadline(now, out);
  starter_.on_deadline(now, out);
  adopted_.on_deadline(now, out);
  if (const auto at = heartbeat_at(); at && now >= *at) out.emplace_back(Send{wire::Heartbeat{}, {}});
}

std::optional<Instant> Agent::next_deadline() const {
  if (ended_) return std::nullopt;
  std::optional<Instant> next = heartbeat_at();
  if (!answered_ && !leaving_) next = earlier(next, contact_deadline());
  next = earlier(next, facts_.next_deadline());
  for (const Attempt& attempt : attempts_)
    next = earlier(next, attempt.next_deadline());
  next = earlier(next, servers_.next_deadline());
  next = earlier(next, starter_.next_deadline());
  next = earlier(next, adopted_.next_deadline());
  if (leaving_) next = earlier(next, leaving_->settle_until);
  return next;
}

// ---- the end

void Agent::receive(const wire::Drain& message, Instant now, Actions& out) {
  drain_ = message;
  starter_.end_soon();
  // If this Drain is the answer to Hello, nothing has been sent yet.
  if (!answered_ && connected_) on_answered(now, out);
}

void Agent::handle(const Signalled& input, Instant now, Actions& out) {
  if (leaving_ && leaving_->killing) {
    for (Attempt& attempt : attempts_)
      attempt.kill(now, out);
    servers_.kill(now, out);
    return;
  }
  leave(reason_of(input.signal, now), OutcomeKind::Preempted, setup_.limits.stop_grace, now, out);
  leaving_->killing = leaving_->awaits_settled = true;
}

// The caller's clock stood still, so every time limit goes on where it was. Slurm's limit does not.
void Agent::handle(const Suspended& input, Instant, Actions& out) {
  suspended_ += input.length;
  for (Attempt& attempt : attempts_)
    attempt.on(input);
  if (facts_.expect_new_job_end()) out.emplace_back(AskJobEnd{});
}

std::string Agent::reason_of(int signal, Instant now) const {
  now += suspended_;
  const std::string name = signal_name(signal);
  const auto& job_end = facts_.job_end();
  if (job_end && now >= *job_end) return "stopped by " + name + ": the job reached its time limit";
  const bool is_warning = signal == SIGUSR1 || signal == SIGUSR2;
  if (!is_warning) return "stopped by " + name;
  return "warned by " + name + (job_end ? ": the job ends in " + seconds(*job_end - now) : "");
}

// Stops all processes and records why the agent ends; end_if_done() ends it. The first reason counts.
void Agent::leave(const std::string& reason, OutcomeKind kind, std::optional<Millis> longest_grace,
                  Instant now, Actions& out) {
  if (!leaving_) leaving_ = Leaving{.status = 1, .reason = reason, .settle_until = {}};
  starter_.end_soon();
  for (Attempt& attempt : attempts_)
    attempt.stop(kind, reason, longest_grace, now, out);
  servers_.stop(false, longest_grace, now, out);
  starter_.stop_staging(out);
}

/// Returns true while the controller may still settle what was sent last: if the agent ended before, results
/// that the controller has would be reported as unacknowledged.
bool Agent::awaits_settled(Instant now, Actions& out) {
  if (!leaving_->awaits_settled || attempts_.empty() || !welcome_) return false;
  if (!leaving_->settle_until) leaving_->settle_until = now + setup_.limits.settle;
  if (now < *leaving_->settle_until) return true;
  // The results matter more than the files: offered once more without them.
  const bool any_files =
      std::any_of(attempts_.begin(), attempts_.end(), [](const Attempt& a) { return a.has_files(); });
  for (Attempt& attempt : attempts_)
    attempt.give_up_files(now, out);
  if (any_files) leaving_->settle_until = now + setup_.limits.settle;
  return any_files;
}

void Agent::end_if_done(Instant now, Actions& out) {
  const bool all_finished =
      std::all_of(attempts_.begin(), attempts_.end(), [](const Attempt& a) { return a.finished(); });
  if (!servers_.empty()) return;  // they are stopped before the agent ends
  if (leaving_ && all_finished) {
    if (awaits_settled(now, out)) return;
    out.emplace_back(Send{wire::Goodbye{leaving_->reason}, {}});
    out.emplace_back(Exit{leaving_->status, leaving_->reason});
    ended_ = true;
  } else if (drain_ && attempts_.empty() && adopted_.done()) {
    out.emplace_back(Send{wire::Goodbye{drain_->reason}, {}});
    const int done = drain_->invalid ? kNotValidStatus : 0;
    out.emplace_back(Exit{drain_->complete ? done : 1, {}});
    ended_ = true;
  }
}

}  // namespace sweep::agent
