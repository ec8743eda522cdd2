// The commands of sweepctl. Each takes what follows its name on the command line and returns the exit status.
//
// Exit statuses: 0 success; 1 failed or incomplete; 2 wrong usage; 3 every point is done, but not every result
// is valid; 128 + N stopped by signal N.
#pragma once

#include <string>
#include <vector>

#include "controller/report/command_output.hpp"

namespace sweep::cli {

using Arguments = std::vector<std::string>;

int cancel_command(const Arguments& arguments);
int check_command(const Arguments& arguments);
int images_command(const Arguments& arguments);
int logs_command(const Arguments& arguments);
int matrix_command(const Arguments& arguments);
int profile_command(const Arguments& arguments);
int run_command(const Arguments& arguments);
int script_command(const Arguments& arguments);
int serve_command(const Arguments& arguments);
int status_command(const Arguments& arguments);
int aggregate_command(const Arguments& arguments);
int aggregate_power_command(const Arguments& arguments);
int process_agentic_command(const Arguments& arguments);
int process_result_command(const Arguments& arguments);
int validate_agentic_command(const Arguments& arguments);
int collect_command(const Arguments& arguments);
int collect_evals_command(const Arguments& arguments);
int validate_scores_command(const Arguments& arguments);
int compare_results_command(const Arguments& arguments);
int success_rate_command(const Arguments& arguments);
int summarize_command(const Arguments& arguments);
int plot_command(const Arguments& arguments);
int pareto_command(const Arguments& arguments);
int process_changelog_command(const Arguments& arguments);
int ci_priority_command(const Arguments& arguments);

/// Prints the output of a command over files. Returns the status to exit with.
int print_output(const report::CommandOutput& output);

}  // namespace sweep::cli
