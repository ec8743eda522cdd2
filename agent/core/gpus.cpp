#include "agent/core/gpus.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::string_view kCuda = "CUDA_VISIBLE_DEVICES";
constexpr std::string_view kRocr = "ROCR_VISIBLE_DEVICES";
constexpr std::string_view kHip = "HIP_VISIBLE_DEVICES";
constexpr std::array<std::string_view, 5> kVariables = {kCuda, kRocr, kHip, "SLURM_STEP_GPUS",
                                                        "GPU_DEVICE_ORDINAL"};

std::vector<std::string> parse_ids(const std::string& value) {
  std::vector<std::string> ids;
  if (value == "NoDevFiles") return ids;  // Slurm's value for "no GPUs"
  for (std::string id : split(value, ',')) {
    id.erase(0, id.find_first_not_of(' '));
    id.erase(id.find_last_not_of(' ') + 1);
    if (id.starts_with('-')) break;  // CUDA ignores everything after an invalid index
    if (!id.empty()) ids.push_back(std::move(id));
  }
  return ids;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<std::string> indices_of(const std::vector<std::string>& devices) {
  constexpr std::string_view kName = "nvidia";
  std::vector<std::string> ids;
  for (const std::string& device : devices) {
    if (device.starts_with(kName) && is_number(std::string_view(device).substr(kName.size()))) {
      ids.push_back(device.substr(kName.size()));
    }
  }
  std::sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return ids;
}

}  // namespace

GpuList find_gpus(const std::vector<std::string>& environment, const std::vector<std::string>& devices) {
  bool hidden = look_up(environment, "SLURM_JOB_ID").has_value();
  for (const std::string_view variable : kVariables) {
    const auto value = look_up(environment, variable);
    if (!value) continue;
    hidden = true;
    auto ids = parse_ids(*value);
    if (!ids.empty()) return {std::move(ids), std::string(variable)};
  }
  if (hidden) return {};
  return {indices_of(devices), {}};
}

std::optional<std::vector<std::string>> choose_gpus(const std::vector<std::string>& all,
                                                    const std::vector<std::string>& taken, int count) {
  std::vector<std::string> chosen;
  for (const std::string& id : all) {
    if (static_cast<int>(chosen.size()) >= count) break;
    if (std::find(taken.begin(), taken.end(), id) == taken.end()) chosen.push_back(id);
  }
  if (static_cast<int>(chosen.size()) < count) return std::nullopt;
  return chosen;
}

Variables gpu_variables(const GpuList& list, const std::vector<std::string>& chosen) {
  const std::string value = join(chosen, ",");
  // ROCm numbers the GPUs that ROCR_VISIBLE_DEVICES leaves from 0, and HIP then applies CUDA_VISIBLE_DEVICES
  // to these numbers: setting both to the same list would hide all GPUs.
  if (list.variable == kRocr) return {{std::string(kRocr), value}};
  Variables variables{{std::string(kCuda), value}};
  if (list.variable == kHip) variables.emplace_back(kHip, value);
  return variables;
}

}  // namespace sweep::agent
