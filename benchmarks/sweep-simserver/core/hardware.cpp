#include "benchmarks/sweep-simserver/core/hardware.hpp"

#include <array>

namespace sweep::sim_server {

namespace {

constexpr double kGB = 1e9, kTB = 1e12, kTeraFlops = 1e12;

constexpr std::array<Hardware, 3> kHardware = {{
    // NVIDIA, DGX B200 datasheet: 8 GPUs, 1,440 GB HBM3e, 64 TB/s, 144 PFLOPS FP4 and 72 PFLOPS FP8 with
    // sparsity (half of it is dense), 14.4 TB/s of NVLink, both directions. BF16 is half of FP8.
    {"b200", "NVIDIA B200, 180 GB", 180 * kGB, 8 * kTB, 9000 * kTeraFlops, 4500 * kTeraFlops,
     2250 * kTeraFlops, 900 * kGB,
     "NVIDIA DGX B200 datasheet, https://www.nvidia.com/en-us/data-center/dgx-b200/"},
    // NVIDIA, H200 Tensor Core GPU datasheet (SXM): 141 GB HBM3e, 4.8 TB/s, 3,958 TFLOPS FP8 and 1,979 BF16
    // with sparsity, NVLink 900 GB/s in both directions. No FP4.
    {"h200", "NVIDIA H200, 141 GB SXM", 141 * kGB, 4.8 * kTB, 989.5 * kTeraFlops, 1979 * kTeraFlops,
     989.5 * kTeraFlops, 450 * kGB, "NVIDIA H200 datasheet, https://www.nvidia.com/en-us/data-center/h200/"},
    // NVIDIA, H100 Tensor Core GPU datasheet (SXM): 80 GB HBM3, 3.35 TB/s, FLOP/s and NVLink as for H200.
    {"h100", "NVIDIA H100, 80 GB SXM", 80 * kGB, 3.35 * kTB, 989.5 * kTeraFlops, 1979 * kTeraFlops,
     989.5 * kTeraFlops, 450 * kGB, "NVIDIA H100 datasheet, https://www.nvidia.com/en-us/data-center/h100/"},
}};

}  // namespace

std::string_view name_of(Precision precision) {
  switch (precision) {
    case Precision::Fp4:
      return "fp4";
    case Precision::Fp8:
      return "fp8";
    case Precision::Bf16:
      return "bf16";
  }
  return "";
}

std::optional<Precision> precision_of(std::string_view name) {
  for (const Precision precision : {Precision::Fp4, Precision::Fp8, Precision::Bf16}) {
    if (name == name_of(precision)) return precision;
  }
  return std::nullopt;
}

double Hardware::flops(Precision precision) const {
  switch (precision) {
    case Precision::Fp4:
      return flops_fp4;
    case Precision::Fp8:
      return flops_fp8;
    case Precision::Bf16:
      return flops_bf16;
  }
  return flops_bf16;
}

const Hardware* find_hardware(std::string_view name) {
  for (const Hardware& one : kHardware) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

std::string hardware_names() {
  std::string out;
  for (const Hardware& one : kHardware)
    out += (out.empty() ? "" : ", ") + std::string(one.name);
  return out;
}

}  // namespace sweep::sim_server
