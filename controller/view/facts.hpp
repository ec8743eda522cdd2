// What the views show that is neither plan nor state: where, when, and how far running attempts say they are.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "util/time.hpp"

namespace sweep::view {

/// As the benchmark's output tells; 0 of 0 where it does not say.
struct AttemptProgress {
  std::string phase;
  std::int64_t done = 0, total = 0;
};

struct Facts {
  std::string sweep;      // id
  std::string version;    // of the controller that ran it
  std::string directory;  // the output directory, as the user should read it
  std::string job;        // "12.0", empty without Slurm
  std::string owner;      // "host, pid 123" of the live controller, empty when there is none
  std::vector<std::string> configs;
  std::string select;
  std::string profile;            // the file that was named for it, absolute; may be empty
  std::string working_directory;  // where it was started
  std::string resume;             // the command that goes on with it; empty where nobody can say
  Instant opened{};
  std::map<std::pair<std::string, int>, AttemptProgress> progress;  // by point id and attempt
};

}  // namespace sweep::view
