// What is fixed when the agent starts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/gpus.hpp"
#include "proto/base/account.hpp"
#include "proto/wire/messages.hpp"
#include "util/time.hpp"

namespace sweep::agent {

struct Limits {
  Millis first_welcome{60'000};  // from the start to the controller's first answer
  Millis away{120'000};          // without a connection after that, if the controller names no limit
  Millis job_end{10'000};        // to find out when the job ends
  Millis resend{30'000};         // between two Finished of one attempt
  // The longest time between SIGTERM and SIGKILL when Slurm ends the step: Slurm's KillWait is short.
  Millis stop_grace{2'000};
  Millis answer{10'000};  // for a server to answer a request
  Millis metrics{5'000};  // for gpu_metrics.csv to be written
  Millis settle{3'000};   // for the controller to settle what an agent that ends has sent last
  // Slurm signals every process of a step, and a client notices at once that its server has ended. The agent
  // may learn of either up to this much later than the benchmark's end.
  Millis cause_lag{1'000};
  Millis progress_spacing{200};                    // between two Progress within a phase
  std::size_t kept_output = std::size_t{1} << 20;  // of an attempt, while no controller answers
};

struct Setup {
  wire::Hello hello;
  GpuList gpus;
  std::vector<std::string> environment;  // the agent's own, NAME=value
  std::string directory;                 // its working directory, absolute
  std::string program;                   // its own binary, which starts containers
  std::string endpoint;                  // of the controller, for messages
  std::vector<std::string> sampled;  // the GPUs for which the driver reports samples, or why there are none
  Origin origin;                     // what is known of it without the samples
  bool asks_job_end = false;         // the driver asks Slurm, and reports JobEndKnown
  std::optional<Instant> job_end;    // from the environment, if it is there
  Limits limits;
};

}  // namespace sweep::agent
