#include "tests/sim/sim_controller.hpp"

#include <algorithm>
#include <iterator>

#include "controller/core/events_json.hpp"
#include "controller/core/invariants.hpp"
#include "controller/core/replay.hpp"
#include "tests/sim/describe.hpp"
#include "tests/unit/core_dump.hpp"
#include "util/json.hpp"
#include "util/pause_watch.hpp"

namespace sweep::sim {

namespace {

constexpr Millis kCommitDelay{50}, kCommitRetry{2'000}, kGoodbyes{10'000};
constexpr std::uint64_t kCommandsBetweenReplays = 400;

core::Event written_and_read(const core::Event& event) {
  const std::string text = core::event_to_json(event.what).dump();
  auto what = core::event_from_json(core::event_word(event.what), nlohmann::json::parse(text));
  if (!what) violation("the journal does not read what it wrote: " + what.error().message + " in " + text);
  return {event.at, std::move(*what)};
}

}  // namespace

// ---- files

Expected<core::FileStore::Place> SimFiles::begin(const wire::AttemptRef& ref,
                                                 const std::vector<Artifact>& files) {
  auto& present = incoming_[key(ref)];
  std::map<std::string, std::int64_t> list;
  for (const Artifact& file : files)
    list[file.name] = file.bytes;
  const bool others = std::exchange(lists_[key(ref)], list) != list;
  if (others || sim_.random.percent(10)) present.clear();
  Place place{files.size(), 0};
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto size = static_cast<std::int64_t>(present[files[i].name].size());
    if (size < files[i].bytes && place.file == files.size()) place = {i, size};
  }
  return place;
}

Expected<void> SimFiles::write(const wire::AttemptRef& ref, const Artifact& file, std::int64_t offset,
                               std::string_view bytes, bool) {
  if (sim_.random.per_mille(sim_.faults.disk_full / 3)) return fail("no space left on device");
  std::string& content = incoming_[key(ref)][file.name];
  if (static_cast<std::int64_t>(content.size()) != offset)
    violation("a piece is not written at the file's end");
  content += bytes;
  return {};
}

Expected<void> SimFiles::install(const wire::AttemptRef& ref) {
  if (sim_.random.per_mille(sim_.faults.disk_full / 3)) return fail("cannot rename");
  sim_.checker.installed(ref, std::move(incoming_[key(ref)]));
  return {};
}

// ---- start, recovery, resume, end

core::State SimController::replayed(const std::vector<core::Event>& more, bool through_json) const {
  std::vector<core::Event> events = sim_.checker.journal();
  events.insert(events.end(), more.begin(), more.end());
  if (through_json) std::transform(events.begin(), events.end(), events.begin(), written_and_read);
  core::State state = core::make_state(settings_, specs_);
  if (const auto done = core::replay(state, events); !done) violation(done.error().message);
  return state;
}

void SimController::check_replay(bool through_json) const {
  const std::string replay = core::dump(replayed(batch_.events, through_json)), live = core::dump(state_);
  if (replay != live)
    violation("the journal gives the state\n" + replay + "\nbut the present state is\n" + live);
}

void SimController::listen(Millis offset) {
  offset_ = offset;
  alive_ = true;
  ++incarnation_;
  collection_.emplace(files_, sim_.scenario.welcome.artifact_limit);
  inbox_.clear();
  route_.clear();
  known_.clear();
  departed_.clear();
  batch_ = {};
  outbox_.clear();
  commit_by_.reset();
  retry_at_.reset();
  linger_until_.reset();
  armed_.reset();
  suspended_until_ = {};
  planned_.reset();
  woken_ = srun_ended_ = false;
  wake(Millis(0));
}

void SimController::begin(const core::Settings& settings, const std::vector<core::PointSpec>& specs) {
  settings_ = settings;
  specs_ = specs;
  state_ = core::make_state(settings_, specs_);
  listen(Millis(0));
}

