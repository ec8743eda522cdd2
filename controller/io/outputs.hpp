// The files of a sweep's output directory, other than its journal.
//
// Rule: all of them follow from the journal, so that any of them can be written again at any time (sweepctl
// aggregate). They are renamed into place, so that nobody reads half of one.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/io/sweep_record.hpp"
#include "proto/base/error.hpp"
#include "proto/net/files.hpp"

namespace sweep {

/// The client's JSON of a point as a processed result (contract, section 4). Fails, naming the key, when the
/// bytes are not what a serving client leaves. Takes bytes from anybody.
Expected<nlohmann::ordered_json> processed(const Plan& plan, int index, const std::string& node,
                                           std::string_view raw);

/// sweep_configs.json.
Expected<void> write_matrix(const std::string& directory, const Plan& plan);

/// Appends to logs/<RESULT_FILENAME>.attempt<N>.out or .err.
Expected<void> append_log(const std::string& directory, const Plan& plan, int index, int attempt,
                          const std::string& node, bool is_stderr, std::string_view bytes);

/// raw/<RESULT_FILENAME>.json and agg_<RESULT_FILENAME>.json.
Expected<void> write_result(const std::string& directory, const Plan& plan, int index,
                            const std::string& node, std::string_view raw, Sync sync);

struct Aggregation {
  std::string summary;                // the text of summary.txt
  std::vector<std::string> plots;     // paths
  std::vector<std::string> problems;  // one line for each thing that could not be written
};

/// Writes everything again from the journal: results, one collection per exp-name (and agg_all.json when
/// there are several), jobs.txt, manifest.json, summary.txt, the plots.
Aggregation aggregate(const std::string& directory, const Sweep& sweep, journal::Journal& journal);

}  // namespace sweep
