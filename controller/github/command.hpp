// sweepctl success-rate. It reads and writes files; the caller parses the arguments and prints the output.
#pragma once

#include <optional>
#include <string>

#include "controller/report/command_output.hpp"

namespace sweep::github {

/// The variables of the environment; std::nullopt if not set.
struct SuccessRateRequest {
  std::string name;                       // the table is written to NAME.json
  std::optional<std::string> jobs_file;   // GITHUB_JOBS_FILE
  std::optional<std::string> repository;  // GITHUB_REPOSITORY: the jobs file must be of this repository
  std::optional<std::string> run_id;      // GITHUB_RUN_ID: and of this run
  std::string runners = "configs/runners.yaml";
};

/// Prints the share of successful jobs by hardware and writes it to NAME.json.
report::CommandOutput run_success_rate(const SuccessRateRequest& request);

}  // namespace sweep::github
