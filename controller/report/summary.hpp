// The table that people read: what the contract, section 4, calls summarize. Pure.
#pragma once

#include <span>
#include <string>

#include "controller/report/documents.hpp"

namespace sweep::report {

/// The processed results (is_processed_result) among `documents` as a Markdown table, a header and one line
/// each, sorted by model, hardware, framework, precision, TP, EP and concurrency, equal ones in the order
/// given. Medians, four decimals; TTFT and TPOT in milliseconds, E2EL in seconds, throughput in tokens a
/// second and GPU.
std::string summary_table(std::span<const Document> documents);
std::string summary_table(std::span<const Document* const> documents);

/// The same rows as a JSON array (table.hpp), times in seconds.
nlohmann::ordered_json summary_json(std::span<const Document> documents);

}  // namespace sweep::report
