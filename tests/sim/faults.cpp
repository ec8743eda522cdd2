// Jobs, agents and controllers of a simulated sweep, and what happens to them.
#include <algorithm>
#include <csignal>

#include "tests/sim/world.hpp"

namespace sweep::sim {

// ---- controllers

Millis World::some_offset() {
  if (!stage_.weather.jumps || stage_.dice.percent(60)) return Millis(stage_.dice.between(-500, 500));
  constexpr int kDays = 3 * 24 * 3'600;  // in seconds
  return Millis(std::int64_t{1'000} * stage_.dice.between(-kDays, kDays));
}

void World::controller_crashed() {
  ++tally_.crashes;
  listening_ = false;
  for (const auto& agent : agents_)
    agent->link().cut(Millis(stage_.dice.below(100)), Millis(stage_.dice.below(1'000)));
  // Its node, or srun with all that belongs to it, is gone too.
  if (stage_.dice.per_mille(stage_.storm.abandon)) {
    stage_.trace(stage_.now, [] { return "nobody brings the controller back"; });
    return end_session();
  }
  stage_.agenda.at(stage_.now + stage_.dice.time(Millis(20), Millis(2'000)), [this] { bring_back(); });
}

void World::bring_back() {
  if (!controller_.recover(some_offset())) {
    stage_.agenda.at(stage_.now + Millis(2'000), [this] { bring_back(); });
    return;
  }
  ++tally_.recoveries;
  listening_ = true;
  watch_srun();
}

// ---- jobs

void World::start_job() {
  Random& dice = stage_.dice;
  if (session_ == 1 || dice.percent(90)) ++job_;  // else it was requeued, and has the name it had
  const std::string job = std::to_string(job_);
  std::vector<Node*> where;
  for (const auto& node : nodes_) {
    if (calm() || dice.percent(80)) where.push_back(node.get());
    if (!calm() && dice.percent(15)) where.push_back(node.get());  // a second agent on it
  }
  if (where.empty()) where.push_back(nodes_.front().get());
  std::optional<Instant> ends;
  if (dice.per_mille(stage_.storm.job_ends)) {
    ends = stage_.now + dice.time(Millis(30'000), Millis(1'000'000));
    stage_.agenda.at(*ends, [this, session = session_] {
      if (session == session_) end_job(Millis(30'000));
    });
  }
  const int tasks = static_cast<int>(where.size());
  to_start_ = tasks;
  for (int task = 0; task < tasks; ++task) {
    if (!calm() && dice.percent(4)) {  // it cannot be started
      --to_start_;
      continue;
    }
    const Millis after = dice.delay(Millis(3'000), calm() ? Millis(3'000) : Millis(100'000));
    stage_.agenda.at(stage_.now + after, [this, node = where[static_cast<std::size_t>(task)], task, tasks,
                                          job, ends, session = session_] {
      if (session != session_) return;
      start_agent(*node, task, tasks, job, ends);
      --to_start_;
    });
  }
  watch_srun();
  if (dice.per_mille(stage_.storm.stopped)) {
    stage_.agenda.at(stage_.now + Millis(dice.below(300'000)), [this, session = session_] {
      if (session == session_) controller_.stop("ctrl-c", Millis(stage_.dice.percent(80) ? 20'000 : 0));
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
  plan.asks_job_end = stage_.dice.percent(50);
  // Agents know the address and the keys of their session's controller.
  Link::Ends ends;
  const std::size_t index = agents_.size();
  ends.reachable = [this, session = session_] { return listening_ && session == session_; };
  ends.made = [this, index] { controller_.connected(*agents_[index]); };
  ends.at_controller = [this, index, session = session_](const Frames& frames) {
    if (session == session_) controller_.arrive(*agents_[index], frames);
  };
  agents_.push_back(std::make_unique<SimAgent>(stage_, node, std::move(plan), std::move(ends)));
  agents_.back()->boot();
}

/// A task that is started anew, under its name.
void World::start_again(const SimAgent& dead) {
  const SimAgent::Plan plan = dead.plan();
  if (plan.session != session_) return;
  stage_.agenda.at(stage_.now + stage_.dice.time(Millis(100), Millis(100'000)), [this, plan, &dead] {
    if (plan.session != session_) return;
    for (const auto& node : nodes_) {
      if (node.get() == &dead.node()) start_agent(*node, plan.task, plan.tasks, plan.job, plan.job_ends);
    }
  });
}

/// Slurm: SIGTERM to all, and SIGKILL after a while.
void World::end_job(Millis grace) {
  stage_.trace(stage_.now, [] { return "Slurm ends the job"; });
  for (const auto& agent : agents_) {
    if (agent->alive() && agent->plan().session == session_) agent->signal(SIGTERM);
  }
  stage_.agenda.at(stage_.now + grace, [this, session = session_] {
    for (const auto& agent : agents_) {
      if (agent->plan().session == session) agent->die();
    }
  });
}

/// srun ends when all its tasks have ended, and then the controller is alone.
void World::watch_srun() {
  constexpr Millis kOften{5'000};
  stage_.agenda.at(stage_.now + kOften, [this, session = session_] {
    if (session != session_ || !listening_) return;
    const bool any = std::any_of(agents_.begin(), agents_.end(), [&](const auto& agent) {
      return agent->alive() && agent->plan().session == session_;
    });
    if (any || to_start_ > 0) return watch_srun();
    controller_.left_alone();
  });
}

// ---- calamities

void World::plan_calamities() {
  const Millis about = stage_.storm.calamity;
  if (about.count() == 0) return;
  stage_.agenda.at(stage_.now + stage_.dice.time(Millis(1), about * 2), [this, session = session_] {
    if (session != session_ || !in_session_ || stage_.storm.calamity.count() == 0) return;
    calamity();
    plan_calamities();
  });
}

SimAgent* World::some_agent() {
  std::vector<SimAgent*> alive;
  for (const auto& agent : agents_) {
    if (agent->alive()) alive.push_back(agent.get());
  }
  return alive.empty() ? nullptr
                       : alive[static_cast<std::size_t>(stage_.dice.below(static_cast<int>(alive.size())))];
}

void World::calamity() {
  Random& dice = stage_.dice;
  SimAgent* agent = some_agent();
  const Millis a_while = dice.percent(50) ? Millis(dice.below(20'000)) : Millis(dice.below(300'000));
  switch (dice.below(8)) {
    case 0:
      if (agent == nullptr) return;
      ++tally_.deaths;
      agent->die();
      if (dice.percent(20)) start_again(*agent);
      return;
    case 1:
    case 2:
      if (agent != nullptr) agent->freeze(a_while);
      return;
    case 3:
      if (agent != nullptr) agent->link().cut(Millis(dice.below(30'000)), a_while);
      return;
    case 4:  // the network is cut in two
      for (const auto& each : agents_)
        if (dice.percent(50)) each->link().cut(Millis(dice.below(30'000)), a_while);
      return;
    case 5:
      if (agent != nullptr) agent->signal(dice.percent(50) ? SIGTERM : SIGUSR1);
      return;
    case 6:
      return controller_.fill_disk(a_while);
    default:
      return controller_.crash();
  }
}

}  // namespace sweep::sim
