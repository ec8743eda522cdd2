#include "util/environment.hpp"

namespace sweep {

std::string variable_name(std::string_view entry) {
  return std::string(entry.substr(0, entry.find('=')));
}

std::optional<std::string> look_up(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string& entry : environment) {
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name))
      return entry.substr(name.size() + 1);
  }
  return std::nullopt;
}

bool names_gpus(std::string_view name) {
  return name.ends_with("_VISIBLE_DEVICES") || name == "GPU_DEVICE_ORDINAL";
}

}  // namespace sweep
