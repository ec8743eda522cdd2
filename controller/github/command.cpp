#include "controller/github/command.hpp"

#include "controller/github/labels.hpp"
#include "controller/github/success_rate.hpp"
#include "controller/python/json_text.hpp"
#include "controller/report/documents.hpp"
#include "util/os/files.hpp"
#include "util/os/output_file.hpp"
#include "util/text.hpp"

namespace sweep::github {

namespace {

using Json = nlohmann::ordered_json;

Expected<std::vector<std::string>> read_labels(const std::string& path) {
  SWEEP_ASSIGN(const std::string text, read_file(path, yaml::kMaxFileBytes));
  const auto document = yaml::parse_document(text);
  if (!document) return fail("'" + printable(path) + "' is not valid YAML: " + document.error().message);
  auto labels = hardware_labels(**document);
  if (!labels) return fail("'" + printable(path) + "': " + labels.error().message);
  return labels;
}

Expected<WorkflowRun> read_run(const SuccessRateRequest& request) {
  if (!request.jobs_file)
    return fail(
        "GITHUB_JOBS_FILE is not set: sweepctl does not connect to GitHub; save the jobs of the run with gh api "
        "\"repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID/jobs?filter=all&per_page=100\" --paginate --slurp "
        "> jobs.json and set GITHUB_JOBS_FILE=jobs.json");
  SWEEP_ASSIGN(const auto document, report::read_document(*request.jobs_file));
  auto run = workflow_run(document.json);
  if (!run)
    return fail("cannot read the jobs in '" + printable(*request.jobs_file) + "': " + run.error().message);
  const auto differs = [](const std::string& file, const std::optional<std::string>& asked) {
    return asked && !asked->empty() && !file.empty() && file != *asked;
  };
  const std::string of = "'" + printable(*request.jobs_file) + "' has the jobs of ";
  if (differs(run->repository, request.repository))
    return fail(of + "repository '" + printable(run->repository) + "', but GITHUB_REPOSITORY is '" +
                printable(*request.repository) + "'");
  if (differs(run->id, request.run_id))
    return fail(of + "run " + printable(run->id) + ", but GITHUB_RUN_ID is '" + printable(*request.run_id) +
                "'");
  return run;
}

std::string run_text(const WorkflowRun& run) {
  std::string out;
  if (run.login) out += "Authenticated as user: " + printable(*run.login) + "\n";
  if (!run.repository.empty()) out += "Found repo: " + printable(run.repository) + "\n";
  if (!run.id.empty()) out += "Found run: " + printable(run.id) + " - " + printable(run.name) + "\n";
  return out;
}

void write_rates(const std::string& name, const Json& rates, report::CommandOutput& output) {
  const auto written = write_output_file(name + ".json", python::json_text(rates, 2));
  if (!written) report::add_error(output, printable(written.error().message));
}

}  // namespace

report::CommandOutput run_success_rate(const SuccessRateRequest& request) {
  const auto labels = read_labels(request.runners);
  if (!labels) return report::failed(printable(labels.error().message));
  const auto run = read_run(request);
  if (!run) return report::failed(printable(run.error().message));
  report::CommandOutput output;
  if (run->login && run->login->empty()) {
    output.out = "Authentication failed: 401 Bad credentials\nNo data to display\n";
    report::add_warning(output, "GitHub rejected the token (GITHUB_TOKEN), so there are no jobs; '" +
                                    printable(request.name) + ".json' is null");
    write_rates(request.name, nullptr, output);
    return output;
  }
  const SuccessRates rates = success_rates(run->jobs, *labels);
  for (const std::string& note : rates.notes)
    report::add_warning(output, note);
  if (labels->empty())
    report::add_warning(output, "'" + printable(request.runners) +
                                    "' has no label that begins with 'cluster:' and no 'hardware'");
  output.out = run_text(*run) + success_table(rates);
  write_rates(request.name, success_json(rates), output);
  return output;
}

}  // namespace sweep::github
