// The models that can be simulated: what a step of theirs has to read, compute and keep. Pure.
//
// Rules: the shapes are those of the published configurations, named in the source; parameter counts are
// computed from the shapes, so that a test can hold them against the published totals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "benchmarks/sweep-simserver/core/hardware.hpp"

namespace sweep::sim_server {

/// How much a sequence's cache holds of each token: elements over all layers. Sliding-window layers keep only
/// the last `window` tokens.
struct KvShape {
  double full = 0;           ///< elements per token in layers that see all of the context
  double windowed = 0;       ///< elements per token in layers with a window
  std::uint32_t window = 0;  ///< tokens
  std::uint32_t heads =
      1;  ///< in how many parts tensor parallelism can split it; 1: each GPU keeps all of it
};

struct Architecture {
  std::string_view name;    ///< as the option says it: "dsr1"
  std::string_view label;   ///< "DeepSeek-R1 (671B, mixture of experts)"
  std::string_view source;  ///< where the shape is published

  std::uint32_t layers = 0;
  std::uint32_t hidden = 0;
  std::uint32_t vocabulary = 0;
  std::uint32_t max_context = 0;  ///< tokens

  double attention_params = 0;  ///< of all layers
  double shared_params =
      0;  ///< of all else that every token uses: dense FFN, shared experts, router, output head
  double embedding_params = 0;   ///< input embedding: kept, but a step reads one row a token
  std::uint32_t moe_layers = 0;  ///< layers with routed experts; 0: a dense model
  std::uint32_t experts = 0, experts_per_token = 0;  ///< routed, in each of them
  double expert_params = 0;                          ///< of one expert of one layer
  std::uint32_t expert_width = 0;                    ///< an expert's inner dimension
  double fp4_bits =
      4.5;  ///< of a weight with its share of the block's scale: NVFP4 8 bits for 16, MXFP4 for 32
  Precision dense_precision =
      Precision::Fp4;  ///< the lowest precision that weights outside experts are kept in

  KvShape kv;
  double prefill_attention_flops = 0;  ///< of one token looking at one token, over all full layers
  double decode_attention_flops = 0;
  std::uint32_t kernels_per_layer = 0;  ///< an assumption: see docs/simulated-server.md

  /// All of them, and those that one token uses.
  double total_params() const;
  double active_params() const;
  /// The share of the routed experts that at least one of `tokens` goes to, where the router spreads them
  /// evenly and independently: 1 - (1 - k/E)^tokens. 0 for dense models.
  double experts_touched(double tokens) const;
};

/// The model of that name, null when there is none: "dsr1", "llama70b", "gptoss".
const Architecture* find_architecture(std::string_view name);

/// What a served name such as "nvidia/DeepSeek-R1-0528-FP4-V2" says by itself, null when nothing.
const Architecture* guess_architecture(std::string_view model);

/// "dsr1, llama70b, gptoss", for messages.
std::string architecture_names();

}  // namespace sweep::sim_server
