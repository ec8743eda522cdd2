// How the agent takes a lease: which GPUs, which command, which directory.
#include <algorithm>

#include "agent/core/agent.hpp"
#include "agent/core/contained.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

std::string absolute(const std::string& path, const std::string& base) {
  return path.starts_with('/') ? path : base + "/" + path;
}

}  // namespace

void Agent::accept(const wire::Lease& lease, Instant now, Actions& out) {
  auto work = work_for(lease);
  if (!work) {
    Work nothing;
    nothing.lease.ref = lease.ref;
    attempts_.emplace_back(setup_, std::move(nothing))
        .refuse(OutcomeKind::Infrastructure, work.error().message, now, out);
    return;
  }
  const bool has_command = !work->argv.empty();
  Attempt& attempt = attempts_.emplace_back(setup_, std::move(*work));
  attempt.runs_on(origin_);
  if (has_command) return see_to(attempt, now, out);
  attempt.refuse(OutcomeKind::BenchmarkFailed,
                 "no command: neither the command line nor the profile names a benchmark", now, out);
}

Expected<Work> Agent::work_for(const wire::Lease& lease) const {
  SWEEP_ASSIGN(auto gpus, gpus_for(lease));
  Work work;
  work.lease = lease;
  work.gpus = std::move(gpus);
  work.sampled = sampled_for(lease, work.gpus);
  work.kill_grace = Millis(welcome_->kill_grace_ms);
  work.argv = setup_.hello.command.empty() ? lease.command : setup_.hello.command;
  // A command on the command line is a benchmark of its own.
  work.needs_server = setup_.hello.command.empty() && !lease.server.key.empty();
  work.directory = lease.workspace.empty() ? setup_.directory : absolute(lease.workspace, setup_.directory);
  // A path on the command line is meant from where the user stood, not from the workspace; one of the
  // profile's starts there.
  const bool own = !setup_.hello.command.empty() && work.argv[0].find('/') != std::string::npos;
  if (own && !lease.workspace.empty()) work.argv[0] = absolute(work.argv[0], setup_.directory);
  if (has_container(lease.container)) {
    if (const auto prepared = contain(work); !prepared) return tl::unexpected(prepared.error());
  }
  return work;
}

/// What runs in the lease's container, and what its command is called there.
Expected<void> Agent::contain(Work& work) const {
  ContainerSpec& container = work.lease.container;
  SWEEP_ASSIGN(auto request, stage_request(setup_, container));
  work.image = std::move(request);
  work.contained = !work.needs_server || container.client_inside;
  if (!work.contained || work.argv.empty()) return {};
  std::string given = setup_.hello.command.empty() ? "" : setup_.hello.command[0];
  const bool own = given.find('/') != std::string::npos && !given.starts_with('/');
  while (given.starts_with("./"))
    given.erase(0, 2);
  std::string& program = work.argv[0];
  program = path_inside(own ? absolute(given, setup_.directory) : program, work.directory, container.workdir);
  // A program beside the user's feet is meant, wherever that is; its folder comes along.
  if (own && program.starts_with(setup_.directory + "/")) {
    const std::string folder = program.substr(0, program.rfind('/'));
    container.mounts.push_back(folder + ":" + folder + ":ro");
  }
  return {};
}

/// Those of its GPUs that are sampled. Of a node that it has to itself as many as it needs: servers take the
/// first ones.
std::vector<std::string> Agent::sampled_for(const wire::Lease& lease,
                                            const std::vector<std::string>& gpus) const {
  std::vector<std::string> out;
  for (const std::string& gpu : gpus.empty() ? setup_.gpus.ids : gpus) {
    const bool sampled = std::find(setup_.sampled.begin(), setup_.sampled.end(), gpu) != setup_.sampled.end();
    if (sampled && static_cast<int>(out.size()) < lease.gpus) out.push_back(gpu);
  }
  return out;
}

/// All GPUs: first those that no server has, then those of the one that was used longest ago.
std::vector<std::string> Agent::preferred(const std::vector<std::string>& all) const {
  std::vector<std::string> out, of_servers;
  for (auto server = servers_.rbegin(); server != servers_.rend(); ++server)
    of_servers.insert(of_servers.end(), server->gpus().begin(), server->gpus().end());
  for (const std::string& gpu : all) {
    if (std::find(of_servers.begin(), of_servers.end(), gpu) == of_servers.end()) out.push_back(gpu);
  }
  for (const std::string& gpu : of_servers) {
    if (std::find(out.begin(), out.end(), gpu) == out.end()) out.push_back(gpu);
  }
  return out;
}

// The attempt's own GPUs; none where it has the node, and all of its GPUs, to itself.
Expected<std::vector<std::string>> Agent::gpus_for(const wire::Lease& lease) const {
  const auto& all = setup_.gpus.ids;
  const bool whole_node = !welcome_->pack_gpus || lease.gpus == 0;
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
    // Those of its own server, where it runs; else those that no warm server has, as far as there are.
    for (const Server& server : servers_) {
      if (server.usable() && !server.taken_by() && server.key() == lease.server.key &&
          server.gpus().size() == static_cast<std::size_t>(lease.gpus))
        return server.gpus();
    }
  }
  const auto chosen = choose_gpus(preferred(all), taken, lease.gpus);
  if (!chosen) {
    return fail("it needs " + counted(static_cast<std::size_t>(lease.gpus), "GPU") + "; of the agent's " +
                std::to_string(all.size()) + ", " + std::to_string(all.size() - taken.size()) + " are free");
  }
  return whole_node ? std::vector<std::string>() : *chosen;
}

}  // namespace sweep::agent
