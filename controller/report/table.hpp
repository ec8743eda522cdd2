// Formats processed results as Markdown tables and as JSON. Pure.
//
// Unlike the Python tool, which fails at the first missing value, it shows a missing value as a dash. A TP
// that is a text in the file is sorted as a number.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/report/row.hpp"

namespace sweep::report {

struct Column {
  const char* title;
  const char* key;  // one of kRowKeys
  enum class Show { Text, Capitals, AsWritten, Measured } show;
  double factor = 1;         // multiplies a Measured value, to convert the file's unit to the title's
  const char* absent = "-";  // shown instead of a missing text
};

/// Returns the fifteen columns of the contract, section 4.
std::span<const Column> summary_columns();

/// Returns the columns that identify a result and its values in both trade-offs.
std::span<const Column> frontier_columns();

/// Returns the rows sorted by model, hardware, framework, precision, TP, EP and concurrency; equal rows keep
/// their order.
std::vector<const Row*> sorted_results(std::span<const Row> rows);
std::vector<const Row*> sorted_results(std::span<const Row* const> rows);

/// Returns a Markdown table with the bytes that the contract requires: cells are not padded. If there are
/// repeats, it has an additional column Runs.
std::string contract_table(std::span<const Column> columns, std::span<const Row* const> rows);

/// Returns the same table for a terminal: columns are padded and numbers aligned to the right; it is still
/// valid Markdown. If any row has an exp-name, the first column is Experiment.
std::string aligned_table(std::span<const Column> columns, std::span<const Row* const> rows);

/// Returns an array of objects with the columns' keys and the file's values (times in seconds), null for
/// missing values. If known, exp_name is the first key and the file's path the last.
nlohmann::ordered_json table_json(std::span<const Column> columns, std::span<const Row* const> rows);

}  // namespace sweep::report
