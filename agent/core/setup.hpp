// What the agent knows when it starts and that never changes.
#pragma once

#include <string>
#include <vector>

#include "agent/core/gpus.hpp"
#include "proto/base/time.hpp"
#include "proto/wire/messages.hpp"

namespace sweep::agent {

struct Limits {
  Millis first_welcome{60'000};  // from the start to the controller's first answer
  Millis away{120'000};          // without a connection, later on
  Millis resend{30'000};         // between two Finished of one attempt
  Millis stop_grace{
      2'000};  // at most between SIGTERM and SIGKILL when Slurm ends the step: its KillWait is short
  Millis signal_lag{1'000};  // Slurm signals every process of a step; the agent's turn may come so much later
  Millis progress_spacing{200};  // between two Progress within a phase
};

struct Setup {
  wire::Hello hello;
  GpuList gpus;
  std::vector<std::string> environment;  // the agent's own, NAME=value
  std::string directory;                 // where it stands, absolute
  std::string endpoint;                  // of the controller, for people
  Limits limits;
};

}  // namespace sweep::agent
