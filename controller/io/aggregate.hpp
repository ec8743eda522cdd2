// Writes everything that follows from the results in a directory: collections, table, plots, and in a sweep's
// output directory also its files. Used at the end of every sweep and by `sweepctl aggregate`.
//
// Rules: running it twice changes nothing. Files with names that a user may also use are overwritten only if
// it wrote them itself (ledger.hpp); plots are always drawn again.
#pragma once

#include <string>
#include <vector>

#include "controller/io/gather.hpp"
#include "util/json.hpp"

namespace sweep {

struct Aggregation {
  std::string summary;                   // the text of summary.txt
  nlohmann::ordered_json json;           // the same, machine-readable
  std::vector<std::string> written;      // paths of collections, summary and plots
  std::vector<std::string> collections;  // their paths: one for each experiment, then that of all
  std::vector<std::string> plots;        // paths of the plots
  std::vector<std::string> problems;     // one line for each thing that could not be read or written
  std::vector<std::string> notes;        // one line for each kind of file that was left out
  std::size_t results = 0;
  std::size_t result_files = 0;  // agg_<RESULT_FILENAME>.json of the sweep's own results that are in place
};

/// Writes into `directory`: one collection agg_<exp-name>.json per known experiment, agg_all.json of all
/// results if there are several experiments or results without one, agg_eval_all.json of the evaluations of
/// all sweeps there, summary.txt and the plots. `own`: the sweep whose output directory it is, or null; if
/// given, raw/, agg_<RESULT_FILENAME>.json, sweep_configs.json, jobs.txt and manifest.json are written too.
/// `exp_name`: the experiment of results whose experiment is unknown; may be empty.
Aggregation aggregate(const std::string& directory, const SweepSource* own, const std::string& exp_name = "");

}  // namespace sweep
