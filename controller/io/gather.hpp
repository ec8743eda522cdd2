// Finds all results in a directory: in sweeps' journals, in agg files of sweeps and of other tools, and in
// collected lists.
//
// Rules: a result counts once, even if there are copies of it. A sweep's own results come from its journal;
// its output directory is searched only for agg files that were added beside, and not below. Files that
// aggregate() wrote itself (ledger.hpp) are not a source. Nothing is written, except that opening the journal
// of an interrupted sweep folds in its write-ahead log.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/io/sweep_record.hpp"
#include "controller/io/text_store.hpp"
#include "controller/report/documents.hpp"
#include "controller/report/row.hpp"
#include "util/error.hpp"

namespace sweep {

/// A sweep with its journal, which this process has open, and its output directory.
struct SweepSource {
  std::string directory;
  const Sweep* sweep;
  journal::Journal* journal;
};

/// An accepted result from a journal.
struct JournalResult {
  int index;  // of its point
  std::string node;
  std::string raw;            // the client's JSON
  report::Document document;  // the content of its agg file
  std::string text;           // the text of its agg file
};

/// Passes the accepted results to `take` one by one, processed. Adds a line to `problems` for each that
/// cannot be processed or is missing.
void each_result(const SweepSource& from, const std::function<void(JournalResult)>& take,
                 std::vector<std::string>& problems);

struct Gathered {
  std::vector<report::Row> results;   // sorted by path
  TextStore texts;                    // of their documents
  std::vector<Archive> archives;      // the sweeps below the directory, without the directory's own
  std::vector<std::string> problems;  // one line for each thing that could not be read
  std::vector<std::string> notes;     // one line for each kind of file that was left out
};

/// Returns all results in `directory`. `own`: the sweep whose output directory it is; null if it is not one.
/// `see` is called with each of that sweep's results before only its row is kept.
Gathered gather(const std::string& directory, const SweepSource* own = nullptr,
                const std::function<void(const JournalResult&)>& see = nullptr);

/// Returns the experiment in the file name agg_<RESULT_FILENAME>.json (contract, section 3) if the rest of
/// the name agrees with the result in the file; otherwise "". Outside a journal only the file name has the
/// experiment.
std::string experiment_in_name(const std::string& path, const report::Row& result);

}  // namespace sweep
