// Lists the values that the filters of full-sweep can select, for messages if they select no entry. Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/matrix/expand.hpp"

namespace sweep::matrix {

/// Returns the values that can be selected, for the end of an error message: "; there is precision fp4, fp8; …".
/// Only the filters that were given are listed.
std::string selectable_values(const std::vector<Config>& configs, const FullSweep& sweep);

/// Returns a line for each value of a filter that no entry has, although the filters together select points.
std::vector<std::string> unused_filters(const std::vector<Config>& configs, const FullSweep& sweep);

}  // namespace sweep::matrix
