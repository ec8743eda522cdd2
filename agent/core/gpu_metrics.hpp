// The samples of one attempt's GPUs as the text of a gpu_metrics.csv, for benchmarks that do not write that file
// themselves.
//
// Rules: pure. The text begins with the newest sample of each GPU from before the benchmark's start and ends with the
// first one from after its end, so that the measured window is always between two samples. It is not kept here: each
// piece is returned once, and the driver keeps it on the node's disk.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/telemetry.hpp"

namespace sweep::agent {

class GpuMetrics {
 public:
  /// `gpus`: those that are sampled; empty if no file is wanted or none is sampled.
  explicit GpuMetrics(std::vector<std::string> gpus) : gpus_(std::move(gpus)) {}

  /// Begins the text when the benchmark starts. `newest`: the newest samples. Returns what has to be kept; empty if no
  /// file is wanted.
  std::string begin(const std::vector<GpuSample>& newest);
  /// Returns the lines of a sample; empty if it does not belong into the text.
  std::string add(const GpuSample& sample);
  /// Returns true if the text has begun.
  bool begun() const { return begun_; }
  /// Returns true if the text has at least one sample.
  bool any() const { return !last_.empty(); }

  /// The benchmark ended at `ended`: from now on, done() returns false until each GPU that was sampled shortly before
  /// has a sample from after that, but until deadline() at most.
  void end(Instant ended) { ended_ = ended; }
  bool done(Instant now) const;
  /// Returns until when done() returns false at most; std::nullopt before end().
  std::optional<Instant> deadline() const;

  /// The longest wait for the last samples. InferenceX's tools do not accept longer gaps.
  static constexpr Millis kLongestGap{3'000};

 private:
  std::vector<std::string> gpus_;
  bool begun_ = false;
  std::map<std::string, Instant> last_;  // times of the newest samples in the text, by GPU
  std::optional<Instant> ended_;
};

/// The variable that names the file of a benchmark's GPU monitor.
inline constexpr const char* kMetricsVariable = "GPU_METRICS_CSV";

/// Returns the name of the file that a benchmark's GPU monitor writes: GPU_METRICS_CSV of the lease, else of the agent's
/// own environment, else gpu_metrics.csv.
std::string gpu_metrics_name(const std::vector<std::string>& own,
                             const std::vector<std::pair<std::string, std::string>>& lease);

}  // namespace sweep::agent
