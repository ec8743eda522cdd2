// The GPUs that can be simulated, and what their makers publish of them. Pure.
//
// Rules: every figure is of one GPU and without sparsity; each has its source. A figure that is not published
// is not here: what the model assumes beyond these is in cost_model.hpp and called an assumption.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sweep::sim_server {

/// What weights are kept in. Fp4: NVFP4 or MXFP4, with a scale for each block.
enum class Precision { Fp4, Fp8, Bf16 };

/// "fp4", "fp8", "bf16".
std::string_view name_of(Precision precision);
std::optional<Precision> precision_of(std::string_view name);

struct Hardware {
  std::string_view name;    ///< as the option says it: "b200"
  std::string_view label;   ///< "NVIDIA B200, 180 GB (HGX)"
  double memory_bytes;      ///< of HBM
  double memory_bandwidth;  ///< bytes per second, HBM
  double flops_fp4;  ///< dense tensor FLOP/s; of GPUs without FP4 units, that of BF16, to which they unpack
  double flops_fp8;
  double flops_bf16;
  double link_bandwidth;    ///< bytes per second over NVLink, one direction
  std::string_view source;  ///< where the figures are published

  double flops(Precision precision) const;
};

/// The GPU of that name, null when there is none: "b200", "h200", "h100".
const Hardware* find_hardware(std::string_view name);

/// "b200, h200, h100", for messages.
std::string hardware_names();

}  // namespace sweep::sim_server
