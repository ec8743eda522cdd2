// Names of nodes in a profile: a name, a pattern with *, or a list as Slurm writes it, n[1-4,08-12],login1. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sweep::profile {

/// Returns true if `text` matches `pattern`, in which * matches any text.
bool matches(std::string_view pattern, std::string_view text);

/// Returns true if the list contains the node. Numbers in brackets have leading zeros as the range's first number.
bool contains_host(std::string_view list, std::string_view node);

/// Returns why `list` is not a list of nodes, for a message; "" if it is a list.
std::string host_list_problem(std::string_view list);

}  // namespace sweep::profile
