// Data that the views show in addition to plan and state: where and when the sweep ran, and the progress that
// running attempts have reported.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "util/time.hpp"

namespace sweep::view {

/// Parsed from the benchmark's output; done and total are 0 if it prints no progress.
struct AttemptProgress {
  std::string phase;
  std::int64_t done = 0, total = 0;
};

struct Facts {
  std::string sweep;      // id
  std::string version;    // of the controller that ran it
  std::string directory;  // the output directory as shown to the user
  std::string job;        // "12.0", empty without Slurm
  std::string owner;      // "host, pid 123" of the running controller; empty if none is running
  std::vector<std::string> configs;
  std::string select;
  std::string profile;            // path of the profile given for it, absolute; may be empty
  std::string working_directory;  // in which it was started
  std::string resume;             // the command that resumes it; empty if unknown
  Instant opened{};
  std::map<std::pair<std::string, int>, AttemptProgress> progress;  // by point id and attempt
};

}  // namespace sweep::view
