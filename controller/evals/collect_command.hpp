// sweepctl collect-evals. It reads and writes files; the caller parses the arguments and prints the output.
#pragma once

#include <string>

#include "controller/evals/eval_table.hpp"
#include "controller/report/command_output.hpp"

namespace sweep::evals {

/// Prints the tables of the evaluations in `directory` and its direct children, and writes their rows to
/// agg_eval_<exp_name>.json in the working directory. The status is 1 if the scores of a file are missing
/// because it cannot be read, or if the rows cannot be written.
report::CommandOutput run_collect_evals(const std::string& directory, const std::string& exp_name,
                                        EvalOrder order);

}  // namespace sweep::evals
