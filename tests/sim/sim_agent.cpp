#include "tests/sim/sim_agent.hpp"

#include <algorithm>

#include "agent/core/server.hpp"
#include "tests/sim/describe.hpp"
#include "util/pause_watch.hpp"

namespace sweep::sim {

namespace {

/// Returns the position of the input in the order in which the real event loop handles what has accumulated.
int rank(const agent::Input& input) {
  if (std::holds_alternative<agent::Signalled>(input)) return 0;
  if (std::holds_alternative<agent::Received>(input)) return 3;
  if (std::holds_alternative<agent::Tick>(input)) return 4;
  const bool is_connection = std::holds_alternative<agent::Connected>(input) ||
                             std::holds_alternative<agent::Disconnected>(input) ||
                             std::holds_alternative<agent::Refused>(input);
  return is_connection ? 2 : 1;
}

bool is_server(const wire::AttemptRef& ref) {
  return ref.point == agent::kServerRef;
}

}  // namespace

SimAgent::SimAgent(Simulation& sim, Node& node, Plan plan, Link::Ends ends)
    : sim_(sim),
      node_(node),
      plan_(std::move(plan)),
      link_(sim,
            [&] {
              ends.at_agent = [this](const Frames& frames) { receive(frames); };
              ends.news = [this](agent::Input news) { post(std::move(news)); };
              return std::move(ends);
            }()),
      processes_(sim, node,
                 [this](agent::Input news) {
                   if (auto* prepared = std::get_if<agent::Prepared>(&news)) {
                     prepared->directory = directory();
                     prepared->own_folder = true;
                   }
                   if (const auto* started = std::get_if<agent::ProcessStarted>(&news))
                     begin_writing(key(started->ref));
                   post(std::move(news));
                 }),
      servers_(sim, [this](agent::Input news) { post(std::move(news)); }) {}

agent::Setup SimAgent::setup() const {
  agent::Setup setup;
  for (int i = 0; i < node_.spec.gpus; ++i)
    setup.gpus.ids.push_back(std::to_string(i));
  setup.gpus.variable = "CUDA_VISIBLE_DEVICES";
  setup.hello.agent = plan_.name;
  setup.hello.node = node_.spec.name;
  setup.hello.job = plan_.job;
  setup.hello.step = "0";
  setup.hello.task = plan_.task;
  setup.hello.tasks = plan_.tasks;
  setup.hello.gpus = setup.gpus.ids;
  setup.hello.pid = plan_.pid;
  if (!sim_.scenario.recipes) setup.hello.command = {"bench"};
  setup.directory = "/home/u/" + std::to_string(plan_.slot);
  setup.endpoint = "tcp://controller:1";
  // Some agents get the end of the job from the environment, some have to ask Slurm.
  setup.asks_job_end = plan_.asks_job_end;
  if (!plan_.asks_job_end) setup.job_end = plan_.job_ends;
  return setup;
}

void SimAgent::boot() {
  alive_ = true;
  // Clocks of nodes differ by seconds; a few are wrong by hours.
  offset_ = sim_.random.percent(95) ? Millis(sim_.random.between(-2'000, 2'000))
                                    : Millis(sim_.random.between(-40'000'000, 40'000'000));
  sim_.trace(sim_.now, [&] { return plan_.name + " starts on " + node_.spec.name; });
  core_ = std::make_unique<agent::Agent>(setup(), clock());
  node_.living.insert(plan_.pid);
  link_.open();
  if (plan_.asks_job_end) {
    const Millis after = sim_.random.delay(Millis(500), Millis(20'000));
    sim_.agenda.at(sim_.now + after, [this] { post(agent::JobEndKnown{plan_.job_ends}); });
  }
  arm();
}

void SimAgent::end(bool in_order) {
  alive_ = false;
  node_.living.erase(plan_.pid);
  link_.close(in_order);
  processes_.forget();
  for (const Key& ref : writing_)
    end_writing(ref);
  servers_.forget();
  inputs_.clear();
  held_.clear();
}

void SimAgent::die() {
  if (!alive_) return;
  sim_.trace(sim_.now, [&] { return plan_.name + " is killed"; });
  end(sim_.random.percent(50));
}

// ---- time

void SimAgent::freeze(Millis time) {
  if (!alive_ || frozen_) return;
  sim_.trace(sim_.now, [&] { return plan_.name + " is frozen"; });
  frozen_ = true;
  sim_.agenda.at(sim_.now + time, [this] { thaw(); });
  // Its ZeroMQ thread no longer answers the controller's pings.
  constexpr Millis kPingTimeout{30'000};
  if (time > kPingTimeout) {
    sim_.agenda.at(sim_.now + kPingTimeout, [this] {
      if (frozen_) link_.cut(Millis(0), Millis(0));
    });
  }
}

void SimAgent::thaw() {
  if (!alive_) return;
  sim_.trace(sim_.now, [&] { return plan_.name + " continues"; });
  frozen_ = false;
  std::stable_sort(held_.begin(), held_.end(),
                   [](const agent::Input& a, const agent::Input& b) { return rank(a) < rank(b); });
  inputs_.insert(inputs_.end(), std::make_move_iterator(held_.begin()), std::make_move_iterator(held_.end()));
  held_.clear();
  armed_.reset();
  note_pause();
  work();
}

/// Sets the clock back if the agent was frozen for long, as its driver does.
void SimAgent::note_pause() {
  const auto due = core_->next_deadline();
  if (!due || clock() - *due < PauseWatch::kLateness) return;
  const Millis pause = clock() - *due;
  offset_ -= pause;
  inputs_.emplace_front(agent::Suspended{pause});
}

void SimAgent::arm() {
  if (!alive_ || frozen_) return;
  const auto next = core_->next_deadline();
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  // The event loop may wake up late.
  const Instant at = std::max(sim_.now, *next - offset_) + Millis(sim_.random.percent(90) ? 0 : 500);
  sim_.agenda.at(at, [this, when = *next] {
    if (!alive_ || armed_ != when || frozen_) return;
    armed_.reset();
    const auto due = core_->next_deadline();
    if (due && *due <= clock()) return post(agent::Tick{});
    arm();
  });
}

// ---- inputs

void SimAgent::receive(const Frames& frames) {
  auto envelope = wire::decode({frames.begin(), frames.end()});
  if (!envelope) violation("the codec does not read what it wrote: " + envelope.error().message);
  post(agent::Received{std::move(envelope->message)});
}

void SimAgent::post(agent::Input input) {
  if (!alive_) return;
  if (frozen_) return held_.push_back(std::move(input));
  inputs_.push_back(std::move(input));
  work();
}

/// Records what the simulated node needs from an input.
void SimAgent::note_input(const agent::Input& input) {
  if (const auto* adopted = std::get_if<agent::Adopted>(&input)) adopted_.insert(key(adopted->finished.ref));
  const auto* received = std::get_if<agent::Received>(&input);
  if (received == nullptr) return;
  if (const auto* lease = std::get_if<wire::Lease>(&received->message)) leases_[key(lease->ref)] = *lease;
  if (const auto* welcome = std::get_if<wire::Welcome>(&received->message)) pack_ = welcome->pack_gpus;
  const auto* settled = std::get_if<wire::Settled>(&received->message);
  const auto mine = settled == nullptr ? unsettled_.end() : unsettled_.find(key(settled->ref));
  if (mine == unsettled_.end()) return;
  if (mine->second) sim_.checker.forgotten(settled->ref);
  unsettled_.erase(mine);
}

void SimAgent::work() {
  if (working_) return;  // called from an action: the loop below handles the input
  working_ = true;
  while (!inputs_.empty() && alive_ && !frozen_) {
    const agent::Input input = std::move(inputs_.front());
    inputs_.pop_front();
    ++sim_.steps;
    sim_.trace(sim_.now, [&] { return plan_.name + " < " + describe(input); });
    note_input(input);
    for (agent::Action& action : core_->on(input, clock())) {
      if (sim_.random.per_mille(sim_.faults.die)) die();
      if (!alive_) break;
      std::visit([&](auto& what) { perform(what); }, action);
    }
    const auto next = alive_ ? core_->next_deadline() : std::nullopt;
    if (std::holds_alternative<agent::Tick>(input) && next && *next <= clock())
      violation(plan_.name + ": after Tick its deadline is still in the past");
  }
  working_ = false;
  arm();
}

// ---- actions

void SimAgent::perform(agent::Send& what) {
  sim_.trace(sim_.now, [&] { return plan_.name + " > " + describe(what.message); });
  if (const auto* finished = std::get_if<wire::Finished>(&what.message)) {
    sim_.checker.finished(*finished, what.bulk);
    if (finished->of.empty() && processes_.any_left(finished->ref))
      violation(name_of(finished->ref) + " is reported as finished but still runs");
    if (finished->of.empty()) end_writing(key(finished->ref));
    if (finished->of.empty()) unsettled_[key(finished->ref)] = is_result(what.bulk);
  }
  link_.to_controller(what.message, what.bulk);
}
void SimAgent::perform(agent::Prepare& what) {
  processes_.prepare(what);
}
/// Checks that the process may run at the same time as those that already run.
void SimAgent::check_spawn(const agent::Spawn& what) const {
  GpuUser fresh{name_of(what.ref), port_of(what), 0, devices_of(what), false};
  if (!is_server(what.ref)) {
    const wire::Lease& lease = leases_.at(key(what.ref));
    fresh.gpus = lease.gpus;
    fresh.is_client = is_client(lease, sim_.scenario);
  }
  std::vector<GpuUser> others = processes_.gpu_users();
  for (GpuUser& server : servers_.gpu_users())
    others.push_back(std::move(server));
  check_exclusive(fresh, others, node_.spec.gpus, pack_);
}

void SimAgent::perform(agent::Spawn& what) {
  sim_.trace(sim_.now, [&] { return plan_.name + " starts " + name_of(what.ref); });
  check_spawn(what);
  if (is_server(what.ref)) return servers_.start(what);
  const wire::Lease& lease = leases_.at(key(what.ref));
  const bool evaluates = what.argv == lease.eval_command;  // after the client, on its server
  if (is_client(lease, sim_.scenario) && !evaluates)
    servers_.serve(what.ref, port_of(what), lease.server.key);
  sim_.checker.received(what.ref, static_cast<std::uint64_t>(plan_.pid));
  processes_.start(what, lease);
}
std::string SimAgent::directory() const {
  return sim_.scenario.shared_directory ? "shared" : node_.spec.name + "/" + std::to_string(plan_.slot);
}
/// From now on the attempt may write into its directory, until its files are copied or its agent is gone.
void SimAgent::begin_writing(const Key& ref) {
  auto& there = sim_.writing[writers()];
  if (there.contains(ref)) return;  // its evaluation begins
  if (!there.empty()) sim_.checker.mixed(ref);
  for (const Key& other : there)
    sim_.checker.mixed(other);
  there.insert(ref);
  writing_.insert(ref);
}
void SimAgent::perform(agent::CollectFiles& what) {
  agent::FilesCollected collected{what.ref, {}, {}};
  end_writing(key(what.ref));
  if (node_.spool.contains(key(what.ref))) {
    auto& kept = node_.kept_files[key(what.ref)];
    kept.clear();
    for (const auto& [file, content] : left_files(what.ref)) {
      collected.files.push_back(file);
      kept.push_back(content);
    }
  } else if (!left_files(what.ref).empty()) {
    collected.left_out = {"not collected: no spool"};
  }
  const Millis after = sim_.random.percent(70) ? Millis(0) : Millis(sim_.random.below(20'000));
  if (after.count() == 0) return inputs_.emplace_back(std::move(collected)), void();
  sim_.agenda.at(sim_.now + after, [this, collected] { post(collected); });
}
void SimAgent::perform(agent::StopCollecting& what) {
  inputs_.emplace_back(agent::FilesCollected{what.ref, {}, {"not collected: stopped"}});
}
void SimAgent::perform(agent::ReadPiece& what) {
  constexpr std::size_t kPiece = 6;
  wire::Piece piece{what.ref, what.file, what.offset};
  const auto kept = node_.kept_files.find(key(what.ref));
  std::string bytes;
  if (kept == node_.kept_files.end() || sim_.random.per_mille(sim_.faults.broken_node)) {
    piece.problem = "cannot read";
  } else {
    bytes = kept->second.at(static_cast<std::size_t>(what.file))
                .substr(static_cast<std::size_t>(what.offset), kPiece);
  }
  if (sim_.bug == InjectedBug::DamagePieces && !bytes.empty()) bytes[0] = '?';
  inputs_.emplace_back(agent::PieceRead{std::move(piece), std::move(bytes)});
}
void SimAgent::perform(agent::SignalGroup& what) {
  is_server(what.ref) ? servers_.signal(what) : processes_.signal(what);
}
void SimAgent::perform(agent::AskServer& what) {
  servers_.ask(what);
}
void SimAgent::perform(agent::ReadResult& what) {
  const auto file = node_.files.find(what.path);
  agent::ResultRead read{what.ref, std::nullopt, {}, {}};
  if (file != node_.files.end()) {
    read.stamp = file->second.stamp;
    read.bytes = file->second.bytes;
  }
  inputs_.emplace_back(std::move(read));
}
void SimAgent::perform(agent::OpenSpool&) {
  for (const auto& [ref, entry] : node_.spool) {
    if (entry.pid == plan_.pid) continue;
    if (node_.living.contains(entry.pid) && !sim_.scenario.shared_spool) continue;
    agent::Adopted adopted{entry.finished, entry.bytes};
    adopted.finished.of = entry.agent;
    ++sim_.adopted;
    inputs_.emplace_back(std::move(adopted));
  }
}
void SimAgent::perform(agent::SpoolResult& what) {
  const wire::AttemptRef ref = what.finished.ref;
  // The node's disk may be full; then the result exists only in the agent's memory.
  if (!sim_.random.per_mille(sim_.faults.broken_node)) {
    sim_.checker.spooled(ref);
    if (sim_.bug != InjectedBug::ForgetSpool)
      node_.spool[key(ref)] = {std::move(what.finished), std::move(what.bytes), plan_.name, plan_.pid};
  }
  const Millis after = sim_.random.percent(70) ? Millis(0) : Millis(sim_.random.below(100));
  if (after.count() == 0) return inputs_.emplace_back(agent::Spooled{ref}), void();
  sim_.agenda.at(sim_.now + after, [this, ref] { post(agent::Spooled{ref}); });
}
void SimAgent::perform(agent::DropSpooled& what) {
  const auto entry = node_.spool.find(key(what.ref));
  if (entry == node_.spool.end()) return;
  if (is_result(entry->second.bytes)) sim_.checker.forgotten(what.ref);
  sim_.checker.dropped(what.ref);
  node_.kept_files.erase(key(what.ref));
  node_.spool.erase(entry);
}
void SimAgent::perform(agent::RemoveFile& what) {
  const auto file = node_.files.find(what.path);
  if (file != node_.files.end() && file->second.stamp == what.stamp) node_.files.erase(file);
}
void SimAgent::perform(agent::Warn& what) {
  sim_.trace(sim_.now, [&] { return plan_.name + " warns: " + what.text; });
}
void SimAgent::perform(agent::Exit& what) {
  if (!servers_.gpu_users().empty()) violation(plan_.name + " exits while a server is still running");
  if (what.reason.empty()) {  // regular exit at the end of the sweep
    for (const Key& ref : adopted_) {
      if (node_.spool.contains(ref))
        violation(plan_.name + " has not reported " + ref.first +
                  ", which it found in another agent's spool");
    }
  }
  sim_.trace(sim_.now,
             [&] { return plan_.name + " ends with " + std::to_string(what.status) + ": " + what.reason; });
  end(true);
}

}  // namespace sweep::sim
