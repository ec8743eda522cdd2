// Deployments and batches that several tests use.
#pragma once

#include <gtest/gtest.h>

#include "benchmarks/sweep-simserver/core/cost_model.hpp"

namespace sweep::sim_server {

inline Deployment deployment(const char* architecture, const char* hardware, Precision precision,
                             std::uint32_t tp) {
  Deployment setup;
  setup.architecture = find_architecture(architecture);
  setup.hardware = find_hardware(hardware);
  setup.precision = precision;
  setup.tp = tp;
  return setup;
}

inline CostModel cost_model(const Deployment& setup) {
  auto model = CostModel::make(setup);
  if (!model) throw std::runtime_error(model.error().message);
  return *model;
}

/// A batch of `sequences` decoding sequences with `context` tokens each.
inline Batch decoding(double sequences, double context) {
  Batch batch;
  batch.decode_tokens = sequences;
  batch.full_context = batch.decode_pairs = sequences * context;
  batch.windowed_context = sequences * std::min(context, 128.0);
  return batch;
}

/// A batch with one whole prompt of `tokens` tokens.
inline Batch prefilling(double tokens) {
  Batch batch;
  batch.prefill_tokens = tokens;
  batch.prefill_pairs = tokens * (tokens + 1) / 2;
  batch.full_context = tokens;
  batch.windowed_context = std::min(tokens, 128.0);
  return batch;
}

}  // namespace sweep::sim_server
