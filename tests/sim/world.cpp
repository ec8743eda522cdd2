#include "tests/sim/world.hpp"

#include <algorithm>

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
         item("withdrawn", withdrawn) + item("servers", servers) + item("warm", warm);
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

}  // namespace sweep::sim
