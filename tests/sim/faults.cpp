// The parts of World that start jobs, agents and controllers, and inject faults.
#include <algorithm>
#include <csignal>

#include "tests/sim/world.hpp"

namespace sweep::sim {

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
  switch (random.below(8)) {
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
    default:
      return controller_.crash();
  }
}

}  // namespace sweep::sim
