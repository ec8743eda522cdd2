#include "agent/core/gpus.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::string_view kCuda = "CUDA_VISIBLE_DEVICES";
constexpr std::string_view kRocr = "ROCR_VISIBLE_DEVICES";
constexpr std::string_view kHip = "HIP_VISIBLE_DEVICES";
constexpr std::array<std::string_view, 5> kVariables = {kCuda, kRocr, kHip, "SLURM_STEP_GPUS",
                                                        "GPU_DEVICE_ORDINAL"};

constexpr int kMaxIndex = 1023;  // far more GPUs than a node has

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<int> parse_index(std::string_view text) {
  if (!is_number(text) || text.size() > 4) return std::nullopt;
  const int index = std::stoi(std::string(text));
  return index <= kMaxIndex ? std::optional(index) : std::nullopt;
}

/// Returns the ids that one item of a list names: an index, a range of indices, or the UUID of a GPU or of a MIG
/// instance. Returns no ids for anything else.
std::vector<std::string> parse_item(std::string_view item) {
  if (parse_index(item) || item.starts_with("GPU-") || item.starts_with("MIG-")) return {std::string(item)};
  const auto dash = item.find('-');
  if (dash == std::string_view::npos) return {};
  const auto first = parse_index(item.substr(0, dash)), last = parse_index(item.substr(dash + 1));
  std::vector<std::string> ids;
  for (int index = first.value_or(0); first && last && index <= *last; ++index)
    ids.push_back(std::to_string(index));
  return ids;
}

/// Returns each GPU once. Items after the first one that names no GPU are ignored, as CUDA does; "none", "void" and
/// Slurm's "NoDevFiles" are such items.
std::vector<std::string> parse_ids(const std::string& value) {
  std::vector<std::string> ids;
  for (const std::string& part : split(value, ',')) {
    const auto begin = part.find_first_not_of(' ');
    if (begin == std::string::npos) continue;
    const auto named =
        parse_item(std::string_view(part).substr(begin, part.find_last_not_of(' ') + 1 - begin));
    if (named.empty()) break;
    for (const std::string& id : named) {
      if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
  }
  return ids;
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
    if (*value == "all") continue;  // container runtimes write this for "not limited"
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
