// Recognises configuration files of other kinds that were given as a benchmark matrix. Pure.
#pragma once

#include <string>

#include "controller/yaml/document.hpp"

namespace sweep::matrix {

/// Returns what `document`, a Dict, is and how to give it, if it is a profile, a recipe or a runner file; "" if it
/// can be a matrix.
std::string kind_of_other_file(const yaml::Value& document);

}  // namespace sweep::matrix
