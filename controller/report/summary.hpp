// Writes the summary table (`summarize` in the contract, section 4). Pure.
#pragma once

#include <span>
#include <string>

#include "controller/report/row.hpp"

namespace sweep::report {

/// Returns `rows` as a Markdown table, sorted by model, hardware, framework, precision, TP, EP and
/// concurrency; equal rows keep their order. Values are medians with four decimals: TTFT and TPOT in
/// milliseconds, E2EL in seconds, interactivity in tokens per second and user, throughput in tokens per
/// second and GPU.
std::string summary_table(std::span<const Row> rows);
std::string summary_table(std::span<const Row* const> rows);

/// Returns the same rows as a JSON array (table_json), with all times in seconds.
nlohmann::ordered_json summary_json(std::span<const Row> rows);

}  // namespace sweep::report
