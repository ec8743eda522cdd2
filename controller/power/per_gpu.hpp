// Values by GPU, in the order of the GPUs. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sweep::power {

template <class T>
using PerGpu = std::vector<std::pair<std::string, T>>;

/// Returns an object with the values.
template <class Json, class T>
Json per_gpu_json(const PerGpu<T>& values) {
  Json out = Json::object();
  for (const auto& [gpu, value] : values)
    out[gpu] = value;
  return out;
}

}  // namespace sweep::power