bool SimController::recover(Millis offset) {
  if (disk_is_full()) return false;
  state_ = replayed({}, sim_.random.percent(20));
  offset_ = offset;
  batch_ = {};
  sim_.trace(sim_.now,
             [&] { return "the controller is restarted, clock offset " + std::to_string(offset.count()); });
  const core::Decision decision = advance(core::Recover{"2"});
  sim_.checker.committed(batch_);
  listen(offset);
  return true;
}

bool SimController::resume(const ResumeInput& input, Millis offset) {
  settings_ = input.settings;
  specs_ = input.specs;
  offset_ = offset;
  const core::Resume& r = input.command;
  const core::Event resumed{clock(), core::Resumed{r.version, r.job, r.retry_failed, r.withdrawn}};
  state_ = replayed({resumed}, sim_.random.percent(20));
  if (state_.count(core::PointState::Pending) == 0) return false;
  sim_.trace(sim_.now, [&] { return "resumed, clock offset " + std::to_string(offset.count()); });
  sim_.checker.committed({{resumed}, {}});
  listen(offset);
  return true;
}

void SimController::crash() {
  if (!alive_) return;
  sim_.trace(sim_.now, [] { return "the controller crashes"; });
  alive_ = false;
  ++incarnation_;
  on_crash_();
}

void SimController::end() {
  sim_.trace(sim_.now, [&] { return "the controller ends: " + state_.end_reason; });
  alive_ = false;
  ++incarnation_;
  on_end_();
}

void SimController::stop(const std::string& reason, Millis patience) {
  if (!alive_) return;
  queue_replies(advance(core::Stop{reason, patience}));
  wake(Millis(0));
}

