// sweepctl aggregate: all files that follow from the results in a directory.
#include "controller/io/aggregate.hpp"

#include <filesystem>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/io/output_dir.hpp"

namespace sweep::cli {

namespace {

/// "out/" and "./out" as "out": paths are compared as text.
std::string plain(const std::string& directory) {
  std::string out = std::filesystem::path(directory).lexically_normal().string();
  while (out.size() > 1 && out.back() == '/')
    out.pop_back();
  return out;
}

Expected<Aggregation> aggregate_directory(const std::string& directory, const std::string& name) {
  std::error_code code;
  if (!std::filesystem::is_directory(directory, code))
    return fail("there is no directory '" + directory + "'");
  if (!std::filesystem::exists(journal_path(directory), code)) return aggregate(directory, nullptr, name);
  auto archive = open_archive(directory);
  if (!archive) return tl::unexpected(archive.error());
  archive->sweep.facts.directory = directory;
  const OpenSweep own{directory, &archive->sweep, &archive->journal};
  return aggregate(directory, &own, name);
}

}  // namespace

int aggregate_command(const Arguments& arguments) {
  CLI::App app(
      "Makes collection, table and plots of all results in DIR: a sweep's output directory (whose raw/, "
      "agg_*.json,\n"
      "jobs.txt and manifest.json are written again from its journal too), a folder of agg files, or a "
      "folder "
      "with\nboth below it. Prints the summary. Doing it twice changes nothing.",
      "sweepctl aggregate");
  std::string directory, name = "all";
  bool json = false;
  add_directory(app, directory, "the output directory of a sweep, or a folder of processed results");
  app.add_option("--exp-name", name,
                 "the experiment of results that do not know theirs, for the names of files "
                 "written (default: all)")
      ->type_name("EXP");
  app.add_flag("--json", json, "print the summary as one JSON document");
  if (const auto status = parse(app, arguments)) return *status;
  const auto written = aggregate_directory(plain(directory), name);
  if (!written) return print_error(written.error().message), 1;
  for (const std::string& problem : written->problems)
    print_error(problem);
  if (!written->note.empty()) print_error(written->note);
  const int printed =
      print_out(json ? written->json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                     : written->summary);
  return written->problems.empty() ? printed : 1;
}

}  // namespace sweep::cli
