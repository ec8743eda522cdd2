// The commands over result files: the four of the Python tools (process-result, collect, summarize, plot) and
// pareto. They read and write files, and leave arguments and printing to who calls them.
//
// Status: 0, or 1 when something went wrong, also when all else was still done (a bad file among good ones).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/report/frontier.hpp"
#include "controller/report/process_result.hpp"

namespace sweep::report {

struct CommandOutput {
  int status = 0;
  std::string out, err;  // whole lines for standard output and standard error
};

/// The value of an environment variable; nothing when it is not set.
using Lookup = std::function<std::optional<std::string>(const char* name)>;

/// The variables of the contract, section 4, as they stand in the environment. Pure.
ResultContext result_context(const Lookup& lookup);

/// Reads <RESULT_FILENAME>.json, prints the processed result and writes it to agg_<RESULT_FILENAME>.json.
CommandOutput run_process_result(const Lookup& lookup);

/// agg_<exp_name>.json in the working directory, of every *.json below `directory`.
CommandOutput run_collect(const std::string& directory, const std::string& exp_name);

/// The table of the processed results below `directory`, or its rows as JSON.
CommandOutput run_summarize(const std::string& directory, bool json);

/// The plots of the processed results below `directory`, in the working directory. Prints their paths.
CommandOutput run_plot(const std::string& directory, const std::string& exp_name);

struct ParetoOptions {
  std::string directory;  // where the results are from, for a message
  Metric metric = Metric::MedianIntvty;
  std::vector<std::string> by = {"hw", "framework"};  // of group_keys()
  bool json = false;
};

/// The frontier points among `rows`, as a table or JSON. Status 1 when there is not one. Pure.
CommandOutput pareto_output(std::span<const Row> rows, const ParetoOptions& options);

}  // namespace sweep::report
