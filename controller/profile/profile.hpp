// The profile: how benchmarks run at this site. (The matrix defines what to run.)
//
// A profile is merged from layers, of which later ones win key by key: built-in defaults,
// /etc/slurm-sweep/profile.yaml, ~/.config/slurm-sweep/profile.yaml, and the file of --sweep-profile. This
// header has only the values; load_profile.hpp reads them, and benchmark.hpp, container_section.hpp and
// runner.hpp answer questions about them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/profile/recipe.hpp"
#include "proto/base/container_spec.hpp"
#include "util/time.hpp"

namespace sweep::profile {

/// Time limits; 0: no limit.
struct Timeouts {
  Millis server{std::chrono::minutes(60)};  // from the start until the server is ready
  Millis benchmark{0};                      // from then on
  Millis point{std::chrono::minutes(180)};  // for a whole attempt
  // Only for recipes:
  Millis server_start{0};                            // until the server's first output or HTTP answer
  Millis server_progress{std::chrono::minutes(10)};  // each progress of loading extends `server` by this time
  Millis server_longest{std::chrono::minutes(180)};  // maximum total start time, with all extensions
  Millis reset{std::chrono::seconds(60)};            // for the answer to a reset or a health check
  Millis warm_up{0};                                 // from the client's start to its main run
};

/// How often an attempt is repeated after a failure of each kind.
struct Retries {
  int infrastructure = 2;
  int benchmark = 0;
  int invalid = 0;  // after results that are not valid
  int node = 3;     // after this many infrastructure failures in a row a node gets no more work; 0: never
};

/// The keys of a `container` section that a layer or a runner sets.
struct ContainerSection {
  ContainerSpec values;         // fields that are not set have no meaning
  std::set<std::string> given;  // ContainerField::key of the fields that are set
  friend bool operator==(const ContainerSection&, const ContainerSection&) = default;
};

/// Environment variables as names and values.
using Variables = std::vector<std::pair<std::string, std::string>>;

/// How points of one of InferenceMAX's runner types run: on which nodes, and with which settings.
struct Runner {
  std::string name;                      // of the type; * matches any text
  std::vector<std::string> features;     // Slurm features; a node must have all of them
  std::vector<std::string> gpus, nodes;  // GPU types and node names; a node must match one of each
  std::string partition;                 // of the node's job; empty: any
  ContainerSection container;            // overrides the profile's
  Variables env;                         // overrides the profile's
  friend bool operator==(const Runner&, const Runner&) = default;
};

/// The script of a checkout of InferenceMAX. For points of InferenceX it stands for the scripts of their checkout.
inline constexpr const char* kDefaultBenchmark =
    "benchmarks/{model-prefix}_{precision}_{hw}{framework-suffix}_slurm.sh";

struct Profile {
  enum class Packing { Node, Gpu };
  enum class Auth { Auto, Munge, Key };  // Auto: munge if it works

  std::string workspace;  // working directory of benchmarks, where they leave results; empty: the agent's
  std::string benchmark = kDefaultBenchmark;
  std::string benchmark_folder;  // directory of the file that sets `benchmark`; ./ and ../ are relative to it
  std::string script_ready;      // expression for a line: the server of a script is ready; empty: known lines
  Recipe recipe;                 // replaces `benchmark` if there is one
  std::map<std::string, Recipe> recipes;       // by file; if `benchmark` names recipe files (load_recipes())
  Variables env;                               // for every benchmark; values are templates
  ContainerSection container;                  // for every runner; a runner's own keys override it
  std::vector<Runner> runners;                 // in the order of the files; empty: any node serves any runner
  std::map<std::string, std::string> sources;  // "FILE:LINE" of each key that a file sets: "container.mounts"
  Packing packing = Packing::Node;
  Timeouts timeouts;
  Millis image_timeout{std::chrono::minutes(60)};  // until an image is staged on a node; 0: no limit
  bool point_timeout_declared =
      false;  // a file sets timeouts.point, which is then also the expected duration
  Retries retries;
  Auth auth = Auth::Auto;
  std::int64_t log_limit = 64'000'000;  // most bytes of one attempt's output that are kept
  // Most bytes of the files besides the result that are collected of one attempt; 0: none.
  std::int64_t artifact_limit = 4'000'000'000;
  std::string spool;  // node-local directory for unfinished results; empty: the agent chooses
  std::vector<std::string> doubts_ignored;  // kDoubts words that do not make a result invalid
  std::string eval_thresholds;  // file with the least scores of evaluations; empty: that of the workspace
  bool strict = true;         // the sweep ends with status 3 if every point is done but a result is not valid
  bool ignore_gpus = false;   // points need no GPUs: for machines without GPUs
  Millis kill_grace{10'000};  // between SIGTERM and SIGKILL
  Millis heartbeat{10'000};   // interval of an idle agent's heartbeats
  Millis agent_timeout{45'000};  // an agent that is silent for this long is considered lost
  Millis join{60'000};           // how long the other agents may take after the first one has joined
  Millis away{600'000};          // how long an agent keeps running and reconnecting without a controller
};

}  // namespace sweep::profile
