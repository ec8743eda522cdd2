// The commands of sweepctl. Each takes what follows its name on the command line and returns the exit status.
//
// Exit statuses: 0 done; 1 not done, or not all of it; 2 wrong usage; 128 + N ended by signal N.
#pragma once

#include <string>
#include <vector>

#include "controller/report/command.hpp"

namespace sweep::cli {

using Arguments = std::vector<std::string>;

int cancel_command(const Arguments& arguments);
int check_command(const Arguments& arguments);
int images_command(const Arguments& arguments);
int matrix_command(const Arguments& arguments);
int profile_command(const Arguments& arguments);
int run_command(const Arguments& arguments);
int script_command(const Arguments& arguments);
int serve_command(const Arguments& arguments);
int status_command(const Arguments& arguments);
int aggregate_command(const Arguments& arguments);
int process_result_command(const Arguments& arguments);
int collect_command(const Arguments& arguments);
int summarize_command(const Arguments& arguments);
int plot_command(const Arguments& arguments);
int pareto_command(const Arguments& arguments);

/// Prints what a command over files has to say; the status to exit with.
int give(const report::CommandOutput& output);

}  // namespace sweep::cli
