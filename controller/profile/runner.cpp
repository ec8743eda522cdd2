#include "controller/profile/runner.hpp"

#include <algorithm>

#include "controller/profile/container_section.hpp"
#include "controller/profile/host_pattern.hpp"
#include "controller/profile/variables.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

void read_nodes(Reader& in, const std::string& key, const yaml::Value& node,
                std::vector<std::string>& nodes) {
  nodes = read_texts(in, key, node);
  for (const std::string& list : nodes) {
    if (const std::string problem = host_list_problem(list); !problem.empty())
      return in.complain(node,
                         "'nodes': '" + printable(list) + "' " + problem +
                             "; write names as Slurm does, such as n1 or n[1-4,8], or a pattern such as n*");
  }
}

Table runner_keys(Runner& runner) {
  return {{"features", [&](auto& r, auto& k, auto& n) { runner.features = read_texts(r, k, n); }},
          {"gpus", [&](auto& r, auto& k, auto& n) { runner.gpus = read_texts(r, k, n); }},
          {"nodes", [&](auto& r, auto& k, auto& n) { read_nodes(r, k, n, runner.nodes); }},
          {"partition", [&](auto& r, auto& k, auto& n) { runner.partition = read_text(r, k, n); }},
          {"container", [&](auto& r, auto&, auto& n) { read_container(r, n, runner.container); }},
          {"env", [&](auto& r, auto&, auto& n) { read_env(r, n, runner.env); }}};
}

bool contains_other(const std::string& a, const std::string& b) {
  const std::string x = ascii_lower(a), y = ascii_lower(b);
  return !x.empty() && !y.empty() && (x.find(y) != std::string::npos || y.find(x) != std::string::npos);
}

/// Returns true if match(wanted, had) holds for some pair of the two lists.
template <class Match>
bool any_matches(const std::vector<std::string>& wanted, const std::vector<std::string>& had, Match match) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& want) {
    return std::any_of(had.begin(), had.end(), [&](const std::string& one) { return match(want, one); });
  });
}

}  // namespace

void read_runners(Reader& in, const yaml::Value& node, std::vector<Runner>& runners) {
  if (!node.is(yaml::Kind::Dict)) {
    return in.complain(
        node,
        "'runners' must be a mapping of runner types, such as b200: { gpus: [b200] }, got " + shown(node));
  }
  if (!node.repeated.empty())
    return in.complain(*node.repeated.front(), "runner '" + printable(key_text(*node.repeated.front())) +
                                                   "' occurs twice in 'runners'; remove one of them");
  for (const auto& [name_node, value] : node.members) {
    const std::string name = key_text(*name_node);
    if (name.empty()) return in.complain(*name_node, shown(*name_node) + " is not a runner type");
    const auto found =
        std::find_if(runners.begin(), runners.end(), [&](const Runner& r) { return r.name == name; });
    Runner& runner = found != runners.end() ? *found : runners.emplace_back();
    runner.name = name;
    in.path.push_back(name);
    read_map(in, "runner '" + printable(name) + "'", *value, runner_keys(runner));
    in.path.pop_back();
    if (in.error) return;
  }
}

const Runner* runner_of(const Profile& profile, const std::string& runner) {
  const auto& all = profile.runners;
  auto found = std::find_if(all.begin(), all.end(), [&](const Runner& one) { return one.name == runner; });
  if (found == all.end())
    found =
        std::find_if(all.begin(), all.end(), [&](const Runner& one) { return matches(one.name, runner); });
  return found == all.end() ? nullptr : &*found;
}

bool serves(const Runner& runner, const NodeTraits& node) {
  const auto has_feature = [&](const std::string& feature) {
    return std::find(node.features.begin(), node.features.end(), feature) != node.features.end();
  };
  if (!std::all_of(runner.features.begin(), runner.features.end(), has_feature)) return false;
  if (!runner.gpus.empty() && !any_matches(runner.gpus, node.gpu_types, contains_other)) return false;
  const std::vector<std::string> name{node.node};
  if (!runner.nodes.empty() && !any_matches(runner.nodes, name, contains_host)) return false;
  return runner.partition.empty() || runner.partition == node.partition;
}

}  // namespace sweep::profile
