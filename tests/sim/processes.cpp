#include "tests/sim/processes.hpp"

#include <csignal>

namespace sweep::sim {

namespace {

/// True if every attempt of the point fails. (The suffix is part of the hash: changing it would
/// change what each seed does.)
bool always_fails(const Scenario& scenario, const std::string& point) {
  return static_cast<int>(std::hash<std::string>()(point + "curse") % 100) < scenario.always_failing_percent;
}

}  // namespace

void Processes::prepare(const agent::Prepare& what) {
  if (sim_.random.per_mille(sim_.faults.broken_node))
    return report_(agent::NotPrepared{what.ref, "no free port"});
  const int port = 20'000 + static_cast<int>(++ports_ % 10'000);
  paths_[key(what.ref)] = what.result_path;
  const auto file = node_.files.find(what.result_path);
  report_(agent::Prepared{what.ref, port,
                          file == node_.files.end() ? std::nullopt : std::optional(file->second.stamp)});
}

Processes::Process Processes::random_process(const wire::Lease& lease) {
  Process process;
  process.serial = ++serials_;
  process.gpus = lease.gpus;
  process.is_client = is_client(lease, sim_.scenario);
  process.path = paths_[key(lease.ref)];
  const bool fails = sim_.random.per_mille(sim_.faults.fails) || always_fails(sim_.scenario, lease.ref.point);
  if (fails) {
    if (sim_.random.percent(40)) process.exit_code = sim_.random.between(1, 255);
    process.leaves = static_cast<Leaves>(sim_.random.below(4));
  }
  process.ignores_term = sim_.random.per_mille(sim_.faults.fails / 2);
  process.cannot_die = sim_.random.per_mille(sim_.faults.fails / 20);
  process.leaves_others = sim_.random.percent(20);
  return process;
}

std::vector<GpuUser> Processes::gpu_users() const {
  std::vector<GpuUser> out;
  for (const auto& [ref, process] : running_) {
    if (process.cannot_die) continue;  // the agent has given up on it, or will
    out.push_back({ref.first + "/" + std::to_string(ref.second), process.port, process.gpus, process.devices,
                   process.is_client});
  }
  return out;
}

void Processes::start(const agent::Spawn& what, const wire::Lease& lease) {
  if (sim_.random.per_mille(sim_.faults.broken_node))
    return report_(agent::NotPrepared{what.ref, "cannot fork"});
  if (sim_.random.per_mille(sim_.faults.fails / 4))
    return report_(agent::StartFailed{what.ref, "no such program"});
  Process process = random_process(lease);
  if (what.argv == lease.eval_command) process.leaves = Leaves::Nothing;  // the client has left its result
  process.port = port_of(what);
  process.devices = devices_of(what);
  const auto [at, fresh] = running_.insert_or_assign(key(what.ref), process);
  if (!fresh) violation(name_of(what.ref) + " is started twice by one agent");
  report_(agent::ProcessStarted{what.ref, static_cast<std::int64_t>(1'000 + process.serial)});
  plan(what.ref, process);
}

void Processes::plan(const wire::AttemptRef& ref, const Process& process) {
  Random& random = sim_.random;
  const Millis length = random.time(Millis(10), sim_.scenario.longest);
  const Millis ready = random.time(Millis(1), length);
  later(ref, process.serial, ready, [this, ref](Process&) {
    report_(agent::Output{ref, false, "Application startup complete\n 10%|#    | 1/10 [00:01"});
  });
  if (random.per_mille(sim_.faults.fails / 4)) return;  // it never ends by itself
  later(ref, process.serial, length, [this, ref](Process& p) {
    end_leader(ref, p, {p.exit_code, std::nullopt});
  });
}

void Processes::later(const wire::AttemptRef& ref, std::uint64_t serial, Millis after,
                      std::function<void(Process&)> what) {
  sim_.agenda.at(sim_.now + after, [this, ref, serial, what = std::move(what)] {
    const auto found = running_.find(key(ref));
    if (found != running_.end() && found->second.serial == serial) what(found->second);
  });
}

void Processes::end_leader(const wire::AttemptRef& ref, Process& process, agent::Ended how) {
  if (!process.leads) return;
  process.leads = false;
  if (how.code == 0) leave(ref, process);
  const bool alone = !process.leaves_others;
  const std::uint64_t serial = process.serial;
  report_(agent::LeaderExited{ref, how});
  if (alone) later(ref, serial, Millis(sim_.random.below(3)), [this, ref](Process&) { end_group(ref); });
}

void Processes::end_group(const wire::AttemptRef& ref) {
  running_.erase(key(ref));
  report_(agent::GroupGone{ref});
}

void Processes::leave(const wire::AttemptRef& ref, const Process& process) {
  switch (process.leaves) {
    case Leaves::Result:
      return node_.write(process.path, result_bytes(ref));
    case Leaves::Nothing:
      return;
    case Leaves::Empty:
      return node_.write(process.path, "");
    case Leaves::Rubbish:
      return node_.write(process.path, "{");
  }
}

void Processes::signal(const agent::SignalGroup& what) {
  const auto found = running_.find(key(what.ref));
  if (found == running_.end()) return;
  const Process& process = found->second;
  if (what.kill ? process.cannot_die : process.ignores_term) return;
  // On SIGTERM some exit with 0, with or without a result, and some with 143 as a shell does.
  agent::Ended how{std::nullopt, what.kill ? SIGKILL : SIGTERM};
  if (!what.kill && sim_.random.percent(20)) how = {sim_.random.percent(50) ? 143 : 0, std::nullopt};
  later(what.ref, process.serial, Millis(sim_.random.below(what.kill ? 20 : 3'000)),
        [this, ref = what.ref, how](Process& p) {
          const std::uint64_t serial = p.serial;
          p.leaves_others = true;  // ended below
          end_leader(ref, p, how);
          later(ref, serial, Millis(1), [this, ref](Process&) { end_group(ref); });
        });
}

bool Processes::any_left(const wire::AttemptRef& ref) const {
  const auto found = running_.find(key(ref));
  return found != running_.end() && !found->second.cannot_die;
}

}  // namespace sweep::sim
