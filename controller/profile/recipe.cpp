#include "controller/profile/recipe.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "util/text.hpp"

namespace sweep::profile {

namespace {

std::string in_upper_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

}  // namespace

std::string address_variable(const std::string& role) {
  return in_upper_case(role);
}

std::string port_variable(const std::string& port) {
  return "PORT_" + in_upper_case(port);
}

const std::vector<std::string>& process_variables() {
  static const std::vector<std::string> names = {"ROLE",      "INDEX", "RANK", "NNODES", "LEADER",
                                                 "FOLLOWERS", "HOST",  "GPUS", "PORT",   "LEADER_PORT",
                                                 "SCRATCH",   "LOGS",  "URL",  "HOSTS"};
  return names;
}

const Role* find_role(const std::vector<Role>& roles, const std::string& name) {
  const auto found =
      std::find_if(roles.begin(), roles.end(), [&](const Role& role) { return role.name == name; });
  return found == roles.end() ? nullptr : &*found;
}

std::vector<std::size_t> start_order(const std::vector<Role>& roles) {
  std::vector<std::size_t> order;
  std::vector<std::string> started;
  while (order.size() < roles.size()) {
    const std::size_t before = order.size();
    for (std::size_t i = 0; i < roles.size(); ++i) {
      const Role& role = roles[i];
      const bool may_start =
          !contains(started, role.name) && std::all_of(role.needs.begin(), role.needs.end(),
                                                       [&](auto& need) { return contains(started, need); });
      if (!may_start) continue;
      order.push_back(i);
      started.push_back(role.name);
    }
    if (order.size() == before) break;
  }
  return order;
}

std::optional<Worker> worker_in(const std::string& place) {
  const std::size_t dot = place.find('.');
  if (dot == std::string::npos) return std::nullopt;
  std::int64_t index = -1;
  const char* const last = place.data() + place.size();
  const auto [end, code] = std::from_chars(place.data() + dot + 1, last, index);
  if (code != std::errc() || end != last || index < 0) return std::nullopt;
  return Worker{place.substr(0, dot), index};
}

std::vector<DerivedVariable> derived_variables(const Recipe& recipe) {
  std::vector<DerivedVariable> out = recipe.server.derived;
  for (const Role& role : recipe.roles) {
    for (const DerivedVariable& derived : role.server.derived) {
      const auto same = [&](const DerivedVariable& other) { return other.name == derived.name; };
      if (std::none_of(out.begin(), out.end(), same)) out.push_back(derived);
    }
  }
  return out;
}

}  // namespace sweep::profile
