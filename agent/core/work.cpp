#include "agent/core/work.hpp"

#include "agent/core/contained.hpp"
#include "agent/core/environment.hpp"
#include "agent/core/gpu_metrics.hpp"

namespace sweep::agent {

std::string result_path(const Work& work) {
  return work.directory + "/" + work.lease.result_filename + ".json";
}

std::string working_directory(const Work& work) {
  return work.lease.workspace.empty() ? std::string() : work.directory;
}

std::string metrics_path(const Setup& setup, const Work& work) {
  if (!work.lease.gpu_metrics || work.sampled.empty()) return {};
  const std::string name = gpu_metrics_name(setup.environment, work.lease.environment);
  if (!name.starts_with('/')) return work.directory + "/" + name;
  if (!work.contained) return name;
  std::string inside = work.lease.container.workdir;
  while (inside.ends_with('/'))
    inside.pop_back();
  const std::string outside = path_inside(name, inside, work.directory);
  return outside == name ? std::string() : outside;
}

Spawn spawn_of(const Setup& setup, const Work& work, const std::vector<std::string>& argv, int port,
               const Variables& files, const std::optional<container::Staged>& staged) {
  const AttemptRef& ref = work.lease.ref;
  Variables own = files;
  if (!work.gpus.empty()) {
    const Variables gpus = gpu_variables(setup.gpus, work.gpus);
    own.insert(own.end(), gpus.begin(), gpus.end());
  }
  auto environment =
      benchmark_environment(setup.environment, work.lease.environment, own, port, working_directory(work));
  environment.push_back(mark_of(ref));
  Spawn out{ref, argv, std::move(environment), working_directory(work), mark_of(ref), work.contained};
  if (!work.contained) return out;
  Variables inside = work.lease.environment;
  inside.insert(inside.end(), own.begin(), own.end());
  out.argv =
      contained_command(setup, work.lease.container, *staged, {argv, work.directory, ref, std::move(inside)});
  return out;
}

Server::Plan server_plan(const Work& work, const std::optional<container::Staged>& staged) {
  Server::Plan plan;
  plan.spec = work.lease.server;
  plan.ready_ms = work.lease.timeouts.server_ms;
  plan.variables = work.lease.environment;
  plan.gpus = work.gpus;
  plan.directory = working_directory(work);
  plan.kill_grace = work.kill_grace;
  plan.container = work.lease.container;
  plan.image = work.image;
  plan.staged = staged;
  plan.workspace = work.directory;
  return plan;
}

}  // namespace sweep::agent
