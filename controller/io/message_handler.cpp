#include "controller/io/message_handler.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "controller/io/outputs.hpp"
#include "controller/plan/hardware.hpp"
#include "controller/plan/sharing.hpp"
#include "controller/view/status.hpp"
#include "util/json.hpp"
#include "util/os/clock.hpp"
#include "util/recorded.hpp"
#include "util/secrets.hpp"
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
  for (const std::string& word : recorded_command(hello.command))
    info.command.push_back(printable(word));
  return info;
}

/// Returns the account without secrets, as the journal and records have it. A server's last lines may repeat
/// its arguments.
Account recorded(Account account) {
  for (std::string& line : account.server_says)
    line = without_secrets(line);
  account.origin.image = without_secrets(account.origin.image.str());
  return account;
}

}  // namespace

MessageHandler::MessageHandler(Context context, Admission admission)
    : sweep_(context.sweep),
      directory_(context.directory),
      socket_(context.socket),
      pending_(context.pending),
      console_(context.console),
      log_(context.log),
      stop_(std::move(context.stop)),
      admission_(std::move(admission)),
      files_(directory_, sweep_.plan, sweep_.state),
      collection_(files_, sweep_.plan.profile.artifact_limit) {}

bool MessageHandler::receive_all() {
  for (int i = 0; i < kMessagesPerRound; ++i) {
    auto incoming = socket_.receive();
    if (!incoming) return i > 0;
    handle(std::move(*incoming));
  }
  return true;
}

void MessageHandler::handle(Incoming incoming) {
  if (!incoming.content) return handle_undecodable(incoming.peer, incoming.content.error());
  const wire::Message& message = incoming.content->message;
  if (const auto* request = std::get_if<wire::StatusRequest>(&message)) {
    if (admitted(incoming.peer, admission_.admit(*request))) answer_status(incoming.peer);
    return;
  }
  if (const auto* request = std::get_if<wire::StopRequest>(&message)) {
    if (admitted(incoming.peer, admission_.admit(*request))) handle_stop(incoming.peer, *request);
    return;
  }
  if (const auto* hello = std::get_if<wire::Hello>(&message))
    return handle_hello(incoming.peer, incoming.connection, *hello);
  const auto known = agent_of_.find(incoming.connection);
  if (known == agent_of_.end()) {
    // Not answered: it may be from an agent whose controller was replaced and that meant the old one. Its
    // Hello follows, and after that it repeats every message that must not be lost.
    return log_.peer_fault(std::string(wire::type_name(message)) + " before Hello");
  }
  const Sender sender{incoming.peer, known->second};
  core::mark_seen(sweep_.state, sender.agent, now());
  const std::size_t bulk_bytes = incoming.content->bulk.size();
  handle_from_agent(sender, message, incoming.content->bulk);
  if (std::holds_alternative<wire::LogChunk>(message))
    give_credit(incoming.peer, incoming.connection, bulk_bytes);
}

/// Counts output that was handled, also if it was ignored, and lets the agent send more.
void MessageHandler::give_credit(const std::string& peer, const std::string& connection, std::size_t bytes) {
  std::int64_t& handled = log_bytes_[connection];
  handled += static_cast<std::int64_t>(bytes);
  // If the message cannot be sent now, the next one has its bytes too.
  if (handled >= kLogWindow / 4 && socket_.send(peer, wire::LogCredit{handled})) handled = 0;
}

/// Returns true if the sender of a Hello or request is admitted; otherwise logs and sends the reason.
bool MessageHandler::admitted(const std::string& peer, const Admission::Verdict& verdict) {
  if (verdict.answer == Admission::Answer::Admitted) return true;
  log_.fault(Fault::Admission, verdict.reason, now());
  socket_.send(peer, wire::Reject{verdict.reason});
  return false;
}

void MessageHandler::handle_stop(const std::string& peer, const wire::StopRequest& request) {
  log_.event("stop requested: " + request.reason, now());
  stop_(request.reason, request.at_once ? Millis(0) : sweep_.plan.profile.kill_grace + kStopMargin);
  answer_status(peer);
}

