// Which files in a working directory are those that an attempt left besides its result.
//
//   server.log and other logs of servers and routers, benchmark.log
//   gpu_metrics*.csv, gpu_metrics*.json
//   results*.json, samples*.jsonl, meta_env.json     also below folders named results* and eval*
//   everything below results/                        RESULT_DIR of an agentic benchmark
//
// Rules: a file is the attempt's only if it is new or has changed since the attempt was prepared. A file in the
// attempt's own folder always is, and precedes one of the same name elsewhere. Links and other special files are
// left out, and so is everything if the files exceed a limit. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/actions.hpp"

namespace sweep::agent {

/// The names of an attempt's own folder's parts. Its variables point there.
inline constexpr std::string_view kOwnFolders = ".slurm-sweep";
inline constexpr std::string_view kOwnMetrics = "gpu_metrics.csv", kOwnResults = "results";

/// Returns true if a file of this name (a path below the working directory) may be collected.
bool is_artifact(std::string_view name);
/// Returns true if files that may be collected can be in the folder of this name below the working directory.
bool may_have_artifacts(std::string_view folder);

/// What is to be collected.
struct Choice {
  struct Item {
    Artifact file;
    FoundFile source;
  };
  std::vector<Item> items;
  std::vector<std::string> left_out;  // "NAME: why", or one line of not_collected()
};

/// Chooses from the files that were found after the attempt. `old_files`: those before it. `result_name`: the
/// name of its result file.
Choice choose_artifacts(const std::vector<FoundFile>& found, const std::vector<FoundFile>& old_files,
                        const std::string& result_name, std::int64_t most_bytes);

/// Why nothing is collected of an attempt that is stopped.
inline constexpr const char* kStoppedFirst =
    "the attempt or its agent was stopped before all files had arrived";

}  // namespace sweep::agent
