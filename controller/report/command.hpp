// The commands that work on many result files: collect, summarize and plot of the Python tools, and pareto.
// They read and write files; the caller parses the arguments and prints the output.
//
// The status is 0, or 1 if anything failed, even if the rest was done (one unreadable file among many).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/report/command_output.hpp"
#include "controller/report/frontier.hpp"

namespace sweep::report {

/// Writes agg_<exp_name>.json in the working directory: an array of every *.json below `directory`.
CommandOutput run_collect(const std::string& directory, const std::string& exp_name);

/// Prints the table of the processed results below `directory`, or its rows as JSON.
CommandOutput run_summarize(const std::string& directory, bool json);

/// Draws the plots of the processed results below `directory` into the working directory and prints their
/// paths.
CommandOutput run_plot(const std::string& directory, const std::string& exp_name);

struct ParetoOptions {
  std::string directory;  // the directory of the results, for error messages
  Metric metric = Metric::MedianIntvty;
  std::vector<std::string> by = {"hw", "framework"};  // elements of group_keys()
  bool json = false;
};

/// Returns the frontier points among `rows` as a table or JSON. The status is 1 if there are none. Pure.
CommandOutput pareto_output(std::span<const Row> rows, const ParetoOptions& options);

}  // namespace sweep::report
