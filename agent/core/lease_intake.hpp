// Turns a lease into the work of an attempt: which GPUs, which command, which directory.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "agent/core/attempt.hpp"
#include "agent/core/server_pool.hpp"
#include "agent/core/setup.hpp"

namespace sweep::agent {

class LeaseIntake {
 public:
  /// All three must outlive it. `attempts`: all attempts of the agent.
  LeaseIntake(const Setup& setup, const std::list<Attempt>& attempts, const ServerPool& servers)
      : setup_(setup), attempts_(attempts), servers_(servers) {}

  /// Returns what the attempt is to run; its argv is empty if no benchmark is named. Fails if the agent's free
  /// GPUs do not suffice, or the lease has a container that this agent does not support.
  Expected<Work> work_for(const wire::Lease& lease, const wire::Welcome& welcome) const;

 private:
  Expected<void> contain(Work& work) const;
  Expected<std::vector<std::string>> gpus_for(const wire::Lease& lease, bool pack_gpus) const;
  std::vector<std::string> sampled_for(const wire::Lease& lease, const std::vector<std::string>& gpus) const;

  const Setup& setup_;
  const std::list<Attempt>& attempts_;
  const ServerPool& servers_;
};

}  // namespace sweep::agent
