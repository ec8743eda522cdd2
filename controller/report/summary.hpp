// The table that people read: what the contract, section 4, calls summarize. Pure.
//
// Better than the Python tool: a result that lacks a value has a dash in that cell, where the tool ends at
// the first one; a TP that is spelled as text sorts as the number it is.
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

}  // namespace sweep::report
