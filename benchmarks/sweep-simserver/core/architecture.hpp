// The models that can be simulated: how much a step of each has to read, compute and store. Pure.
//
// The shapes are those of the published configurations, which the source names. Parameter counts are computed
// from the shapes, so a test can compare them with the published totals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "benchmarks/sweep-simserver/core/hardware.hpp"

namespace sweep::sim_server {

/// What the cache of a sequence holds for each token: elements over all layers. Sliding-window layers keep
/// only the last `window` tokens.
struct KvShape {
  double full = 0;           ///< elements per token in layers with full attention
  double windowed = 0;       ///< elements per token in layers with a window
  std::uint32_t window = 0;  ///< tokens
  std::uint32_t heads = 1;   ///< maximum number of parts in tensor parallelism; 1: each GPU keeps all of it
};

struct Architecture {
  std::string_view name;    ///< as in the option: "dsr1"
  std::string_view label;   ///< "DeepSeek-R1 (671B, mixture of experts)"
  std::string_view source;  ///< where the shape is published

  std::uint32_t layers = 0;
  std::uint32_t hidden = 0;
  std::uint32_t vocabulary = 0;
  std::uint32_t max_context = 0;  ///< tokens

  double attention_params = 0;  ///< in all layers
  /// All others that every token uses: dense FFN, shared experts, router, output head.
  double shared_params = 0;
  double embedding_params = 0;   ///< input embedding: stored, but a step reads only one row per token
  std::uint32_t moe_layers = 0;  ///< layers with routed experts; 0: a dense model
  std::uint32_t experts = 0, experts_per_token = 0;  ///< routed experts in each of these layers
  double expert_params = 0;                          ///< in one expert of one layer
  std::uint32_t expert_width = 0;                    ///< an expert's inner dimension
  /// Bits of an FP4 weight including its share of the block's scale: NVFP4 has 8 bits for 16 weights, MXFP4
  /// for 32.
  double fp4_bits = 4.5;
  /// The lowest precision in which weights outside the experts are stored.
  Precision dense_precision = Precision::Fp4;

  KvShape kv;
  double prefill_attention_flops = 0;  ///< for one token attending to one token, over all full layers
  double decode_attention_flops = 0;
  std::uint32_t kernels_per_layer = 0;  ///< an assumption, see docs/simulated-server.md

  /// All parameters, and those that one token uses.
  double total_params() const;
  double active_params() const;
  /// Returns the fraction of routed experts that at least one of `tokens` uses, if the router distributes
  /// them evenly and independently: 1 - (1 - k/E)^tokens. 0 for dense models.
  double experts_touched(double tokens) const;
};

/// Returns the model "dsr1", "llama70b" or "gptoss"; nullptr if the name is unknown.
const Architecture* find_architecture(std::string_view name);

/// Derives the architecture from a model name such as "nvidia/DeepSeek-R1-0528-FP4-V2"; nullptr if that is
/// not possible.
const Architecture* guess_architecture(std::string_view model);

/// Returns "dsr1, llama70b, gptoss", for messages.
std::string architecture_names();

}  // namespace sweep::sim_server
