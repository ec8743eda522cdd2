#include "agent/core/lease_intake.hpp"

#include <algorithm>

#include "agent/core/artifacts.hpp"
#include "agent/core/contained.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

std::string absolute(const std::string& path, const std::string& base) {
  return path.starts_with('/') ? path : base + "/" + path;
}

}  // namespace

Expected<Work> LeaseIntake::work_for(const wire::Lease& lease, const wire::Welcome& welcome) const {
  SWEEP_ASSIGN(auto gpus, gpus_for(lease, welcome.pack_gpus));
  const std::vector<std::string>& own_command = setup_.hello.command;
  Work work;
  work.lease = lease;
  work.gpus = std::move(gpus);
  work.sampled = sampled_for(lease, work.gpus);
  work.kill_grace = Millis(welcome.kill_grace_ms);
  work.argv = own_command.empty() ? lease.command : own_command;
  // A command from the command line starts its own server, if it needs one.
  work.needs_server = own_command.empty() && !lease.server.key.empty();
  if (work.needs_server && lease.eval == wire::EvalWhen::Only && !lease.eval_command.empty())
    work.argv = lease.eval_command;
  work.artifact_limit = welcome.artifact_limit;
  // Of a recipe, only the agent's gpu_metrics.csv and the files of an evaluation are left there.
  const bool leaves_in_folder = !work.needs_server || lease.eval != wire::EvalWhen::Never ||
                                (lease.gpu_metrics && !work.sampled.empty());
  if (welcome.artifact_limit > 0 && leaves_in_folder)
    work.own_folder = std::string(kOwnFolders) + "/" + file_safe(welcome.sweep) + "." +
                      file_safe(lease.ref.point) + "." + std::to_string(lease.ref.attempt);
  work.directory = lease.workspace.empty() ? setup_.directory : absolute(lease.workspace, setup_.directory);
  // A relative path on the command line starts at the directory in which the user ran srun; a relative path
  // in the profile starts at the workspace.
  const bool own_path = !own_command.empty() && work.argv[0].find('/') != std::string::npos;
  if (own_path && !lease.workspace.empty()) work.argv[0] = absolute(work.argv[0], setup_.directory);
  if (has_container(lease.container)) SWEEP_TRY(contain(work));
  return work;
}

/// Decides what runs in the lease's container, and which path the command has there.
Expected<void> LeaseIntake::contain(Work& work) const {
  ContainerSpec& container = work.lease.container;
  SWEEP_ASSIGN(auto request, stage_request(setup_, container));
  work.image = std::move(request);
  work.contained = !work.needs_server || container.client_inside;
  if (!work.contained || work.argv.empty()) return {};
  std::string given = setup_.hello.command.empty() ? "" : setup_.hello.command[0];
  const bool own_path = given.find('/') != std::string::npos && !given.starts_with('/');
  while (given.starts_with("./"))
    given.erase(0, 2);
  std::string& program = work.argv[0];
  program =
      path_inside(own_path ? absolute(given, setup_.directory) : program, work.directory, container.workdir);
  // A relative path of the user's that is outside the workspace: its folder is mounted too.
  if (own_path && program.starts_with(setup_.directory + "/")) {
    const std::string folder = program.substr(0, program.rfind('/'));
    container.mounts.push_back(folder + ":" + folder + ":ro");
  }
  return {};
}

/// Returns those of the attempt's GPUs that are sampled. If it has the whole node, these are as many as it
/// needs, from the first on: servers use the first GPUs.
std::vector<std::string> LeaseIntake::sampled_for(const wire::Lease& lease,
                                                  const std::vector<std::string>& gpus) const {
  std::vector<std::string> out;
  for (const std::string& gpu : gpus.empty() ? setup_.gpus.ids : gpus) {
    const bool sampled = std::find(setup_.sampled.begin(), setup_.sampled.end(), gpu) != setup_.sampled.end();
    if (sampled && static_cast<int>(out.size()) < lease.gpus) out.push_back(gpu);
  }
  return out;
}

/// Returns the attempt's share of the GPUs; an empty list if it has the node, and all GPUs, to itself.
Expected<std::vector<std::string>> LeaseIntake::gpus_for(const wire::Lease& lease, bool pack_gpus) const {
  const auto& all = setup_.gpus.ids;
  const bool whole_node = !pack_gpus || lease.gpus == 0;
  std::vector<std::string> taken;
  for (const Attempt& other : attempts_) {
    if (other.over()) continue;
    if (whole_node || other.gpus().empty()) {
      return fail("the agent is busy with " + other.ref().point + " attempt " +
                  std::to_string(other.ref().attempt));
    }
    taken.insert(taken.end(), other.gpus().begin(), other.gpus().end());
  }
  if (!whole_node) {
    if (auto warm = servers_.gpus_of_warm(lease)) return *std::move(warm);
  }
  auto chosen = choose_gpus(servers_.preferred_gpus(all), taken, lease.gpus);
  if (!chosen) {
    return fail("the lease needs " + counted(static_cast<std::size_t>(lease.gpus), "GPU") + ", but only " +
                std::to_string(all.size() - taken.size()) + " of the agent's " + std::to_string(all.size()) +
                " are free");
  }
  return whole_node ? std::vector<std::string>() : *std::move(chosen);
}

}  // namespace sweep::agent