void MessageHandler::answer_status(const std::string& peer) {
  // As MessagePack it is no longer than as JSON.
  constexpr std::size_t kMaxJsonBytes = wire::kMaxBodyBytes * 3 / 4;
  auto status = view::status_json(sweep_.plan, sweep_.state, sweep_.facts, now(), kMaxJsonBytes,
                                  log_finder(directory_));
  socket_.send(peer, wire::StatusReply{std::make_shared<const nlohmann::json>(std::move(status))});
}

void MessageHandler::handle_undecodable(const std::string& peer, const wire::DecodeError& error) {
  log_.fault(fault_of(error.fault), "ignored a peer's message: " + error.message, now());
  if (rejected_peers_.insert(peer)) socket_.send(peer, wire::Reject{error.message});
}

/// Returns true if the agent is admitted. Otherwise it was sent the reason, or its Hello is kept until munge
/// answers.
bool MessageHandler::hello_admitted(const std::string& peer, const std::string& connection,
                                    const wire::Hello& hello) {
  const Admission::Verdict verdict = admission_.admit(hello);
  if (verdict.answer != Admission::Answer::Later) return admitted(peer, verdict);
  log_.fault(Fault::Admission, verdict.reason, now());
  waiting_hellos_.add({peer, connection, hello}, now());
  return false;
}

void MessageHandler::retry_waiting_hellos() {
  for (const WaitingHellos::Waiting& waiting : waiting_hellos_.take(now()))
    handle_hello(waiting.peer, waiting.connection, waiting.hello);
}

void MessageHandler::handle_hello(const std::string& peer, const std::string& connection,
                                  const wire::Hello& hello) {
  waiting_hellos_.forget(peer);
  if (!hello_admitted(peer, connection, hello)) return;
  core::Decision decision = pending_.decide(core::Hello{agent_info(hello)});
  if (!decision.rejected.empty()) {
    socket_.send(peer, wire::Reject{decision.rejected});
    return;
  }
  log_.event("agent " + hello.agent + " on " + hello.node + ", version " + hello.version + ", pid " +
                 std::to_string(hello.pid),
             now());
  if (const auto old = connection_of_.find(hello.agent); old != connection_of_.end()) {
    agent_of_.erase(old->second);
    log_bytes_.erase(old->second);
  }
  announced_ = std::max(announced_, static_cast<std::size_t>(std::max(hello.tasks, 0)));
  peer_of_[hello.agent] = peer;
  connection_of_[hello.agent] = connection;
  agent_of_[connection] = hello.agent;
  core::mark_seen(sweep_.state, hello.agent, now());
  core::drop_effects_for(pending_.outbox, hello.agent);
  pending_.send_later(std::move(decision));
}

void MessageHandler::handle_from_agent(const Sender& sender, const wire::Message& message,
                                       std::string& bulk) {
  const auto decide = [this](const core::Command& command) { pending_.send_later(pending_.decide(command)); };
  if (const auto* ready = std::get_if<wire::Ready>(&message)) {
    const auto ends = ready->job_ends_ms > 0 ? std::optional(from_unix_ms(ready->job_ends_ms)) : std::nullopt;
    note_job(sender, *ready);
    const profile::NodeTraits node = traits_of(sender, *ready);
    decide(core::Ready{sender.agent, ends, served_by(sweep_.plan, node),
                       hardware_of(sweep_.plan.profile, node)});
  } else if (const auto* started = std::get_if<wire::Started>(&message)) {
    decide(core::AttemptStarted{sender.agent, started->ref, started->pid, started->directory});
  } else if (const auto* progress = std::get_if<wire::Progress>(&message)) {
    handle_progress(sender, *progress);
  } else if (const auto* chunk = std::get_if<wire::LogChunk>(&message)) {
    handle_log(sender, *chunk, bulk);
  } else if (const auto* finished = std::get_if<wire::Finished>(&message)) {
    // Other agents' heartbeats wait while a large result is parsed, or a file is written.
    const Instant from = now();
    handle_finished(sender, *finished, bulk);
    if (now() - from >= kNoticeable) core::excuse_silence(sweep_.state, now() - from, now());
  } else if (const auto* piece = std::get_if<wire::Piece>(&message)) {
    const Instant from = now();
    handle_piece(sender, *piece, bulk);
    if (now() - from >= kNoticeable) core::excuse_silence(sweep_.state, now() - from, now());
  } else if (std::holds_alternative<wire::Heartbeat>(message)) {
    decide(core::Heartbeat{sender.agent});
  } else if (const auto* goodbye = std::get_if<wire::Goodbye>(&message)) {
    departed_.insert(sender.agent);
    decide(core::Goodbye{sender.agent, without_secrets(goodbye->reason)});
  } else {
    log_.peer_fault(std::string(wire::type_name(message)) + " from agent " + sender.agent +
                    ": only the controller sends this");
  }
}

