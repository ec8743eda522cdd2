#include "benchmarks/sweep-simserver/core/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sweep::sim_server {

namespace {

Precision dense_precision(const Deployment& setup) {
  // The enumerators are in ascending order of bits.
  return std::max(setup.precision, setup.architecture->dense_precision);
}

std::string gigabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GB", bytes / 1e9);
  return text;
}

Expected<void> check_deployment(const Deployment& setup) {
  if (setup.tp < 1 || setup.tp > 64 || (setup.tp & (setup.tp - 1)) != 0)
    return fail("--tp " + std::to_string(setup.tp) + " is not supported; give 1, 2, 4, 8, 16, 32 or 64");
  if (setup.ep < 1 || setup.tp % setup.ep != 0)
    return fail("--ep " + std::to_string(setup.ep) + " does not divide --tp " + std::to_string(setup.tp) +
                "; give a divisor");
  if (setup.ep > 1 && setup.architecture->moe_layers == 0)
    return fail("--ep " + std::to_string(setup.ep) + " is not possible with " +
                std::string(setup.architecture->name) + ", which has no experts; give --ep 1");
  if (setup.kv_precision == Precision::Fp4)
    return fail("the KV cache cannot be fp4; give --kv-cache-dtype fp8 or bf16");
  if (!(setup.memory_utilization > 0.0 && setup.memory_utilization <= 1.0))
    return fail("--gpu-memory-utilization " + std::to_string(setup.memory_utilization) +
                " is out of range; give a number above 0 and at most 1");
  return {};
}

}  // namespace

double bytes_each(const Architecture& model, Precision precision) {
  switch (precision) {
    case Precision::Fp4:
      return model.fp4_bits / 8;
    case Precision::Fp8:
      return 1.0;
    case Precision::Bf16:
      return 2.0;
  }
  return 2.0;
}

CostModel::CostModel(const Deployment& setup) : setup_(setup) {
  const Architecture& model = *setup.architecture;
  const double dense = bytes_each(model, dense_precision(setup));
  const double attention_parts = setup.dp_attention ? 1 : setup.tp;
  dense_bytes_ = dense * (model.attention_params / attention_parts + model.shared_params / setup.tp);
  expert_bytes_ =
      bytes_each(model, setup.precision) * model.expert_params * model.moe_layers * model.experts / setup.tp;
}

Expected<CostModel> CostModel::make(const Deployment& setup) {
  SWEEP_TRY(check_deployment(setup));
  const CostModel model(setup);
  if (model.kv_capacity_tokens() < 1) {
    const double room = setup.hardware->memory_bytes * setup.memory_utilization - kReservedBytes;
    return fail(std::string(setup.architecture->name) + " in " + std::string(name_of(setup.precision)) +
                " needs " + gigabytes(model.weight_bytes()) + " for weights on each of " +
                std::to_string(setup.tp) + " " + std::string(setup.hardware->name) +
                ", which have room for " + gigabytes(std::max(0.0, room)) +
                "; give a larger --tp, a lower --precision or other --hardware");
  }
  return model;
}

double CostModel::weight_bytes() const {
  const double embedding = 2.0 * setup_.architecture->embedding_params / setup_.tp;  // kept in bf16
  return dense_bytes_ + expert_bytes_ + embedding;
}

// Returns the number of GPUs among which the cache of one token is divided.
double CostModel::kv_parts() const {
  if (setup_.dp_attention) return setup_.tp;
  return std::min(setup_.tp, setup_.architecture->kv.heads);
}

double CostModel::kv_bytes_per_token() const {
  return setup_.architecture->kv.full * bytes_each(*setup_.architecture, setup_.kv_precision) / kv_parts();
}

double CostModel::kv_capacity_tokens() const {
  const double room =
      setup_.hardware->memory_bytes * setup_.memory_utilization - kReservedBytes - weight_bytes();
  return std::max(0.0, std::floor(room / kv_bytes_per_token()));
}

double CostModel::window_tokens(double tokens) const {
  const KvShape& kv = setup_.architecture->kv;
  return kv.windowed / kv.full * std::min(tokens, double{1.0} * kv.window);
}

double CostModel::read_seconds(const Batch& batch) const {
  const Architecture& model = *setup_.architecture;
  const double tokens = batch.prefill_tokens + batch.decode_tokens;
  const double busiest = setup_.ep > 1 ? kBusiestRank : 1.0;
  const double weights =
      dense_bytes_ + expert_bytes_ * std::min(1.0, model.experts_touched(tokens) * busiest);
  const double elements = model.kv.full * batch.full_context + model.kv.windowed * batch.windowed_context;
  const double cache = elements * bytes_each(*setup_.architecture, setup_.kv_precision) / kv_parts();
  return (weights + cache) / (setup_.hardware->memory_bandwidth * kBandwidthShare);
}

double CostModel::compute_seconds(const Batch& batch) const {
  const Architecture& model = *setup_.architecture;
  const Hardware& gpu = *setup_.hardware;
  const double tokens = batch.prefill_tokens + batch.decode_tokens;
  const double dense =
      2 * tokens * (model.attention_params + model.shared_params) / gpu.flops(dense_precision(setup_));
  double experts = 0;
  if (model.moe_layers > 0) {
    const double width = double{1.0} * model.expert_width * setup_.ep / setup_.tp;
    const double busiest = setup_.ep > 1 ? kBusiestRank : 1.0;
    experts = 2 * tokens * model.expert_params * model.moe_layers * model.experts_per_token /
              gpu.flops(setup_.precision) * busiest * (width + kNarrowWidth) / width;
  }
  const double attention = (batch.prefill_pairs * model.prefill_attention_flops +
                            batch.decode_pairs * model.decode_attention_flops) /
                           gpu.flops(Precision::Bf16);
  return (dense + experts + attention) / (setup_.tp * kFlopsShare);
}

double CostModel::reduce_seconds(const Batch& batch) const {
  if (setup_.tp == 1) return 0.0;
  const Architecture& model = *setup_.architecture;
  const double gpus = setup_.tp;
  const double tokens = batch.prefill_tokens + batch.decode_tokens;
  const double bytes =
      2 * (gpus - 1) / gpus * tokens * model.hidden * 2;  // bf16 values, through each GPU's links
  const double one = kReduceSeconds + kReduceHopSeconds * (gpus - 1) +
                     bytes / (setup_.hardware->link_bandwidth * kBandwidthShare);
  return one * model.layers * (setup_.dp_attention ? 1 : 2);
}

double CostModel::overhead_seconds() const {
  return kHostSeconds + kKernelSeconds * setup_.architecture->layers * setup_.architecture->kernels_per_layer;
}

double CostModel::step_seconds(const Batch& batch) const {
  return overhead_seconds() + std::max(read_seconds(batch), compute_seconds(batch)) + reduce_seconds(batch);
}

}  // namespace sweep::sim_server
