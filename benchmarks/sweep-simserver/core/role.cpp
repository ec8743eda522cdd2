#include "benchmarks/sweep-simserver/core/role.hpp"

namespace sweep::sim_server {

std::string_view name_of(Role role) {
  switch (role) {
    case Role::Prefill:
      return "prefill";
    case Role::Decode:
      return "decode";
    case Role::Router:
      return "router";
    default:
      return "server";
  }
}

std::optional<Role> role_of(std::string_view word) {
  for (const Role role : {Role::Prefill, Role::Decode, Role::Router}) {
    if (word == name_of(role)) return role;
  }
  return std::nullopt;
}

Generation part_of(Role role, Generation generation) {
  if (role != Role::Prefill) return generation;
  generation.max_tokens = 1;
  generation.stream = generation.include_usage = false;
  return generation;
}

}  // namespace sweep::sim_server
