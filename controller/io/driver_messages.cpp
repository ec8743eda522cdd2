// What comes in at the controller's socket.
#include "controller/io/driver.hpp"
#include "controller/io/outputs.hpp"
#include "controller/view/status.hpp"
#include "util/os/clock.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr int kMessagesPerRound = 1'000;  // so that a commit comes in between

core::AgentInfo agent_info(const wire::Hello& hello) {
  core::AgentInfo info;
  info.id = hello.agent;
  info.node = printable(hello.node);
  info.job = printable(hello.job);
  info.step = printable(hello.step);
  info.task = hello.task;
  info.tasks = hello.tasks;
  info.gpus = hello.gpus;
  info.pid = hello.pid;
  for (const std::string& word : hello.command)
    info.command.push_back(printable(word));
  return info;
}

}  // namespace

void Driver::take_messages() {
  for (int i = 0; i < kMessagesPerRound; ++i) {
    auto incoming = socket_->receive();
    if (!incoming) return;
    heard_ = true;
    take(std::move(*incoming));
  }
}

void Driver::take(Incoming incoming) {
  if (!incoming.content) return take_fault(incoming.peer, incoming.content.error());
  const wire::Message& message = incoming.content->message;
  if (const auto* request = std::get_if<wire::StatusRequest>(&message)) {
    if (serves(incoming.peer, admission_->admit(*request))) answer_status(incoming.peer);
    return;
  }
  if (const auto* request = std::get_if<wire::StopRequest>(&message)) {
    if (serves(incoming.peer, admission_->admit(*request))) take_stop(incoming.peer, *request);
    return;
  }
  if (const auto* hello = std::get_if<wire::Hello>(&message))
    return take_hello(incoming.peer, incoming.connection, *hello);
  const auto known = agent_of_.find(incoming.connection);
  if (known == agent_of_.end()) {
    // Not answered: an agent whose controller was replaced may have said it to the one before. Its Hello
    // follows, and after that it says again what must not be lost.
    return log_.peer_fault(std::string(wire::type_name(message)) + " before Hello");
  }
  const Sender sender{incoming.peer, known->second};
  core::mark_seen(sweep_.state, sender.agent, now());
  take_from(sender, message, incoming.content->bulk);
}

/// Whether somebody's Hello or request is taken; says why, if not.
bool Driver::serves(const std::string& peer, const Admission::Verdict& verdict) {
  if (verdict.answer == Admission::Answer::Admitted) return true;
  log_.fault(Fault::Admission, verdict.reason, now());
  socket_->send(peer, wire::Reject{verdict.reason});
  return false;
}

void Driver::take_stop(const std::string& peer, const wire::StopRequest& request) {
  log_.news("asked to stop: " + request.reason, now());
  stop(request.reason, request.at_once ? Millis(0) : sweep_.plan.profile.kill_grace + kStopMargin);
  answer_status(peer);
}

void Driver::answer_status(const std::string& peer) {
  // As MessagePack it is no longer than as JSON.
  constexpr std::size_t kRoom = wire::kMaxBodyBytes * 3 / 4;
  socket_->send(peer,
                wire::StatusReply{view::status_json(sweep_.plan, sweep_.state, sweep_.facts, now(), kRoom)});
}

void Driver::take_fault(const std::string& peer, const wire::DecodeError& error) {
  log_.fault(fault_of(error.fault), "a peer sent what is ignored: " + error.message, now());
  if (rejected_peers_.insert(peer)) socket_->send(peer, wire::Reject{error.message});
}

/// Whether the agent may take part; tells it if not.
bool Driver::admits(const std::string& peer, const std::string& connection, const wire::Hello& hello) {
  const Admission::Verdict verdict = admission_->admit(hello);
  if (verdict.answer != Admission::Answer::Later) return serves(peer, verdict);
  log_.fault(Fault::Admission, verdict.reason, now());
  waiting_hellos_.add({peer, connection, hello}, now());
  return false;
}

void Driver::take_waiting_hellos() {
  for (const WaitingHellos::Waiting& one : waiting_hellos_.take(now()))
    take_hello(one.peer, one.connection, one.hello);
}

void Driver::take_hello(const std::string& peer, const std::string& connection, const wire::Hello& hello) {
  waiting_hellos_.forget(peer);
  if (!admits(peer, connection, hello)) return;
  core::Decision decision = advance(core::Hello{agent_info(hello)});
  if (!decision.rejected.empty()) {
    socket_->send(peer, wire::Reject{decision.rejected});
    return;
  }
  log_.news("agent " + hello.agent + " on " + hello.node + ", version " + hello.version + ", pid " +
                std::to_string(hello.pid),
            now());
  if (const auto old = connection_of_.find(hello.agent); old != connection_of_.end())
    agent_of_.erase(old->second);
  peer_of_[hello.agent] = peer;
  connection_of_[hello.agent] = connection;
  agent_of_[connection] = hello.agent;
  core::mark_seen(sweep_.state, hello.agent, now());
  core::drop_effects_for(outbox_, hello.agent);
  keep(std::move(decision));
}

