#include "agent/core/environment.hpp"

#include <map>

#include "proto/base/env_names.hpp"
#include "util/environment.hpp"

namespace sweep::agent {

namespace {

// The contract's servers listen on this port plus PORT_OFFSET.
constexpr int kContractPort = 8888;
constexpr const char* kRangeRatio = "RANDOM_RANGE_RATIO";

}  // namespace

bool is_internal(std::string_view name) {
  return name.starts_with(SWEEP_ENV_PREFIX) || name.starts_with(SWEEP_ENV_SPANK_PREFIX);
}

std::string mark_of(const wire::AttemptRef& ref) {
  return std::string(kMarkName) + "=" + ref.point + "." + std::to_string(ref.attempt);
}

std::string own_range_ratio(const std::vector<std::string>& own, const Variables& lease) {
  for (const auto& [name, value] : lease) {
    if (name == kRangeRatio) return {};
  }
  return look_up(own, kRangeRatio).value_or("");
}

std::vector<std::string> benchmark_environment(const std::vector<std::string>& own, const Variables& lease,
                                               const Variables& gpus, int port,
                                               const std::string& directory) {
  std::map<std::string, std::string> all;
  for (const std::string& entry : own) {
    const std::size_t equals = entry.find('=');
    // If a name occurs twice, the first value counts, as for getenv.
    if (equals != std::string::npos) all.try_emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  for (const auto& [name, value] : lease)
    all[name] = value;
  for (const auto& [name, value] : gpus)
    all[name] = value;
  all["PORT"] = std::to_string(port);
  all["PORT_OFFSET"] = std::to_string(port - kContractPort);
  if (!directory.empty()) all["PWD"] = directory;
  all.try_emplace(kRangeRatio, "0.8");
  all.try_emplace("HF_HUB_CACHE", "/mnt/hf_hub_cache/");

  std::vector<std::string> out;
  out.reserve(all.size());
  for (const auto& [name, value] : all) {
    if (!is_internal(name)) out.emplace_back(name).append("=").append(value);
  }
  return out;
}

}  // namespace sweep::agent
