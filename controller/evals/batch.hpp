// Checks whether an evaluation at several concurrencies (a batch) is complete. Pure. The messages are the
// contract's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::evals {

/// Returns the concurrencies in `text`, separated by blanks; std::nullopt if they are not unique positive
/// integers, or there are none.
std::optional<std::vector<std::int64_t>> parse_concurrencies(const std::string& text);

/// Returns what is wrong with an evaluation, one message each; empty if nothing is. `meta`: the content of
/// meta_env.json (`meta_path`), or why it cannot be read. `paths`: its results. `expected`: the concurrencies
/// that were asked for, if known.
std::vector<std::string> batch_problems(const Expected<nlohmann::ordered_json>& meta,
                                        const std::string& meta_path, std::span<const std::string> paths,
                                        const std::optional<std::vector<std::int64_t>>& expected);

}  // namespace sweep::evals