/// Keeps what one agent has learnt from Slurm. It applies to all agents of its job.
void MessageHandler::note_job(const Sender& sender, const wire::Ready& ready) {
  const auto agent = sweep_.state.agents.find(sender.agent);
  if (agent == sweep_.state.agents.end() || agent->second.info.job.empty()) return;
  if (ready.sharing.empty() && ready.slurm.empty()) return;
  const std::string& job = agent->second.info.job;
  const bool first = !jobs_.contains(job);
  jobs_[job] = {printable(ready.sharing), printable(ready.slurm)};
  const std::string note = shared_nodes_note(sweep_.plan, job, jobs_[job].first);
  if (!first || note.empty()) return;
  log_.event(note, now());
  console_.line("warning: " + note);
}

/// Returns what decides which points the agent's node can run.
profile::NodeTraits MessageHandler::traits_of(const Sender& sender, const wire::Ready& ready) const {
  const auto agent = sweep_.state.agents.find(sender.agent);
  const std::string node = agent == sweep_.state.agents.end() ? "" : agent->second.info.node;
  return {node, ready.partition, ready.features, ready.gpu_types, ready.gpu_names};
}

/// Adds to the account of points[index]'s attempt what is known of the job of its agent `holder`.
void MessageHandler::add_job(const Sender& holder, int index, Account& account) const {
  const auto agent = sweep_.state.agents.find(holder.agent);
  if (agent == sweep_.state.agents.end()) return;
  const auto job = jobs_.find(agent->second.info.job);
  if (job == jobs_.end()) return;
  const auto& [sharing, slurm] = job->second;
  account.origin.slurm = slurm;
  if (is_shared(sharing) && core::point_at(sweep_.state, index).spec.gpus > 0)
    account.flaws.push_back("node-shared: " + shared_nodes_text(job->first, sharing));
}

/// Returns true if the sender holds that attempt and it has not ended.
bool MessageHandler::has_attempt(const Sender& sender, const wire::AttemptRef& ref) const {
  const core::Attempt* attempt = core::find_attempt(sweep_.state, ref);
  return attempt != nullptr && attempt->agent == sender.agent &&
         attempt->state != core::Attempt::State::Ended;
}

void MessageHandler::handle_progress(const Sender& sender, const wire::Progress& progress) {
  if (!has_attempt(sender, progress.ref)) return;
  sweep_.facts.progress[{progress.ref.point, progress.ref.attempt}] = {progress.phase, progress.done,
                                                                       progress.total};
}

void MessageHandler::handle_log(const Sender& sender, const wire::LogChunk& chunk, const std::string& bytes) {
  if (!has_attempt(sender, chunk.ref)) return;
  const int index = core::find_point(sweep_.state, chunk.ref.point);
  const std::string& node = core::find_attempt(sweep_.state, chunk.ref)->node;
  const auto done =
      append_log(directory_, sweep_.plan, index, chunk.ref.attempt, node, chunk.is_stderr, bytes);
  if (!done) console_.error_once(done.error().message);
}

/// Returns the processed result of a point; an empty one if the point is only evaluated.
Expected<Processed> MessageHandler::processed_result(int index, const std::string& node,
                                                     const Account& account, const std::string& raw) const {
  const bool only = is_only_evaluated(sweep_.plan.points[static_cast<std::size_t>(index)]);
  return only ? Expected<Processed>(Processed()) : processed(sweep_.plan, index, node, account, raw);
}

/// Adds the scores of a point's evaluation to the account, and the doubts about them to the result. The point's files
/// must be in place. If it is only evaluated, `raw` becomes the rows of the evaluation.
void MessageHandler::add_scores(int index, const std::string& node, Account& account, Processed& result,
                                std::string& raw) {
  const Point& point = sweep_.plan.points[static_cast<std::size_t>(index)];
  if (!is_evaluated(point)) return;
  const std::string name = result_filename(sweep_.plan, index, node);
  const auto files = eval_files_of(directory_, name, account);
  std::string problem;
  const auto& thresholds = thresholds_.of(sweep_.plan, point, problem);
  if (!problem.empty()) console_.error_once("sweepctl: warning: " + problem);
  for (std::string& doubt : judge_eval(point, thresholds, files, account))
    result.doubts.push_back(std::move(doubt));
  if (is_only_evaluated(point)) raw = eval_rows_text(name, files);
}

