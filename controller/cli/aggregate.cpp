// sweepctl aggregate: all files of an output directory again, from its journal.
#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/outputs.hpp"
#include "controller/io/sweep_record.hpp"

namespace sweep::cli {

int aggregate_command(const Arguments& arguments) {
  CLI::App app(
      "Writes raw/, agg_*.json, jobs.txt, manifest.json, summary.txt and the plots of a sweep's output "
      "directory\n"
      "again from its journal, and prints the summary. Doing it twice changes nothing.",
      "sweepctl aggregate");
  std::string directory;
  add_directory(app, directory, "the output directory of a sweep");
  if (const auto status = parse(app, arguments)) return *status;
  auto archive = open_archive(directory);
  if (!archive) return print_error(archive.error().message), 1;
  const Aggregation written = aggregate(directory, archive->sweep, archive->journal);
  for (const std::string& problem : written.problems)
    print_error(problem);
  const int printed = print_out(written.summary);
  return written.problems.empty() ? printed : 1;
}

}  // namespace sweep::cli