void SimController::srun_ended() {
  srun_ended_ = true;
  stop("srun has ended", Millis(5'000));
}

// ---- rounds

void SimController::wake(Millis after) {
  if (woken_) return;
  woken_ = true;
  sim_.agenda.at(sim_.now + after, [this, incarnation = incarnation_] {
    if (!alive_ || incarnation != incarnation_) return;
    woken_ = false;
    round();
  });
}

void SimController::arm() {
  auto next = core::next_deadline(state_, clock());
  next = earlier(next, retry_at_ ? retry_at_ : commit_by_);
  if (batch_.events.empty()) next = earlier(next, linger_until_);
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  sim_.agenda.at(std::max(sim_.now, *next - offset_), [this, when = *next, incarnation = incarnation_] {
    if (!alive_ || incarnation != incarnation_ || armed_ != when) return;
    armed_.reset();
    wake(Millis(0));
  });
}

void SimController::suspend(Millis time) {
  if (!alive_ || sim_.now < suspended_until_) return;
  sim_.trace(sim_.now, [] { return "the controller is suspended"; });
  suspended_until_ = sim_.now + time;
  planned_ = core::next_deadline(state_, clock());
}

/// Reports to the core that the controller was suspended, as its driver does. Silence during that time must not
/// cost an agent its attempts.
void SimController::note_pause() {
  const auto planned = std::exchange(planned_, std::nullopt);
  if (!planned || clock() - *planned < PauseWatch::kLateness) return;
  const Millis pause = clock() - *planned;
  if (linger_until_) *linger_until_ += pause;
  core::Decision decision = advance(core::Pause{pause});
  for (const core::Event& event : decision.events) {
    const auto* gone = std::get_if<core::AgentGone>(&event.what);
    if (gone != nullptr && gone->reason.starts_with("no message"))
      violation(gone->agent + " is considered lost because the controller was suspended");
  }
  queue_replies(std::move(decision));
}

void SimController::round() {
  if (sim_.now < suspended_until_) return wake(suspended_until_ - sim_.now);
  note_pause();
  while (!inbox_.empty()) {
    const Mail mail = std::move(inbox_.front());
    inbox_.pop_front();
    take(mail);
  }
  queue_replies(advance(core::Tick{}));
  settle();
  if (!alive_) return;
  if (over()) return end();
  arm();
}

core::Decision SimController::advance(const core::Command& command) {
  ++sim_.steps;
  core::Decision decision =
      core::advance(state_, command, clock(), [this](const core::State&, const core::Event& event) {
        sim_.trace(sim_.now, [&] {
          return "  event " + std::string(core::event_word(event.what)) + " " +
                 core::event_to_json(event.what).dump();
        });
        batch_.events.push_back(event);
        const auto* ended = std::get_if<core::Ended>(&event.what);
        if (ended == nullptr || ended->outcome.kind != OutcomeKind::Ok || raw_ == nullptr) return;
        batch_.results.push_back({ended->ref, std::move(*raw_), ended->accepted});
        raw_ = nullptr;
      });
  if (!decision.rejected.empty()) sim_.trace(sim_.now, [&] { return "  rejected: " + decision.rejected; });
  check_step();
  if (sim_.bug == InjectedBug::LoseReplies) {
    std::erase_if(decision.replies, [&](const core::Effect& effect) {
      const auto* lease = std::get_if<core::SendLease>(&effect);
      return lease != nullptr && !std::holds_alternative<core::Tick>(command) && decision.events.empty();
    });
  }
  return decision;
}

void SimController::check_step() {
  const auto problems = core::check_invariants(state_);
  if (!problems.empty()) violation("an invariant of the core is violated: " + problems.front());
  if (!core::decide(state_, core::Tick{}, clock()).events.empty())
    violation("Tick still has something to do");
  const auto next = core::next_deadline(state_, clock());
  if (next && *next <= clock()) violation("the core's next deadline is in the past");
  if (++commands_ % kCommandsBetweenReplays == 0) check_replay(false);
}

void SimController::queue_replies(core::Decision decision) {
  outbox_.insert(outbox_.end(), std::make_move_iterator(decision.replies.begin()),
                 std::make_move_iterator(decision.replies.end()));
}

void SimController::settle() {
  if (batch_.events.empty() && outbox_.empty()) return;
  const bool urgent = !outbox_.empty() ||
                      std::any_of(batch_.events.begin(), batch_.events.end(), [](const core::Event& event) {
                        return !std::holds_alternative<core::Started>(event.what);
                      });
  if (!urgent && !commit_by_) commit_by_ = clock() + kCommitDelay;
  if (!urgent && clock() < *commit_by_) return;
  if (retry_at_ && clock() < *retry_at_) return;
  if (maybe_crash()) return;
  if (sim_.bug == InjectedBug::AcknowledgeEarly && !send_outbox()) return;
  if (!commit() || maybe_crash()) return;
  send_outbox();
}

bool SimController::maybe_crash() {
  if (!sim_.random.per_mille(sim_.faults.crash / 3)) return false;
  crash();
  return true;
}

bool SimController::commit() {
  if (!batch_.events.empty()) {
    if (sim_.random.per_mille(sim_.faults.disk_full))
      fill_disk(sim_.random.time(Millis(100), Millis(100'000)));
    if (disk_is_full()) {
      sim_.trace(sim_.now, [] { return "the disk is full"; });
      retry_at_ = clock() + kCommitRetry;
      return false;
    }
    sim_.checker.committed(batch_);
    batch_ = {};
  }
  retry_at_.reset();
  commit_by_.reset();
  return true;
}

/// Returns false if it crashed while sending.
bool SimController::send_outbox() {
  const std::vector<core::Effect> all = std::move(outbox_);
  outbox_.clear();
  for (const core::Effect& effect : all) {
    if (sim_.random.per_mille(sim_.faults.crash / 6)) {
      crash();
      return false;
    }
    send(effect);
  }
  return true;
}

bool SimController::over() {
  if (state_.phase != core::Phase::Closed || !batch_.events.empty()) return false;
  if (srun_ended_) return true;
  if (!linger_until_) {
    const bool absent = static_cast<int>(known_.size()) < core::announced_agents(state_);
    linger_until_ = clock() + (absent ? std::max(kGoodbyes, settings_.join_timeout) : kGoodbyes);
  }
  return everybody_left() || clock() >= *linger_until_;
}

bool SimController::everybody_left() const {
  if (static_cast<int>(known_.size()) < core::announced_agents(state_)) return false;
  return std::all_of(known_.begin(), known_.end(), [&](const auto& entry) {
    return departed_.contains(entry.first) || core::is_gone(state_, entry.first);
  });
}

void SimController::arrive(SimAgent& agent, const Frames& frames) {
  const auto route = route_.find(agent.name());
  if (!alive_ || route == route_.end() || route->second != &agent) return;
  inbox_.push_back({&agent, frames});
  wake(Millis(sim_.random.below(6)));  // duration of the previous round's commit
}

// ---- received

void SimController::take(const Mail& mail) {
  auto envelope = wire::decode({mail.frames.begin(), mail.frames.end()});
  if (!envelope) violation("the codec does not read what it wrote: " + envelope.error().message);
  const wire::Message& message = envelope->message;
  const std::string& name = mail.from->name();
  sim_.trace(sim_.now, [&] { return "controller < " + name + " " + describe(message); });
  if (const auto* hello = std::get_if<wire::Hello>(&message)) return take_hello(*mail.from, *hello);
  // The agent sent this to a controller that has crashed since; its Hello follows.
  if (!known_.contains(name)) return;
  core::mark_seen(state_, name, clock());
  take_from(name, message, envelope->bulk);
}

void SimController::reject(SimAgent& to, const std::string& reason) {
  sim_.trace(sim_.now, [&] { return "controller > " + to.name() + " Reject: " + reason; });
  to.link().to_agent(wire::Reject{reason}, {});
}

void SimController::take_hello(SimAgent& from, const wire::Hello& hello) {
  core::Decision decision = advance(core::Hello{
      {hello.agent, hello.node, hello.job, hello.step, hello.task, hello.tasks, hello.gpus, hello.pid}});
  if (!decision.rejected.empty()) return reject(from, decision.rejected);
  known_[hello.agent] = &from;
  core::mark_seen(state_, hello.agent, clock());
  core::drop_effects_for(outbox_, hello.agent);
  queue_replies(std::move(decision));
}

void SimController::take_from(const std::string& agent, const wire::Message& message, std::string& bulk) {
  if (const auto* ready = std::get_if<wire::Ready>(&message)) {
    const auto ends = ready->job_ends_ms > 0 ? std::optional(from_unix_ms(ready->job_ends_ms)) : std::nullopt;
    queue_replies(advance(core::Ready{agent, ends}));
  } else if (const auto* started = std::get_if<wire::Started>(&message)) {
    queue_replies(advance(core::AttemptStarted{agent, started->ref, started->pid, started->directory}));
  } else if (const auto* finished = std::get_if<wire::Finished>(&message)) {
    take_finished(agent, *finished, bulk);
  } else if (const auto* piece = std::get_if<wire::Piece>(&message)) {
    if (const auto next = collection_->on(state_, agent, *piece, bulk)) send_to(agent, *next);
  } else if (std::holds_alternative<wire::Heartbeat>(message)) {
    queue_replies(advance(core::Heartbeat{agent}));
  } else if (const auto* goodbye = std::get_if<wire::Goodbye>(&message)) {
    departed_.insert(agent);
    queue_replies(advance(core::Goodbye{agent, goodbye->reason}));
  }
}

void SimController::take_finished(const std::string& agent, const wire::Finished& finished,
                                  std::string& bulk) {
  Account account = finished.account;
  wire::Finished listed = finished;
  if (sim_.bug == InjectedBug::MixFiles) {
    for (Artifact& file : listed.files)
      file.own = true;
  }
  if (const auto next = collection_->on(state_, agent, listed, account)) {
    if (finished.of.empty()) queue_replies(advance(core::FilesAwaited{agent, finished.ref}));
    return send_to(agent, *next);
  }
  core::AttemptFinished command{agent,       finished.ref, finished.outcome, Millis(finished.wall_ms),
                                finished.of, account};
  const std::string& holder = finished.of.empty() ? agent : finished.of;
  const core::Attempt* attempt = core::find_attempt(state_, finished.ref);
  const bool runs =
      attempt != nullptr && attempt->agent == holder && attempt->state != core::Attempt::State::Ended;
  if (runs && command.outcome.kind == OutcomeKind::Ok && !is_result(bulk)) {
    command.outcome.kind = OutcomeKind::InvalidResult;
    command.outcome.reason = "no JSON object";
  }
  if (sim_.bug == InjectedBug::NoFencing && attempt != nullptr) {
    const auto& attempts = core::point_at(state_, core::find_point(state_, finished.ref.point)).attempts;
    command.ref.attempt = static_cast<int>(attempts.size());
    command.of = attempts.back().agent;
  }
  raw_ = command.outcome.kind == OutcomeKind::Ok ? &bulk : nullptr;
  if (runs && raw_ != nullptr) collection_->install(finished.ref, command.account);
  queue_replies(advance(command));
  raw_ = nullptr;
  collection_->finish(finished.ref);
}

// ---- sent

void SimController::send(const core::Effect& effect) {
  if (const auto* what = std::get_if<core::SendLease>(&effect)) return send_lease(*what);
  const std::string& agent = std::visit([](const auto& e) -> const std::string& { return e.agent; }, effect);
  const auto* what = std::get_if<core::SendMessage>(&effect);
  wire::Message message = sim_.scenario.welcome;
  if (what != nullptr) {
    message = what->message;
  } else {
    auto& welcome = std::get<wire::Welcome>(message);
    welcome.pack_gpus = settings_.pack_gpus;
    welcome.heartbeat_ms = settings_.agent_timeout.count() / sim_.scenario.heartbeats;
  }
  if (const auto* settled = std::get_if<wire::Settled>(&message)) sim_.checker.settled(*settled);
  sim_.trace(sim_.now, [&] { return "controller > " + agent + " " + describe(message); });
  send_to(agent, message);
}

/// Sends the message to the process whose Hello was accepted last under this name, if it is still connected.
void SimController::send_to(const std::string& agent, const wire::Message& message) {
  const auto route = route_.find(agent);
  const auto known = known_.find(agent);
  if (route == route_.end() || known == known_.end() || known->second != route->second) return;
  route->second->link().to_agent(message, {});
}

void SimController::send_lease(const core::SendLease& what) {
  sim_.checker.leased(what.ref, what.agent);
  const core::PointSpec& spec = core::point_at(state_, core::find_point(state_, what.ref.point)).spec;
  wire::Lease lease;
  lease.ref = what.ref;
  lease.gpus = spec.gpus;
  lease.result_filename = "result_" + what.ref.point;
  lease.timeouts = sim_.scenario.timeouts;
  lease.command = {"client"};
  if (!spec.server.empty()) lease.server = server_spec(spec.server.str(), sim_.scenario);
  if (!spec.server.empty() && is_evaluated(what.ref.point)) {
    lease.eval = wire::EvalWhen::After;
    lease.eval_command = {"eval"};
  }
  sim_.trace(sim_.now, [&] { return "controller > " + what.agent + " Lease " + name_of(what.ref); });
  send_to(what.agent, lease);
  if (sim_.bug != InjectedBug::LeaseTwice) return;
  for (const auto& [name, other] : route_) {
    if (name != what.agent) return other->link().to_agent(lease, {});
  }
}

}  // namespace sweep::sim
