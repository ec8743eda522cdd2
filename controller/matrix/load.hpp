// Reads the matrix of a sweep from its configuration files.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "util/error.hpp"

namespace sweep::matrix {

/// Returns the entries that `full-sweep` makes of `files` (at least one, read in this order) with the options
/// in `selection`, for example {"--seq-lens", "1k1k"}. Fails with the same messages as `sweepctl matrix
/// full-sweep`; the message is one printable line. Appends to `warnings`, if given, one printable line for each
/// thing in the files that has no effect.
Expected<std::vector<nlohmann::ordered_json>> load_matrix(const std::vector<std::string>& files,
                                                          const std::vector<std::string>& selection,
                                                          std::vector<std::string>* warnings = nullptr);

}  // namespace sweep::matrix
