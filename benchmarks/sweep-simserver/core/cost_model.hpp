// How long a step of a serving engine takes, and how many tokens its cache holds. Pure; no queueing here.
//
// The formulas, and every assumption with its reason, are in docs/simulated-server.md; in short, for one step
// that takes all GPUs of a tensor-parallel group through all layers:
//
//     seconds = host + layers x kernels x launch
//             + max( bytes read / (bandwidth x 0.8),  FLOP / (FLOP/s x 0.6) )     of the busiest GPU
//             + all-reduces x ( latency(tp) + bytes moved / (link x 0.8) )
//
// Rules: figures of hardware and models are published ones; what is assumed is a constant below and nowhere
// else. The result is a simulation and is never called anything else.
#pragma once

#include <cstdint>

#include "benchmarks/sweep-simserver/core/architecture.hpp"
#include "benchmarks/sweep-simserver/core/hardware.hpp"
#include "util/error.hpp"

namespace sweep::sim_server {

/// The assumptions.
inline constexpr double kBandwidthShare = 0.8;  // of the published bandwidth, HBM and NVLink, that is reached
inline constexpr double kFlopsShare = 0.6;      // of the published FLOP/s that is reached
inline constexpr double kHostSeconds = 0.3e-3;  // a step's part of scheduling and sampling on the host
inline constexpr double kKernelSeconds = 2.5e-6;      // what a kernel costs beyond its traffic and FLOP
inline constexpr double kReduceSeconds = 3.0e-6;      // latency of an all-reduce between two GPUs ...
inline constexpr double kReduceHopSeconds = 0.75e-6;  // ... and for each further GPU
inline constexpr double kNarrowWidth =
    128;  // an expert's slice of width w reaches w / (w + 128) of the FLOP/s
inline constexpr double kBusiestRank = 1.1;    // with expert parallelism: the busiest GPU's load to the mean
inline constexpr double kReservedBytes = 4e9;  // of each GPU, for activations, graphs and communication

/// What is served, and on what.
struct Deployment {
  const Hardware* hardware = nullptr;
  const Architecture* architecture = nullptr;
  Precision precision = Precision::Fp8;      ///< of the weights; of a mixture of experts, of the experts
  Precision kv_precision = Precision::Bf16;  ///< of the cache: Bf16 or Fp8
  std::uint32_t tp = 1;                      ///< GPUs of the group
  std::uint32_t ep = 1;                      ///< groups that the experts are divided among; divides tp
  bool dp_attention = false;                 ///< each GPU does the attention of its own share of the requests
  double memory_utilization = 0.9;           ///< share of the GPU's memory that may be used
};

/// What one step computes. Sums over its sequences.
struct Batch {
  double prefill_tokens = 0;    ///< tokens of prompts
  double prefill_pairs = 0;     ///< of these: (token, token that it looks at)
  double decode_tokens = 0;     ///< sequences that get a token
  double full_context = 0;      ///< tokens of cache that layers with full attention read
  double windowed_context = 0;  ///< the same of layers with a window: at most the window of each sequence
  double decode_pairs = 0;      ///< of decoding sequences: tokens of context, full
};

class CostModel {
 public:
  /// Fails, naming option, value and remedy, when the combination makes no sense or the weights do not fit.
  static Expected<CostModel> make(const Deployment& setup);

  const Deployment& setup() const { return setup_; }

  /// Seconds that a step of `batch` takes. Greater than 0 for every batch, the empty one too.
  double step_seconds(const Batch& batch) const;

  /// Bytes of weights on each GPU.
  double weight_bytes() const;
  /// Bytes of cache on each GPU that a token of context costs, for all GPUs the same: with dp_attention a
  /// token is on one GPU, which this counts as a tp-th on each.
  double kv_bytes_per_token() const;
  /// Tokens of context that fit beside the weights; 0 when none do. Windows take theirs from it: see
  /// window_tokens.
  double kv_capacity_tokens() const;
  /// What the windowed layers keep of a sequence of so many tokens, as tokens of full layers.
  double window_tokens(double tokens) const;

  /// Parts of step_seconds, for tests and for the documentation.
  double read_seconds(const Batch& batch) const;
  double compute_seconds(const Batch& batch) const;
  double reduce_seconds(const Batch& batch) const;
  double overhead_seconds() const;

 private:
  explicit CostModel(const Deployment& setup);
  double kv_parts() const;

  Deployment setup_;
  double dense_bytes_ = 0;   // on each GPU, read in every step
  double expert_bytes_ = 0;  // on each GPU, all routed experts
};

/// Bytes that one weight, or one element of the cache, takes.
double bytes_each(const Architecture& model, Precision precision);

}  // namespace sweep::sim_server
