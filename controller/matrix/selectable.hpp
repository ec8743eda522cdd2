// Tells what the filters of full-sweep could select, if they select nothing. Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/matrix/expand.hpp"

namespace sweep::matrix {

/// Returns what there is to select, for the end of an error message: "; there is: precision fp4, fp8; …". Only the
/// filters that were given are listed.
std::string what_there_is(const std::vector<Config>& configs, const FullSweep& sweep);

/// Returns a line for each value of a filter that no entry has, although the filters together select points.
std::vector<std::string> unused_filters(const std::vector<Config>& configs, const FullSweep& sweep);

}  // namespace sweep::matrix
