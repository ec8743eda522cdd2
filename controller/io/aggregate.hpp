// All that follows from the results in a directory: collections, table, plots, and for a sweep's own
// directory its files again. Used at the end of every sweep and by `sweepctl aggregate`.
//
// Rules: doing it twice changes nothing. Of the files that a person may have made it writes over its own ones
// only (ledger.hpp); pictures are always drawn anew.
#pragma once

#include <string>
#include <vector>

#include "controller/io/gather.hpp"
#include "util/json.hpp"

namespace sweep {

struct Aggregation {
  std::string summary;                // the text of summary.txt
  nlohmann::ordered_json json;        // the same for programs
  std::vector<std::string> written;   // paths of collections, summary and plots
  std::vector<std::string> plots;     // those of the plots
  std::vector<std::string> problems;  // one line for each thing that could not be read or written
  std::vector<std::string> notes;     // on files that were left out
  std::size_t results = 0;
};

/// Writes into `directory`: one collection agg_<exp-name>.json per known experiment, agg_all.json of all
/// results when there are several experiments or results without one, summary.txt and the plots. `own`: the
/// directory's sweep; then also raw/, agg_<RESULT_FILENAME>.json, sweep_configs.json, jobs.txt and
/// manifest.json. `exp_name`: the experiment of results that do not know theirs, may be empty.
Aggregation aggregate(const std::string& directory, const OpenSweep* own, const std::string& exp_name = "");

}  // namespace sweep
