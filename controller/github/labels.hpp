// The hardware labels in InferenceX's runner file (configs/runners.yaml). Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::github {

/// Returns the labels by which jobs are counted, sorted: those below `labels` that begin with `cluster:`,
/// without that prefix; if there are none, the names below `hardware`. A file without `labels` is the mapping
/// of labels itself. Fails if the file is not a mapping.
Expected<std::vector<std::string>> hardware_labels(const yaml::Value& runners);

}  // namespace sweep::github
