#include "tests/unit/core_world.hpp"

#include <algorithm>

#include "controller/core/invariants.hpp"
#include "controller/core/server_starts.hpp"

namespace sweep::core {

namespace {

/// Encodes and decodes the message.
wire::Message through_the_codec(const wire::Message& message) {
  const std::vector<std::string> frames = wire::encode(message);
  auto envelope = wire::decode({frames.begin(), frames.end()});
  if (!envelope) throw std::logic_error("the codec does not read what it wrote: " + envelope.error().message);
  return std::move(envelope->message);
}

}  // namespace

World::World(std::uint64_t seed) : random_(seed) {
  settings.pack_gpus = random_.percent(50);
  settings.infrastructure_retries = random_.below(4);
  settings.benchmark_retries = random_.below(3);
  some_invalid = random_.percent(50);
  settings.invalid_retries = random_.below(3);
  settings.agent_timeout = Millis(random_.between(5'000, 60'000));
  settings.last_agent_timeout = Millis(random_.between(5'000, 200'000));
  settings.join_timeout = Millis(random_.between(1'000, 60'000));
  const int trouble = random_.below(4);  // 0: no faults
  faults = {trouble * random_.below(4), trouble * random_.below(4), trouble * random_.below(3),
            trouble * random_.below(4), trouble * random_.below(3), trouble * random_.below(12),
            random_.percent(15)};
  const int points = random_.between(1, 25);
  const int keys = random_.percent(60) ? random_.between(1, 4) : 0;
  for (int i = 0; i < points; ++i) {
    specs.push_back({"p" + std::to_string(i), random_.below(10) == 0 ? 0 : random_.between(1, 9)});
    if (keys > 0 && random_.percent(90)) specs.back().server = "key" + std::to_string(random_.below(keys));
  }
  if (random_.percent(50)) make_gangs();
  state = make_state(settings, specs);
  const int agents = random_.between(1, 8);
  const int size = random_.percent(50) ? random_.between(1, 8) : 0;  // of all nodes; 0: they differ
  for (int i = 0; i < agents; ++i) {
    SimAgent& agent = agents_["12.0." + std::to_string(i)];
    agent.info.id = "12.0." + std::to_string(i);
    agent.info.node = "n" + std::to_string(random_.percent(80) ? i : random_.below(agents));
    agent.info.job = "12";
    agent.info.step = "0";
    agent.info.task = i;
    agent.info.tasks = agents;
    const int gpus = size > 0 ? size : random_.percent(10) ? 0 : random_.between(1, 8);
    for (int gpu = 0; gpu < gpus; ++gpu)
      agent.info.gpus.push_back(std::to_string(gpu));
    agenda_.at(now_ + Millis(random_.below(5'000)), [this, &agent] { boot(agent); });
  }
  if (faults.stopped) {
    agenda_.at(now_ + Millis(random_.below(200'000)), [this] { command(Stop{"ctrl-c", Millis(20'000)}); });
  }
}

/// Makes gangs of some points: one to three roles on one to about six nodes.
void World::make_gangs() {
  for (PointSpec& spec : specs) {
    if (!random_.percent(40)) continue;
    GangSpec gang;
    gang.text = "several nodes";
    spec.gpus = 0;
    for (int role = random_.between(1, 3); role > 0; --role) {
      GangRole& to = gang.roles.emplace_back();
      to.name = "role" + std::to_string(role);
      to.workers = random_.between(1, 2);
      to.gpus = random_.percent(70) ? random_.between(1, 8) : 0;
      if (to.gpus == 0) to.place.kind = random_.percent(50) ? GangPlace::Kind::Own : GangPlace::Kind::Head;
      spec.gpus += to.workers * to.gpus;
    }
    if (random_.percent(20)) gang.client.kind = GangPlace::Kind::Own;
    spec.server = {};
    spec.gang = std::make_shared<const GangSpec>(std::move(gang));
  }
}

void World::run() {
  constexpr std::uint64_t kTooMany = 200'000;
  const auto agents_live = [&] {
    for (const auto& [id, agent] : agents_) {
      if (agent.alive) return true;
    }
    return false;
  };
  while (problems.empty() && !(state.phase == Phase::Closed && !agents_live())) {
    if (++steps > kTooMany) throw std::logic_error("the sweep does not end");
    const auto due = next_deadline(state, now_);
    if (due && (agenda_.empty() || *due <= agenda_.next())) {
      if (*due <= now_) throw std::logic_error("the next deadline is in the past");
      now_ = *due;
      command(Tick{});
    } else if (!agenda_.empty()) {
      now_ = agenda_.next();
      agenda_.take()();
    } else {
      return;
    }
  }
}

std::string World::agents_text() const {
  std::string out;
  for (const auto& [id, agent] : agents_) {
    if (!agent.alive) continue;
    out += "  " + id + (agent.connected ? " connected" : " cut off") + (agent.welcome ? " welcome" : "") +
           (agent.draining ? " draining" : "");
    for (const auto& [ref, attempt] : agent.attempts)
      out +=
          " " + ref.first + "/" + std::to_string(ref.second) + (attempt.finished ? " finished" : " running");
    out += "\n";
  }
  return out;
}

// ---- the controller

void World::command(const Command& command) {
  Decision decision =
      advance(state, command, now_, [this](const State&, const Event& event) { check_start(event); });
  events.insert(events.end(), decision.events.begin(), decision.events.end());
  problems = check_invariants(state);
  send_all(decision.replies);
}

/// Checks that a lease starts a server that failed to start before only if no other attempt uses one.
void World::check_start(const Event& event) {
  if (const auto* leased = std::get_if<Leased>(&event.what)) {
    const int key = point_at(state, find_point(state, leased->ref.point)).key;
    const auto& warm = warm_[leased->agent];
    const bool was_warm =
        std::any_of(warm.begin(), warm.end(), [&](const WarmServer& server) { return server.key == key; });
    if (find_failed_starts(state, key) != nullptr && !was_warm && state.servers.in_use(key) != 1)
      throw std::logic_error("two attempts start a server that has failed to start");
  }
  unusable += std::holds_alternative<ServerUnusable>(event.what);
  if (const auto* ended = std::get_if<Ended>(&event.what))
    gangs += ended->accepted && find_attempt(state, ended->ref)->members.size() > 1;
  for (const auto& [id, agent] : state.agents)
    warm_[id] = agent.warm;
}

void World::receive(const std::string& agent, const wire::Message& message) {
  if (const auto* m = std::get_if<wire::Hello>(&message)) {
    return command(Hello{{m->agent, m->node, m->job, m->step, m->task, m->tasks, m->gpus, m->pid}});
  }
  mark_seen(state, agent, now_);
  if (std::holds_alternative<wire::Ready>(message)) return command(Ready{agent});
  if (std::holds_alternative<wire::Heartbeat>(message)) return command(Heartbeat{agent});
  if (const auto* m = std::get_if<wire::Started>(&message))
    return command(AttemptStarted{agent, m->ref, m->pid, "directory of " + agent.substr(0, 1)});
  if (const auto* m = std::get_if<wire::Finished>(&message)) {
    // Some have files, which are fetched until the agent repeats Finished.
    const Attempt* attempt = find_attempt(state, m->ref);
    const bool runs = attempt != nullptr && attempt->agent == agent &&
                      (attempt->state == Attempt::State::Leased || attempt->state == Attempt::State::Running);
    if (runs && m->outcome.kind == OutcomeKind::Ok && m->wall_ms % 4 == 0)
      return command(FilesAwaited{agent, m->ref});
    AttemptFinished finished{agent, m->ref, m->outcome, Millis(m->wall_ms), "", m->account, {}};
    // A pure function of the result, so that it is the same for each repetition.
    const bool is_invalid = some_invalid && (m->wall_ms + m->ref.attempt) % 3 == 0;
    if (is_invalid) finished.invalid = {"no-output: x"};
    return command(finished);
  }
  if (const auto* m = std::get_if<wire::Goodbye>(&message)) return command(Goodbye{agent, m->reason});
  throw std::logic_error("unexpected message from an agent: " + std::string(wire::type_name(message)));
}

wire::Message World::message_of(const Effect& effect) const {
  if (std::holds_alternative<SendWelcome>(effect))
    return wire::Welcome{"sweep", settings.pack_gpus, 10'000, 1'000};
  if (const auto* send = std::get_if<SendLease>(&effect)) {
    wire::Lease lease;
    lease.ref = send->ref;
    const PointStatus& point = point_at(state, find_point(state, send->ref.point));
    lease.gpus = gpus_on(point, attempt_at(point, send->ref.attempt), send->agent);
    // What the agent runs besides: a membership that is not named here has ended.
    for (const auto& [index, number] : state.agents.at(send->agent).held)
      lease.label += point_at(state, index).spec.id + "/" + std::to_string(number) + " ";
    return lease;
  }
  return std::get<SendMessage>(effect).message;
}

void World::send_all(const std::vector<Effect>& effects) {
  for (const Effect& effect : effects) {
    const std::string& to = std::visit([](const auto& e) -> const std::string& { return e.agent; }, effect);
    transmit(agents_.at(to), kToAgent, message_of(effect));
  }
}

// ---- the network

void World::transmit(SimAgent& agent, int direction, const wire::Message& message) {
  if (!agent.connected || random_.percent(faults.lost)) return;
  Instant& last = agent.last_arrival[direction];
  last = std::max(last, now_ + Millis(random_.below(random_.percent(5) ? 3'000 : 50)));
  const auto deliver = [this, &agent, direction, connection = agent.connection,
                        received = through_the_codec(message)] {
    if (!agent.connected || agent.connection != connection) return;
    if (direction == kToController) {
      receive(agent.info.id, received);
    } else {
      on_message(agent, received);
    }
  };
  for (int copies = random_.percent(faults.repeated) ? 2 : 1; copies > 0; --copies)
    agenda_.at(last, deliver);
  if (random_.percent(faults.cut)) later(agent, Millis(random_.below(100)), [this, &agent] { cut(agent); });
}

void World::cut(SimAgent& agent) {
  if (!agent.connected) return;
  agent.connected = false;
  // A short cut is not noticed; during a long one the controller considers the agent gone.
  const int longest = random_.percent(30) ? 150'000 : 2'000;
  later(agent, Millis(random_.below(longest)), [this, &agent] {
    if (agent.connected) return;
    agent.connected = true;
    agent.welcome = false;
    ++agent.connection;
    heartbeat(agent);
  });
}

// ---- the agents

void World::later(SimAgent& agent, Millis delay, std::function<void()> what) {
  agenda_.at(now_ + delay, [&agent, process = agent.process, what = std::move(what)] {
    if (agent.alive && agent.process == process) what();
  });
}

void World::boot(SimAgent& agent) {
  const AgentInfo info = agent.info;
  const std::uint64_t process = agent.process, connection = agent.connection;
  agent = SimAgent{};
  agent.info = info;
  agent.process = process + 1;
  agent.connection = connection + 1;
  agent.info.pid = static_cast<std::int64_t>(1'000 + agent.process);
  agent.pack = settings.pack_gpus;
  agent.alive = agent.connected = true;
  const auto send_heartbeats = [this, &agent](auto self) -> void {
    heartbeat(agent);
    later(agent, Millis(1'500), [self] { self(self); });
  };
  send_heartbeats(send_heartbeats);
}

/// Sends a heartbeat, and repeats everything that must not be lost until it is answered.
void World::heartbeat(SimAgent& agent) {
  if (!agent.welcome) {
    const AgentInfo& a = agent.info;
    wire::Hello hello{a.id, a.node, a.job, a.step, a.task, a.tasks, a.gpus, a.pid, "0.1.0", {}};
    return transmit(agent, kToController, hello);
  }
  for (const auto& [ref, attempt] : agent.attempts) {
    if (attempt.finished) transmit(agent, kToController, attempt.end);
  }
  if (agent.leased) {
    transmit(agent, kToController, wire::Heartbeat{});
  } else {
    transmit(agent, kToController, wire::Ready{});
  }
}

void World::on_message(SimAgent& agent, const wire::Message& message) {
  if (!agent.alive) return;
  if (std::holds_alternative<wire::Welcome>(message)) {
    agent.welcome = true;
    heartbeat(agent);
  } else if (std::holds_alternative<wire::Reject>(message)) {
    agent.alive = agent.connected = false;
  } else if (const auto* lease = std::get_if<wire::Lease>(&message)) {
    on_lease(agent, *lease);
  } else if (const auto* settled = std::get_if<wire::Settled>(&message)) {
    const std::pair key{settled->ref.point, settled->ref.attempt};
    const auto found = agent.attempts.find(key);
    if (found == agent.attempts.end() || (!found->second.finished && !found->second.is_member)) return;
    agent.attempts.erase(found);
    agent.settled.insert(key);
    if (agent.draining && agent.attempts.empty()) leave(agent, OutcomeKind::Ok);
  } else if (const auto* cancel = std::get_if<wire::Cancel>(&message)) {
    // The benchmark takes a while to end, and may end by itself before.
    later(agent, Millis(random_.below(1'000)), [this, &agent, ref = cancel->ref] {
      Outcome outcome = random_.percent(10) ? random_outcome() : Outcome{};
      if (outcome.kind == OutcomeKind::Ok) outcome.kind = OutcomeKind::Cancelled;
      end(agent, ref, outcome);
    });
  } else if (std::holds_alternative<wire::Drain>(message)) {
    agent.draining = true;
    if (agent.attempts.empty()) return leave(agent, OutcomeKind::Ok);
    Outcome outcome;
    outcome.kind = OutcomeKind::Cancelled;
    const auto running = agent.attempts;
    for (const auto& [ref, attempt] : running)
      end(agent, {ref.first, ref.second}, outcome);
  }
}

void World::on_lease(SimAgent& agent, const wire::Lease& lease) {
  const std::pair key{lease.ref.point, lease.ref.attempt};
  if (agent.settled.contains(key)) throw std::logic_error("an attempt was leased again after it was settled");
  agent.leased = true;
  if (const auto found = agent.attempts.find(key); found != agent.attempts.end()) {
    if (found->second.finished) return transmit(agent, kToController, found->second.end);
    if (found->second.is_member || !has_all_members(lease.ref)) return;
    return transmit(agent, kToController, wire::Started{lease.ref, 4711});
  }
  std::erase_if(agent.attempts, [&](const auto& entry) {
    const std::string name = entry.first.first + "/" + std::to_string(entry.first.second) + " ";
    return entry.second.is_member && !entry.second.finished && lease.label.find(name) == std::string::npos;
  });
  agent.check_capacity(lease);
  SimAgent::Attempt& attempt = agent.attempts[key];
  attempt.run = ++runs_;
  attempt.gpus = lease.gpus;
  const Attempt& told = *find_attempt(state, lease.ref);
  attempt.is_member = told.agent != agent.info.id;
  if (random_.percent(faults.dies))
    later(agent, Millis(random_.below(20'000)), [this, &agent] { die(agent); });
  if (random_.percent(faults.leaves)) {
    later(agent, Millis(random_.below(20'000)), [this, &agent] { leave(agent, OutcomeKind::Preempted); });
  }
  if (attempt.is_member) return run_member(agent, lease.ref, attempt.run);
  told.members.empty() ? begin(agent, lease.ref, attempt.run) : begin_client(agent, lease.ref, attempt.run);
}

/// Returns true if every member of the gang has the lease, or has had it.
bool World::has_all_members(const AttemptRef& ref) {
  const Attempt& attempt = *find_attempt(state, ref);
  return std::all_of(attempt.members.begin(), attempt.members.end(), [&](const GangMember& member) {
    const SimAgent& agent = agents_.at(member.agent);
    return agent.attempts.contains({ref.point, ref.attempt}) ||
           agent.settled.contains({ref.point, ref.attempt});
  });
}

/// Starts the benchmark, which ends after a while.
void World::begin(SimAgent& agent, const AttemptRef& ref, std::uint64_t run) {
  const PointSpec& spec = point_at(state, find_point(state, ref.point)).spec;
  const bool server_starts = spec.server.empty() || !random_.percent(4 * faults.fails);
  // The result of a gang is not possible before all members have got their leases, so its start is always reported.
  if (server_starts && (spec.gang || random_.percent(90)))
    transmit(agent, kToController, wire::Started{ref, 4711});
  later(agent, Millis(random_.between(1, 60'000)), [this, &agent, ref, run, server_starts] {
    const auto found = agent.attempts.find({ref.point, ref.attempt});
    if (found == agent.attempts.end() || found->second.run != run) return;
    end(agent, ref, server_starts ? random_outcome() : start_failure());
  });
}

/// Starts the client of a gang when all members have got their leases.
void World::begin_client(SimAgent& agent, const AttemptRef& ref, std::uint64_t run) {
  const auto found = agent.attempts.find({ref.point, ref.attempt});
  if (found == agent.attempts.end() || found->second.run != run || found->second.finished) return;
  if (has_all_members(ref)) return begin(agent, ref, run);
  later(agent, Millis(500), [this, &agent, ref, run] { begin_client(agent, ref, run); });
}

/// Runs the servers of a gang until they are stopped; sometimes one fails before.
void World::run_member(SimAgent& agent, const AttemptRef& ref, std::uint64_t run) {
  if (!random_.percent(faults.fails)) return;
  later(agent, Millis(random_.between(1, 60'000)), [this, &agent, ref, run] {
    const auto found = agent.attempts.find({ref.point, ref.attempt});
    if (found == agent.attempts.end() || found->second.run != run) return;
    end(agent, ref, random_outcome());
  });
}

Outcome World::start_failure() {
  Outcome outcome;
  outcome.kind = random_.percent(50) ? OutcomeKind::ServerFailed : OutcomeKind::TimedOut;
  outcome.phase = random_.percent(50) ? "ready" : "server-start";
  outcome.reason = "the server exited";
  return outcome;
}

Outcome World::random_outcome() {
  Outcome outcome;
  if (!random_.percent(faults.fails)) return outcome;
  constexpr OutcomeKind kKinds[] = {OutcomeKind::BenchmarkFailed, OutcomeKind::NoResult,
                                    OutcomeKind::InvalidResult,   OutcomeKind::TimedOut,
                                    OutcomeKind::Infrastructure,  OutcomeKind::Infrastructure};
  outcome.kind = kKinds[random_.below(6)];
  outcome.exit_code = random_.below(256);
  outcome.phase = "benchmark";
  outcome.reason = "random\x1b[31m failure";  // the journal must return the text as the controller stored it
  return outcome;
}

void World::end(SimAgent& agent, const AttemptRef& ref, const Outcome& outcome) {
  const auto found = agent.attempts.find({ref.point, ref.attempt});
  if (found == agent.attempts.end() || found->second.finished) return;
  found->second.finished = true;
  found->second.end = {ref, outcome, random_.below(60'000)};
  if (random_.percent(60)) {  // the benchmark of a recipe
    found->second.end.account.servers = random_.below(2);
    found->second.end.account.phases = {{"ready", Millis(random_.below(60'000))}};
  }
  transmit(agent, kToController, found->second.end);
}

void World::die(SimAgent& agent) {
  agent.alive = agent.connected = false;
  ++agent.process;
  if (random_.percent(40)) agenda_.at(now_ + Millis(random_.below(120'000)), [this, &agent] { boot(agent); });
}

/// Ends the agent, at the end of the sweep or because Slurm ends it. It either reports the end of each
/// attempt before Goodbye, or sends Goodbye only.
void World::leave(SimAgent& agent, OutcomeKind kind) {
  Outcome outcome;
  outcome.kind = kind;
  const auto running = agent.attempts;
  if (random_.percent(50)) {
    for (const auto& [ref, attempt] : running)
      end(agent, {ref.first, ref.second}, outcome);
  }
  transmit(agent, kToController, wire::Goodbye{"time limit"});
  // Goodbye is still under way when the process ends.
  agent.alive = false;
}

}  // namespace sweep::core
