// The four commands, as the Python tools they take over: `sweepctl process-result`, `collect DIR EXP`,
// `summarize DIR` and `plot DIR EXP`. They read and write files, and leave printing to who calls them.
//
// Status: 0; 1 when something went wrong, also when all else was still done (a bad file among good ones); 2
// when the arguments are wrong.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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

/// DIR EXP: agg_<EXP>.json in the working directory, of every *.json below DIR.
CommandOutput run_collect(std::span<const std::string> arguments);

/// DIR: the table of the processed results below DIR.
CommandOutput run_summarize(std::span<const std::string> arguments);

/// DIR EXP: the plots of the processed results below DIR, in the working directory.
CommandOutput run_plot(std::span<const std::string> arguments);

}  // namespace sweep::report
