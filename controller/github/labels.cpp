#include "controller/github/labels.hpp"

#include <algorithm>

namespace sweep::github {

namespace {

constexpr std::string_view kCluster = "cluster:";

Expected<void> check_is_mapping(const yaml::Value* value, const std::string& name) {
  if (value == nullptr || value->is(yaml::Kind::Dict)) return {};
  return fail("line " + std::to_string(value->line) + ": " + name + " must be a mapping, but is " +
              std::string(yaml::python_type(value->kind())));
}

std::string without_prefix(const std::string& label) {
  return label.starts_with(kCluster) ? label.substr(kCluster.size()) : label;
}

}  // namespace

Expected<std::vector<std::string>> hardware_labels(const yaml::Value& runners) {
  SWEEP_TRY(check_is_mapping(&runners, "the runner file"));
  const yaml::Value* labels = yaml::find(runners, "labels");
  const yaml::Value* hardware = yaml::find(runners, "hardware");
  SWEEP_TRY(check_is_mapping(labels, "'labels'"));
  std::vector<std::string> out;
  for (const yaml::Member& label : (labels == nullptr ? runners : *labels).members) {
    const std::string name = yaml::python_str(*label.key);
    if (name.starts_with(kCluster)) out.push_back(without_prefix(name));
  }
  if (out.empty() && hardware != nullptr) {
    SWEEP_TRY(check_is_mapping(hardware, "'hardware'"));
    for (const yaml::Member& label : hardware->members)
      out.push_back(without_prefix(yaml::python_str(*label.key)));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace sweep::github
