// The GPUs that can be simulated, with the figures that their makers publish. Pure.
//
// Every figure is for one GPU, without sparsity, and has its source. Figures that are not published are
// assumptions of the model: they are in cost_model.hpp and are called assumptions there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sweep::sim_server {

/// The precision in which weights are stored. Fp4: NVFP4 or MXFP4, with a scale for each block.
enum class Precision { Fp4, Fp8, Bf16 };

/// Returns "fp4", "fp8" or "bf16".
std::string_view name_of(Precision precision);
/// Returns std::nullopt for other names.
std::optional<Precision> precision_of(std::string_view name);

struct Hardware {
  std::string_view name;    ///< as in the option: "b200"
  std::string_view label;   ///< "NVIDIA B200, 180 GB (HGX)"
  double memory_bytes;      ///< HBM
  double memory_bandwidth;  ///< bytes per second, HBM
  double flops_fp4;         ///< dense tensor FLOP/s; GPUs without FP4 units unpack to BF16 and have its value
  double flops_fp8;
  double flops_bf16;
  double link_bandwidth;    ///< bytes per second over NVLink, one direction
  std::string_view source;  ///< where the figures are published

  double flops(Precision precision) const;
};

/// Returns the GPU "b200", "h200" or "h100"; nullptr if the name is unknown.
const Hardware* find_hardware(std::string_view name);

/// Returns "b200, h200, h100", for messages.
std::string hardware_names();

}  // namespace sweep::sim_server
