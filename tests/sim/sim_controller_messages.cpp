// The messages that the simulated controller receives and sends.
#include "tests/sim/describe.hpp"
#include "tests/sim/sim_controller.hpp"

namespace sweep::sim {

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
    queue_replies(advance(core::AttemptStarted{agent, started->ref, started->pid}));
  } else if (const auto* finished = std::get_if<wire::Finished>(&message)) {
    take_finished(agent, *finished, bulk);
  } else if (std::holds_alternative<wire::Heartbeat>(message)) {
    queue_replies(advance(core::Heartbeat{agent}));
  } else if (const auto* goodbye = std::get_if<wire::Goodbye>(&message)) {
    departed_.insert(agent);
    queue_replies(advance(core::Goodbye{agent, goodbye->reason}));
  }
}

void SimController::take_finished(const std::string& agent, const wire::Finished& finished,
                                  std::string& bulk) {
  core::AttemptFinished command{agent,       finished.ref,    finished.outcome, Millis(finished.wall_ms),
                                finished.of, finished.account};
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
  queue_replies(advance(command));
  raw_ = nullptr;
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
  sim_.trace(sim_.now, [&] { return "controller > " + what.agent + " Lease " + name_of(what.ref); });
  send_to(what.agent, lease);
  if (sim_.bug != InjectedBug::LeaseTwice) return;
  for (const auto& [name, other] : route_) {
    if (name != what.agent) return other->link().to_agent(lease, {});
  }
}

}  // namespace sweep::sim
