// The table that people read: what the contract, section 4, calls summarize. Pure.
#pragma once

#include <span>
#include <string>

#include "controller/report/row.hpp"

namespace sweep::report {

/// `rows` as a Markdown table, a header and one line
/// each, sorted by model, hardware, framework, precision, TP, EP and concurrency, equal ones in the order
/// given. Medians, four decimals; TTFT and TPOT in milliseconds, E2EL in seconds, throughput in tokens a
/// second and GPU.
std::string summary_table(std::span<const Row> rows);
std::string summary_table(std::span<const Row* const> rows);

/// The same rows as a JSON array (table.hpp), times in seconds.
nlohmann::ordered_json summary_json(std::span<const Row> rows);

}  // namespace sweep::report
