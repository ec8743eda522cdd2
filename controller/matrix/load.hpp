// The matrix for the rest of the controller: files and a selection in, entries out.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"

namespace sweep::matrix {

/// `full-sweep` over `files` (at least one, read in this order) with the options in `selection`, for example
/// {"--seq-lens", "1k1k"}. Fails with the contract's message; on an unknown option or a wrong value with one
/// that names it and the nearest known one. The message is one line.
Expected<std::vector<nlohmann::ordered_json>> load_matrix(const std::vector<std::string>& files,
                                                          const std::vector<std::string>& selection);

/// The words of `text` as a shell would split it: blanks between, '…' as it stands, "…" with a backslash
/// before " \ $ or `, elsewhere a backslash before anything. Fails on an open quote and on a backslash at the
/// end.
Expected<std::vector<std::string>> split_words(std::string_view text);

}  // namespace sweep::matrix
