#include "tests/sim/world.hpp"

#include <algorithm>
#include <csignal>

namespace sweep::sim {

namespace {

constexpr std::uint64_t kMaxSteps = 400'000, kMaxTasks = 4'000'000;
// A session must end within this time, enough for all points one after another with all their retries.
constexpr std::chrono::hours kLongestSession{30};

}  // namespace

void Tally::add(const Tally& o) {
  steps += o.steps;
  sessions += o.sessions;
  crashes += o.crashes;
  recoveries += o.recoveries;
  deaths += o.deaths;
  returns += o.returns;
  lost += o.lost;
  late += o.late;
  spooled += o.spooled;
  quarantines += o.quarantines;
  done += o.done;
  failed += o.failed;
  withdrawn += o.withdrawn;
  suspensions += o.suspensions;
  servers += o.servers;
  warm += o.warm;
}

std::string Tally::text() const {
  const auto item = [](const char* name, auto value) {
    return std::string(" ") + name + "=" + std::to_string(value);
  };
  return "steps=" + std::to_string(steps) + item("sessions", sessions) + item("crashes", crashes) +
         item("recoveries", recoveries) + item("deaths", deaths) + item("lost", lost) +
         item("returned", returns) + item("late", late) + item("spooled", spooled) +
         item("quarantines", quarantines) + item("done", done) + item("failed", failed) +
         item("withdrawn", withdrawn) + item("suspensions", suspensions) + item("servers", servers) +
         item("warm", warm);
}

World::World(std::uint64_t seed, std::size_t traced, InjectedBug injected)
    : sim_(seed, traced, injected),
      controller_(
          sim_, [this] { controller_crashed(); }, [this] { end_session(); }),
      settings_(sim_.scenario.settings),
      points_(sim_.scenario.points) {
  for (const NodeSpec& spec : sim_.scenario.nodes) {
    nodes_.push_back(std::make_unique<Node>());
    nodes_.back()->spec = spec;
  }
}

void World::run() {
  std::uint64_t tasks_run = 0;
  start_session();
  const auto any_agent = [&] {
    return std::any_of(agents_.begin(), agents_.end(), [](const auto& agent) { return agent->alive(); });
  };
  while (!finished_ || any_agent()) {
    if (sim_.agenda.empty()) violation("no event is left, but the sweep has not ended");
    if (sim_.steps > kMaxSteps || ++tasks_run > kMaxTasks) violation("the sweep does not end");
    sim_.now = sim_.agenda.next();
    if (in_session_ && sim_.now > session_began_ + kLongestSession) violation("the session does not end");
    sim_.agenda.take()();
  }
  check_end();
}

// ---- sessions

void World::start_session() {
  if (controller_.disk_is_full()) return schedule_next();
  ++session_;
  session_began_ = sim_.now;
  sim_.faults = is_faultless() ? FaultRates{} : sim_.scenario.faults;
  sim_.trace(sim_.now, [&] {
    return "session " + std::to_string(session_) + (is_faultless() ? ", without faults" : ", with faults");
  });
  if (!open_session()) {
    finished_ = true;
    return;
  }
  ++tally_.sessions;
  listening_ = in_session_ = true;
  start_job();
  if (!is_faultless()) schedule_faults();
  // In half of the sessions the faults cease after some time; then only the core's rules can end the session.
  if (sim_.random.percent(50)) {
    sim_.agenda.at(sim_.now + sim_.random.time(Millis(1'000), Millis(400'000)), [this] { sim_.faults = {}; });
  }
}

bool World::open_session() {
  if (session_ == 1) {
    controller_.begin(settings_, points_);
    return true;
  }
  return controller_.resume(random_resume(), is_faultless() ? Millis(0) : random_offset());
}

ResumeInput World::random_resume() {
  Random& random = sim_.random;
  ResumeInput out;
  out.command.version = "2";
  out.command.job = std::to_string(job_ + 1);
  // Later sessions change nothing any more; otherwise there would always be something left to do.
  const bool may_change = session_ <= sim_.scenario.faulty_sessions + 2;
  out.command.retry_failed = may_change && random.percent(30);
  const bool changes = may_change && sim_.scenario.changes;
  const bool changed = changes && random.percent(50);
  if (changed) settings_ = random_settings(random);
  if (changed && random.percent(50)) {
    points_.push_back({"p" + std::to_string(points_.size()), random.between(0, 4), "kind0"});
  }
  out.settings = settings_;
  std::vector<core::PointSpec> withdrawn;
  for (const core::PointSpec& spec : points_) {
    const bool out_now = changes && points_.size() > 1 && random.percent(15);
    (out_now ? withdrawn : out.specs).push_back(spec);
    if (out_now) out.command.withdrawn.push_back(spec.id);
  }
  out.specs.insert(out.specs.end(), withdrawn.begin(), withdrawn.end());
  return out;
}

/// Ends the session because the controller has ended, or crashed and is not restarted.
void World::end_session() {
  listening_ = in_session_ = false;
  for (const auto& agent : agents_)
    agent->link().cut(Millis(sim_.random.below(100)), Millis(100));
  if (is_faultless()) {
    const core::State& state = controller_.state();
    if (state.phase != core::Phase::Closed) violation("a session without faults did not end by itself");
    if (state.count(core::PointState::Pending) > 0)
      violation("a session without faults leaves points pending: " + state.end_reason);
    controller_.check_replay(true);
    for (const auto& agent : agents_) {
      if (agent->alive() && agent->plan().session == session_)
        violation(agent->name() + " still runs after the end of a session without faults");
    }
  }
  if (sim_.random.percent(60)) end_job(Millis(30'000));
  schedule_next();
}

void World::schedule_next() {
  const Millis gap = sim_.random.percent(50) ? sim_.random.time(Millis(1'000), Millis(60'000))
                                             : sim_.random.time(Millis(60'000), Millis(100'000'000));
  sim_.agenda.at(sim_.now + gap, [this] { start_session(); });
}

void World::check_end() const {
  for (const core::PointStatus& point : controller_.state().points) {
    const bool over = point.state == core::PointState::Done || point.state == core::PointState::Failed ||
                      point.state == core::PointState::Cancelled ||
                      point.state == core::PointState::Withdrawn;
    if (!over) violation(point.spec.id + " is " + std::string(core::state_word(point.state)) + " at the end");
  }
  sim_.checker.check_points(controller_.state());
  for (const Key& ref : sim_.checker.in_spools()) {
    const bool there = std::any_of(nodes_.begin(), nodes_.end(),
                                   [&](const auto& node) { return node->spool.contains(ref); });
    if (!there) violation("the result of " + ref.first + " is missing from its spool");
  }
}

Tally World::tally() const {
  Tally out = tally_;
  out.steps = sim_.steps;
  out.spooled = sim_.adopted;
  out.servers = sim_.servers;
  out.warm = sim_.warm;
  const core::State& state = controller_.state();
  out.done = state.count(core::PointState::Done);
  out.failed = state.count(core::PointState::Failed);
  out.withdrawn = state.count(core::PointState::Withdrawn);
  for (const core::Event& event : sim_.checker.journal()) {
    out.returns += std::holds_alternative<core::AgentReturned>(event.what);
    out.quarantines += std::holds_alternative<core::Quarantined>(event.what);
    const auto* ended = std::get_if<core::Ended>(&event.what);
    if (ended == nullptr) continue;
    out.lost += ended->lost;
    const core::Attempt* attempt = core::find_attempt(state, ended->ref);
    const int index = core::find_point(state, ended->ref.point);
    if (attempt == nullptr || index < 0) continue;
    out.late += ended->accepted && attempt != &core::point_at(state, index).attempts.back();
  }
  return out;
}

// ---- controllers

Millis World::random_offset() {
  if (!sim_.scenario.clock_jumps || sim_.random.percent(60)) return Millis(sim_.random.between(-500, 500));
  constexpr int kDays = 3 * 24 * 3'600;  // in seconds
  return Millis(std::int64_t{1'000} * sim_.random.between(-kDays, kDays));
}

void World::controller_crashed() {
  ++tally_.crashes;
  listening_ = false;
  for (const auto& agent : agents_)
    agent->link().cut(Millis(sim_.random.below(100)), Millis(sim_.random.below(1'000)));
  // Its node, or srun with all its processes, has ended too.
  if (sim_.random.per_mille(sim_.faults.abandon)) {
    sim_.trace(sim_.now, [] { return "the controller is not restarted"; });
    return end_session();
  }
  sim_.agenda.at(sim_.now + sim_.random.time(Millis(20), Millis(2'000)), [this] { restart_controller(); });
}

void World::restart_controller() {
  if (!controller_.recover(random_offset())) {
    sim_.agenda.at(sim_.now + Millis(2'000), [this] { restart_controller(); });
    return;
  }
  ++tally_.recoveries;
  listening_ = true;
  watch_srun();
}

// ---- jobs

void World::start_job() {
  Random& random = sim_.random;
  if (session_ == 1 || random.percent(90)) ++job_;  // else the job was requeued, and keeps its id
  const std::string job = std::to_string(job_);
  std::vector<Node*> where;
  for (const auto& node : nodes_) {
    if (is_faultless() || random.percent(80)) where.push_back(node.get());
    if (!is_faultless() && random.percent(15)) where.push_back(node.get());  // a second agent on it
  }
  if (where.empty()) where.push_back(nodes_.front().get());
  std::optional<Instant> ends;
  if (random.per_mille(sim_.faults.job_ends)) {
    ends = sim_.now + random.time(Millis(30'000), Millis(1'000'000));
    sim_.agenda.at(*ends, [this, session = session_] {
      if (session == session_) end_job(Millis(30'000));
    });
  }
  const int tasks = static_cast<int>(where.size());
  to_start_ = tasks;
  for (int task = 0; task < tasks; ++task) {
    if (!is_faultless() && random.percent(4)) {  // the task cannot be started
      --to_start_;
      continue;
    }
    const Millis after = random.delay(Millis(3'000), is_faultless() ? Millis(3'000) : Millis(100'000));
    sim_.agenda.at(sim_.now + after, [this, node = where[static_cast<std::size_t>(task)], task, tasks, job,
                                      ends, session = session_] {
      if (session != session_) return;
      start_agent(*node, task, tasks, job, ends);
      --to_start_;
    });
  }
  watch_srun();
  if (random.per_mille(sim_.faults.stopped)) {
    sim_.agenda.at(sim_.now + Millis(random.below(300'000)), [this, session = session_] {
      if (session == session_) controller_.stop("ctrl-c", Millis(sim_.random.percent(80) ? 20'000 : 0));
    });
  }
}

int World::free_slot(const Node& node) const {
  int slot = 0;
  const auto taken = [&] {
    return std::any_of(agents_.begin(), agents_.end(), [&](const auto& agent) {
      return agent->alive() && &agent->node() == &node && agent->plan().slot == slot;
    });
  };
  while (taken())
    ++slot;
  return slot;
}

void World::start_agent(Node& node, int task, int tasks, const std::string& job,
                        std::optional<Instant> job_ends) {
  SimAgent::Plan plan;
  plan.name = job + ".0." + std::to_string(task);
  plan.job = job;
  plan.session = session_;
  plan.task = task;
  plan.tasks = tasks;
  plan.slot = free_slot(node);
  plan.pid = ++pids_;
  plan.job_ends = job_ends;
  plan.asks_job_end = sim_.random.percent(50);
  // Agents have the address and the keys of the controller of their own session only.
  Link::Ends ends;
  const std::size_t index = agents_.size();
  ends.reachable = [this, session = session_] { return listening_ && session == session_; };
  ends.made = [this, index] { controller_.connected(*agents_[index]); };
  ends.at_controller = [this, index, session = session_](const Frames& frames) {
    if (session == session_) controller_.arrive(*agents_[index], frames);
  };
  agents_.push_back(std::make_unique<SimAgent>(sim_, node, std::move(plan), std::move(ends)));
  agents_.back()->boot();
}

/// Restarts the task of a killed agent under the same name.
void World::restart_agent(const SimAgent& ended) {
  const SimAgent::Plan plan = ended.plan();
  if (plan.session != session_) return;
  sim_.agenda.at(sim_.now + sim_.random.time(Millis(100), Millis(100'000)), [this, plan, &ended] {
    if (plan.session != session_) return;
    for (const auto& node : nodes_) {
      if (node.get() == &ended.node()) start_agent(*node, plan.task, plan.tasks, plan.job, plan.job_ends);
    }
  });
}

/// Ends the job as Slurm does: SIGTERM to all tasks, and SIGKILL after `grace`.
void World::end_job(Millis grace) {
  sim_.trace(sim_.now, [] { return "Slurm ends the job"; });
  for (const auto& agent : agents_) {
    if (agent->alive() && agent->plan().session == session_) agent->signal(SIGTERM);
  }
  sim_.agenda.at(sim_.now + grace, [this, session = session_] {
    for (const auto& agent : agents_) {
      if (agent->plan().session == session) agent->die();
    }
  });
}

/// Checks regularly whether all tasks have ended; then srun ends too, and the controller is notified.
void World::watch_srun() {
  constexpr Millis kInterval{5'000};
  sim_.agenda.at(sim_.now + kInterval, [this, session = session_] {
    if (session != session_ || !listening_) return;
    const bool any = std::any_of(agents_.begin(), agents_.end(), [&](const auto& agent) {
      return agent->alive() && agent->plan().session == session_;
    });
    if (any || to_start_ > 0) return watch_srun();
    controller_.srun_ended();
  });
}

// ---- faults

void World::schedule_faults() {
  const Millis mean = sim_.faults.fault_interval;
  if (mean.count() == 0) return;
  sim_.agenda.at(sim_.now + sim_.random.time(Millis(1), mean * 2), [this, session = session_] {
    if (session != session_ || !in_session_ || sim_.faults.fault_interval.count() == 0) return;
    inject_fault();
    schedule_faults();
  });
}

SimAgent* World::random_agent() {
  std::vector<SimAgent*> alive;
  for (const auto& agent : agents_) {
    if (agent->alive()) alive.push_back(agent.get());
  }
  return alive.empty() ? nullptr
                       : alive[static_cast<std::size_t>(sim_.random.below(static_cast<int>(alive.size())))];
}

void World::inject_fault() {
  Random& random = sim_.random;
  SimAgent* agent = random_agent();
  const Millis a_while = random.percent(50) ? Millis(random.below(20'000)) : Millis(random.below(300'000));
  switch (random.below(9)) {
    case 0:
      if (agent == nullptr) return;
      ++tally_.deaths;
      agent->die();
      if (random.percent(20)) restart_agent(*agent);
      return;
    case 1:
    case 2:
      if (agent != nullptr) agent->freeze(a_while);
      return;
    case 3:
      if (agent != nullptr) agent->link().cut(Millis(random.below(30'000)), a_while);
      return;
    case 4:  // a network partition
      for (const auto& each : agents_)
        if (random.percent(50)) each->link().cut(Millis(random.below(30'000)), a_while);
      return;
    case 5:
      if (agent != nullptr) agent->signal(random.percent(50) ? SIGTERM : SIGUSR1);
      return;
    case 6:
      return controller_.fill_disk(a_while);
    case 7:  // the job is suspended, in half of the cases without the controller
      ++tally_.suspensions;
      for (const auto& each : agents_)
        each->freeze(a_while);
      if (random.percent(50)) controller_.suspend(a_while);
      return;
    default:
      return controller_.crash();
  }
}

}  // namespace sweep::sim
