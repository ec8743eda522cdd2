// The files that a benchmark leaves in its working directory besides its result: server.log, gpu_metrics.csv, …
//
// Rules: a name is a relative path below the working directory that leads nowhere else. A list comes from
// another process, so artifacts_problem() checks all of it before anything is written. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sweep {

struct Artifact {
  std::string name;  // path below the working directory, as the benchmark left it
  std::int64_t bytes = 0;
  bool own = false;  // it was in a folder of the attempt's own, where no other attempt writes
  friend bool operator==(const Artifact&, const Artifact&) = default;
};

inline constexpr std::size_t kMostArtifacts = 1000;  // of one attempt
inline constexpr std::size_t kLongestArtifactName = 400;
inline constexpr std::int64_t kArtifactPiece = std::int64_t{1} << 20;  // most bytes of one Piece

/// Returns why `name` cannot be the name of an artifact; "" if it can.
std::string artifact_name_problem(std::string_view name);

/// Returns why the list cannot be the artifacts of one attempt; "" if it can: there are few enough of them, each
/// name is good and occurs once, and none is also the folder of another.
std::string artifacts_problem(const std::vector<Artifact>& list);

/// Returns true for the names under which an evaluation (lm-eval) leaves its scores and their description: results*.json
/// and meta_env.json, without a folder. Contract of August 2026, section 11.
bool is_eval_file(std::string_view name);

/// Returns true for logs (*.log), which are kept in logs/ and not in raw/.
bool is_log(std::string_view name);

/// Returns the sum of their sizes in bytes.
std::int64_t total_bytes(const std::vector<Artifact>& list);

}  // namespace sweep
