// sweepctl success-rate: how many jobs of a GitHub Actions run succeeded.
#include <cstdlib>
#include <optional>
#include <string>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/github/command.hpp"
#include "util/command_line.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kSuccessRate =
    "Prints for each hardware how many jobs of a GitHub Actions run succeeded, and writes the numbers to "
    "NAME.json. The hardware of a job is the first label of configs/runners.yaml, in alphabetical order, that "
    "its name contains as a word. Skipped jobs do not count. Replaces calc_success_rate.py, but does not "
    "connect to GitHub: the jobs are read from a file.";

constexpr const char* kSuccessRateClosing = R"(Exit status:
  0  the numbers were printed and written
  1  a file cannot be read or written, or the jobs are those of another run
  2  wrong usage

Environment:
  GITHUB_JOBS_FILE   JSON file with the jobs (required): the replies of
                     GitHub's API, or an object with login, repository,
                     run {id, name} and jobs [{name, conclusion}]
  GITHUB_REPOSITORY  if set, the file must be of this repository
  GITHUB_RUN_ID      if set, the file must be of this run

Files:
  configs/runners.yaml  the labels: those that begin with cluster:, else the
                        names below hardware
  NAME.json             an object {label: {n_success, total}}

Examples:
  Save the jobs of the run in which this is executed, and count them:
    run=repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID
    gh api --paginate --slurp "$run/jobs?filter=all&per_page=100" \
      > jobs.json
    GITHUB_JOBS_FILE=jobs.json sweepctl success-rate run_stats
)";

std::optional<std::string> if_set(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

int success_rate_command(const Arguments& arguments) {
  CommandLine app("sweepctl success-rate", kSuccessRate, kSuccessRateClosing);
  github::SuccessRateRequest request;
  app.option("NAME", request.name, "name of the file that is written, without .json").value("").required();
  if (const auto status = app.parse(arguments)) return *status;
  request.jobs_file = if_set("GITHUB_JOBS_FILE");
  request.repository = if_set("GITHUB_REPOSITORY");
  request.run_id = if_set("GITHUB_RUN_ID");
  return print_output(github::run_success_rate(request));
}

}  // namespace sweep::cli
