// sweepctl compare-results. It reads files and the database; the caller parses the arguments and prints the
// output.
#pragma once

#include <optional>
#include <string>

#include "controller/report/command_output.hpp"

namespace sweep::compare {

struct CompareOutput {
  report::CommandOutput output;
  std::string log;  // whole lines for standard error: the queries and what they found
};

/// Compares the records below `directory` with their baselines and prints tables. The status is 1 if a file
/// is not a record or cannot be read (the others are compared), or if the baselines cannot be read.
CompareOutput run_compare_results(const std::string& directory,
                                  const std::optional<std::string>& database_url);

}  // namespace sweep::compare
