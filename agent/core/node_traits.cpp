#include "agent/core/node_traits.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kMostItems = 256;
constexpr std::size_t kMostName = 128;

/// Returns the value of ` NAME=`; empty if it is missing or "(null)".
std::string_view trait_of(std::string_view text, std::string_view name) {
  const auto at = text.find(std::string(" ") + std::string(name));
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + 1 + name.size());
  const std::string_view value = rest.substr(0, rest.find_first_of(" \r\n"));
  return value == "(null)" ? std::string_view() : value;
}

void add(std::vector<std::string>& to, std::string_view item) {
  const std::string name = clipped(printable(item), kMostName);
  const bool known = std::find(to.begin(), to.end(), name) != to.end();
  if (!name.empty() && !known && to.size() < kMostItems) to.push_back(name);
}

}  // namespace

std::vector<std::string> node_command(const wire::Hello& hello) {
  // A name that begins with a dash would be taken for an option.
  if (hello.job.empty() || hello.node.empty() || hello.node[0] == '-') return {};
  return {"scontrol", "-o", "show", "node", hello.node};
}

NodeKnown parse_node_traits(std::string_view text) {
  NodeKnown out;
  for (const std::string& feature : split(trait_of(text, "ActiveFeatures="), ','))
    add(out.features, feature);
  // gpu:b200:8(S:0-1),gpu:h200:2
  for (const std::string& resource : split(trait_of(text, "Gres="), ',')) {
    const auto parts = split(resource, ':');
    const bool typed = parts.size() >= 3 && parts[0] == "gpu";
    if (typed) add(out.gpu_types, parts[1]);
  }
  return out;
}

}  // namespace sweep::agent