void Driver::take_from(const Sender& sender, const wire::Message& message, std::string& bulk) {
  if (const auto* ready = std::get_if<wire::Ready>(&message)) {
    const auto ends = ready->job_ends_ms > 0 ? std::optional(from_unix_ms(ready->job_ends_ms)) : std::nullopt;
    take_job(sender, *ready);
    keep(advance(core::Ready{sender.agent, ends, served_by(sender, *ready)}));
  } else if (const auto* started = std::get_if<wire::Started>(&message)) {
    keep(advance(core::AttemptStarted{sender.agent, started->ref, started->pid}));
  } else if (const auto* progress = std::get_if<wire::Progress>(&message)) {
    take_progress(sender, *progress);
  } else if (const auto* chunk = std::get_if<wire::LogChunk>(&message)) {
    take_log(sender, *chunk, bulk);
  } else if (const auto* finished = std::get_if<wire::Finished>(&message)) {
    take_finished(sender, *finished, bulk);
  } else if (std::holds_alternative<wire::Heartbeat>(message)) {
    keep(advance(core::Heartbeat{sender.agent}));
  } else if (const auto* goodbye = std::get_if<wire::Goodbye>(&message)) {
    departed_.insert(sender.agent);
    keep(advance(core::Goodbye{sender.agent, goodbye->reason}));
  } else {
    log_.peer_fault(std::string(wire::type_name(message)) + " from agent " + sender.agent +
                    " makes no sense");
  }
}

/// What the one agent that has asked Slurm was told holds for all of its job.
void Driver::take_job(const Sender& sender, const wire::Ready& ready) {
  const auto agent = sweep_.state.agents.find(sender.agent);
  if (agent == sweep_.state.agents.end() || agent->second.info.job.empty()) return;
  if (ready.sharing.empty() && ready.slurm.empty()) return;
  jobs_[agent->second.info.job] = {printable(ready.sharing), printable(ready.slurm)};
}

std::optional<std::vector<std::string>> Driver::served_by(const Sender& sender,
                                                          const wire::Ready& ready) const {
  const auto agent = sweep_.state.agents.find(sender.agent);
  if (agent == sweep_.state.agents.end()) return std::nullopt;
  return sweep::served_by(sweep_.plan.profile,
                          {agent->second.info.node, ready.partition, ready.features, ready.gpu_types});
}

/// What the agent could not know.
void Driver::complete(const Sender& holder, int index, Account& account) const {
  const auto agent = sweep_.state.agents.find(holder.agent);
  if (agent == sweep_.state.agents.end()) return;
  const auto job = jobs_.find(agent->second.info.job);
  if (job == jobs_.end()) return;
  const auto& [sharing, slurm] = job->second;
  account.origin.slurm = slurm;
  const bool shared = !sharing.empty() && sharing != "NO";
  if (shared && core::point_at(sweep_.state, index).spec.gpus > 0) {
    account.flaws.push_back("node-shared: other jobs may be on the nodes of job " + job->first +
                            " (OverSubscribe=" + sharing + "); ask for them with --exclusive");
  }
}

bool Driver::runs(const Sender& sender, const wire::AttemptRef& ref) const {
  const core::Attempt* attempt = core::find_attempt(sweep_.state, ref);
  return attempt != nullptr && attempt->agent == sender.agent &&
         attempt->state != core::Attempt::State::Ended;
}

void Driver::take_progress(const Sender& sender, const wire::Progress& progress) {
  if (!runs(sender, progress.ref)) return;
  sweep_.facts.progress[{progress.ref.point, progress.ref.attempt}] = {progress.phase, progress.done,
                                                                       progress.total};
}

void Driver::take_log(const Sender& sender, const wire::LogChunk& chunk, const std::string& bytes) {
  if (!runs(sender, chunk.ref)) return;
  const int index = core::find_point(sweep_.state, chunk.ref.point);
  const std::string& node = core::find_attempt(sweep_.state, chunk.ref)->node;
  const auto done =
      append_log(directory_, sweep_.plan, index, chunk.ref.attempt, node, chunk.is_stderr, bytes);
  if (!done) complain_once(done.error().message);
}

void Driver::take_finished(const Sender& sender, const wire::Finished& finished, std::string& bulk) {
  Outcome outcome = finished.outcome;
  std::vector<std::string> invalid;
  Account account = finished.account;
  const Sender holder{sender.peer, finished.of.empty() ? sender.agent : finished.of};
  if (outcome.kind == OutcomeKind::Ok && runs(holder, finished.ref)) {
    const int index = core::find_point(sweep_.state, finished.ref.point);
    const std::string& node = core::find_attempt(sweep_.state, finished.ref)->node;
    complete(holder, index, account);
    if (auto good = processed(sweep_.plan, index, node, bulk); good) {
      invalid = reasons_against(*good, account, sweep_.plan);
      processed_ = std::move(*good);
    } else {
      outcome.kind = OutcomeKind::InvalidResult;
      outcome.reason = good.error().message;
    }
  }
  raw_ = outcome.kind == OutcomeKind::Ok ? &bulk : nullptr;
  keep(advance(core::AttemptFinished{sender.agent, finished.ref, outcome, Millis(finished.wall_ms),
                                     finished.of, account, invalid}));
  raw_ = nullptr;
}

}  // namespace sweep
