// Computes how long a step of a serving engine takes, and how many tokens its cache holds. Pure; queueing is
// in engine.hpp.
//
// The formulas, and every assumption with its reason, are in docs/simulated-server.md. In short, for a step
// in which all GPUs of a tensor-parallel group work on all layers:
//
//     seconds = host + layers x kernels x launch
//             + max( bytes read / (bandwidth x 0.8),  FLOP / (FLOP/s x 0.6) )     of the busiest GPU
//             + all-reduces x ( latency(tp) + bytes moved / (link x 0.8) )
//
// Figures of hardware and models are published ones; each assumption is a constant below and nowhere else.
// The result is a simulation and is always labelled as such.
#pragma once

#include <cstdint>

#include "benchmarks/sweep-simserver/core/architecture.hpp"
#include "benchmarks/sweep-simserver/core/hardware.hpp"
#include "util/error.hpp"

namespace sweep::sim_server {

/// The assumptions.
// Fraction of the published bandwidth (HBM, NVLink) that is reached.
inline constexpr double kBandwidthShare = 0.8;
inline constexpr double kFlopsShare = 0.6;            // fraction of the published FLOP/s that is reached
inline constexpr double kHostSeconds = 0.3e-3;        // scheduling and sampling on the host, per step
inline constexpr double kKernelSeconds = 2.5e-6;      // cost of a kernel beyond its memory traffic and FLOP
inline constexpr double kReduceSeconds = 3.0e-6;      // latency of an all-reduce between two GPUs ...
inline constexpr double kReduceHopSeconds = 0.75e-6;  // ... and of each further GPU
// An expert's slice of width w reaches w / (w + 128) of the FLOP/s.
inline constexpr double kNarrowWidth = 128;
// With expert parallelism: load of the busiest GPU relative to the mean.
inline constexpr double kBusiestRank = 1.1;
inline constexpr double kReservedBytes = 4e9;  // memory of each GPU for activations, graphs and communication

/// The served model and the GPUs that serve it.
struct Deployment {
  const Hardware* hardware = nullptr;
  const Architecture* architecture = nullptr;
  Precision precision = Precision::Fp8;      ///< of the weights; in a mixture of experts, of the experts
  Precision kv_precision = Precision::Bf16;  ///< of the KV cache: Bf16 or Fp8
  std::uint32_t tp = 1;                      ///< number of GPUs in the group
  std::uint32_t ep = 1;             ///< number of groups that the experts are divided among; must divide tp
  bool dp_attention = false;        ///< each GPU computes the attention of its own share of the requests
  double memory_utilization = 0.9;  ///< fraction of the GPU's memory that may be used
};

/// The work of one step, summed over its sequences.
struct Batch {
  double prefill_tokens = 0;    ///< number of prompt tokens
  double prefill_pairs = 0;     ///< pairs (prompt token, token that it attends to)
  double decode_tokens = 0;     ///< number of sequences that decode one token
  double full_context = 0;      ///< cached tokens that layers with full attention read
  double windowed_context = 0;  ///< the same for layers with a window: at most the window for each sequence
  double decode_pairs = 0;      ///< tokens of context of the decoding sequences, not limited by a window
};

class CostModel {
 public:
  /// Fails, with a message that names option, value and remedy, if the combination is invalid or the weights
  /// do not fit.
  static Expected<CostModel> make(const Deployment& setup);

  const Deployment& setup() const { return setup_; }

  /// Returns how many seconds a step of `batch` takes; more than 0 for every batch, including an empty one.
  double step_seconds(const Batch& batch) const;

  /// Returns the bytes of weights on each GPU.
  double weight_bytes() const;
  /// Returns the bytes of cache on each GPU for a token of context. The value is the same for all GPUs: with
  /// dp_attention a token is cached on only one GPU, which is counted as 1/tp of it on each.
  double kv_bytes_per_token() const;
  /// Returns how many tokens of context fit in memory with the weights, 0 if none. Windowed layers also use
  /// this capacity: see window_tokens().
  double kv_capacity_tokens() const;
  /// Returns what the windowed layers keep of a sequence of `tokens` tokens, converted to tokens of full
  /// layers.
  double window_tokens(double tokens) const;

  /// The terms of step_seconds(), for tests and for the documentation.
  double read_seconds(const Batch& batch) const;
  double compute_seconds(const Batch& batch) const;
  double reduce_seconds(const Batch& batch) const;
  double overhead_seconds() const;

 private:
  explicit CostModel(const Deployment& setup);
  double kv_parts() const;

  Deployment setup_;
  double dense_bytes_ = 0;   // on each GPU; read in every step
  double expert_bytes_ = 0;  // on each GPU; all routed experts
};

/// Returns the bytes of one weight, or of one element of the cache.
double bytes_each(const Architecture& model, Precision precision);

}  // namespace sweep::sim_server
