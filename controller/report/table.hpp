// Processed results as rows: the columns that people read, in Markdown and as JSON. Pure.
//
// Better than the Python tool: a result that lacks a value has a dash in that cell, where the tool ends at
// the first one; a TP that is spelled as text sorts as the number it is.
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
  double factor = 1;         // of a Measured value: from the file's unit to the title's
  const char* absent = "-";  // what stands for a missing text
};

/// The fifteen of the contract, section 4.
std::span<const Column> summary_columns();

/// Those that say which result it is and where it stands in both trade-offs.
std::span<const Column> frontier_columns();

/// Sorted by model, hardware, framework, precision, TP, EP and concurrency; equal ones in the order given.
std::vector<const Row*> sorted_results(std::span<const Row> rows);
std::vector<const Row*> sorted_results(std::span<const Row* const> rows);

/// Byte for byte as the contract has it: cells as long as their content.
std::string contract_table(std::span<const Column> columns, std::span<const Row* const> rows);

/// The same for a terminal: columns of one width, numbers to the right, still Markdown. Where an exp-name is
/// known there is a first column Experiment.
std::string aligned_table(std::span<const Column> columns, std::span<const Row* const> rows);

/// An array of objects, the columns' keys with the values of the file (times in seconds), null where there is
/// none; exp_name first where it is known, and last the file.
nlohmann::ordered_json table_json(std::span<const Column> columns, std::span<const Row* const> rows);

}  // namespace sweep::report
