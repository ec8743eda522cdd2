// What the agent knows when it starts and that never changes.
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
  Millis away{120'000};          // without a connection, later on, where the controller does not say
  Millis job_end{10'000};        // to find out when the job ends
  Millis resend{30'000};         // between two Finished of one attempt
  Millis stop_grace{
      2'000};  // at most between SIGTERM and SIGKILL when Slurm ends the step: its KillWait is short
  Millis answer{10'000};     // for a server to answer a question
  Millis settle{3'000};      // a leaving agent waits for the controller's word on what it has just said
  Millis signal_lag{1'000};  // Slurm signals every process of a step; the agent's turn may come so much later
  Millis progress_spacing{200};                    // between two Progress within a phase
  std::size_t kept_output = std::size_t{1} << 20;  // of an attempt, while no controller answers
};

struct Setup {
  wire::Hello hello;
  GpuList gpus;
  std::vector<std::string> environment;  // the agent's own, NAME=value
  std::string directory;                 // where it stands, absolute
  std::string program;                   // its own binary, which starts containers
  std::string endpoint;                  // of the controller, for people
  std::vector<std::string> sampled;      // GPUs of which the driver tells samples, or why there are none
  Origin origin;                         // what is known of it without them
  bool asks_job_end = false;             // the driver finds out, and tells
  std::optional<Instant> job_end;        // where the environment says it
  Limits limits;
};

}  // namespace sweep::agent