/// Asks the agent for a piece of a file, or for Finished if it has sent all of them.
void MessageHandler::ask(const Sender& sender, const wire::Fetch& fetch) {
  const auto [done, all] = collection_.progress(fetch.ref);
  sweep_.facts.progress[{fetch.ref.point, fetch.ref.attempt}] = {"files", done, all};
  if (!socket_.send(sender.peer, fetch))
    log_.event("Fetch could not be sent to " + sender.agent, now());  // it sends Finished again
}

void MessageHandler::handle_piece(const Sender& sender, const wire::Piece& piece, const std::string& bytes) {
  if (const auto next = collection_.on(sweep_.state, sender.agent, piece, bytes)) ask(sender, *next);
}

/// The files that the attempt left come first; the agent sends Finished again when they are there.
void MessageHandler::handle_finished(const Sender& sender, const wire::Finished& finished,
                                     std::string& bulk) {
  Account account = recorded(finished.account);
  if (const auto next = collection_.on(sweep_.state, sender.agent, finished, account)) {
    if (finished.of.empty())
      pending_.send_later(pending_.decide(core::FilesAwaited{sender.agent, finished.ref}));
    return ask(sender, *next);
  }
  auto [command, result] = take_finished(sender, finished, std::move(account), bulk);
  pending_.send_later(pending_.decide(command, std::move(result)));
  collection_.finish(finished.ref);
  const core::Attempt* attempt = core::find_attempt(sweep_.state, finished.ref);
  const bool has_files = command.account.collected && command.account.collected->files > 0;
  if (finished.ref.attempt > 1 && attempt != nullptr && attempt->accepted && !has_files)
    files_.clear(finished.ref);
}

/// Checks the result of an ok attempt by processing it; the outcome becomes invalid-result if that fails.
MessageHandler::FinishedAttempt MessageHandler::take_finished(const Sender& sender,
                                                              const wire::Finished& finished, Account account,
                                                              std::string& bulk) {
  Outcome outcome = finished.outcome;
  std::vector<std::string> invalid;
  Processed checked;
  const Sender holder{sender.peer, finished.of.empty() ? sender.agent : finished.of};
  if (outcome.kind == OutcomeKind::Ok && has_attempt(holder, finished.ref)) {
    const int index = core::find_point(sweep_.state, finished.ref.point);
    const std::string& node = core::find_attempt(sweep_.state, finished.ref)->node;
    add_job(holder, index, account);
    if (auto good = processed_result(index, node, account, bulk); good) {
      collection_.install(finished.ref, account);
      add_scores(index, node, account, *good, bulk);
      invalid = reasons_against(*good, account, sweep_.plan);
      if (!good->note.empty()) console_.error_once("sweepctl: warning: " + good->note);
      checked = std::move(*good);
    } else {
      outcome.kind = OutcomeKind::InvalidResult;
      outcome.reason = good.error().message;
    }
  }
  outcome.reason = without_secrets(outcome.reason);
  FinishedAttempt out{
      {sender.agent, finished.ref, outcome, Millis(finished.wall_ms), finished.of, account, invalid},
      std::nullopt};
  if (outcome.kind == OutcomeKind::Ok) out.result = ReceivedResult{std::move(bulk), std::move(checked)};
  return out;
}

bool MessageHandler::all_agents_left() const {
  return std::all_of(peer_of_.begin(), peer_of_.end(), [&](const auto& entry) {
    return departed_.contains(entry.first) || core::is_gone(sweep_.state, entry.first);
  });
}

std::vector<std::string> MessageHandler::agents_without_goodbye() const {
  std::vector<std::string> out;
  for (const auto& [agent, peer] : peer_of_) {
    if (!departed_.contains(agent)) out.push_back(agent);
  }
  return out;
}

const std::string* MessageHandler::peer_of(const std::string& agent) const {
  const auto peer = peer_of_.find(agent);
  return peer == peer_of_.end() ? nullptr : &peer->second;
}

}  // namespace sweep
