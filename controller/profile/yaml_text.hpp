// Writes a YAML value as text, for files of a recipe that a server reads.
#pragma once

#include <string>

#include "controller/yaml/document.hpp"

namespace sweep::profile {

/// Returns the value as a YAML document. Texts are quoted, numbers are written as the file has them, and booleans as true
/// or false, because a reader of YAML 1.2 takes yes and no for texts.
std::string yaml_text(const yaml::Value& value);

}  // namespace sweep::profile
