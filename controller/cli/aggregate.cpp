// sweepctl aggregate: writes all files that follow from the results in a directory.
#include "controller/io/aggregate.hpp"

#include <filesystem>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/control_file.hpp"
#include "controller/io/output_dir.hpp"
#include "util/json.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kAggregateDescription =
    "Collects all results in DIR, writes collections, summary and plots, and prints the summary. DIR is the "
    "output directory of a sweep, a folder of processed results, or a folder that contains both. In a "
    "sweep's output directory, raw/, agg_*_conc*.json, jobs.txt and manifest.json are also written again "
    "from its journal. Running it twice changes nothing. Every sweep does the same at its end.";

constexpr const char* kAggregateClosing = R"(Exit status:
  0  every file was written
  1  something could not be read or written; standard error names it
  2  wrong usage

Files:
  agg_EXP.json         all processed results of an experiment
  agg_all.json         all results, if there are several experiments or
                       results whose experiment is unknown
  summary.txt          table, best results, Pareto frontier, failures with
                       reasons, attempts, server starts, elapsed time
  .aggregate           digests of the files above; a file that was changed
                       since is not overwritten
  tput_vs_e2el_FAMILY_EXP.png, tput_vs_intvty_FAMILY_EXP.png
                       plots (see sweepctl plot)

Examples:
  Write the files of a sweep that was interrupted:
    sweepctl aggregate results_dsr1_1k1k_20261124_222153
  Combine the results of several sweeps:
    sweepctl aggregate --exp-name dsr1_1k1k nightly/
)";

Expected<Aggregation> aggregate_directory(const std::string& directory, const std::string& name) {
  SWEEP_TRY(check_results_directory(directory));
  std::error_code code;
  if (!std::filesystem::exists(journal_path(directory), code)) return aggregate(directory, nullptr, name);
  auto archive = open_archive(directory);
  if (!archive) {
    // A live sweep writes these files itself. If the journal cannot be read, the agg files are still there.
    const auto control = read_control_file(directory);
    if (control && *control) return tl::unexpected(archive.error());
    return aggregate(directory, nullptr, name);
  }
  archive->sweep.facts.directory = directory;
  const SweepSource own{directory, &archive->sweep, &archive->journal};
  return aggregate(directory, &own, name);
}

}  // namespace

int aggregate_command(const Arguments& arguments) {
  CommandLine app("sweepctl aggregate", kAggregateDescription, kAggregateClosing);
  std::string directory, name;
  bool json = false;
  add_sweep_directory(app, directory, "output directory of a sweep, or a folder of processed results");
  app.option(
         "--exp-name", name,
         "experiment of results whose experiment is unknown, because they are neither in a sweep's journal "
         "nor in a file that a sweep has named (agg_RESULT_FILENAME.json)")
      .value("EXP");
  app.flag("--json", json, "print the summary as JSON");
  if (const auto status = app.parse(arguments)) return *status;
  if (!enter_as_owner(directory)) return 1;
  const auto written = aggregate_directory(plain_path(directory), name);
  if (!written) return print_error(written.error().message), 1;
  for (const std::string& problem : written->problems)
    print_error(problem);
  for (const std::string& note : written->notes)
    print_error(note);
  const int printed =
      print_out(json ? written->json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                     : written->summary);
  return written->problems.empty() ? printed : 1;
}

}  // namespace sweep::cli
