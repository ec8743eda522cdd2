// The results that lie in a directory, wherever they come from: journals of sweeps, agg files of sweeps, of
// other tools, collected lists.
//
// Rules: a result counts once, also when copies of it lie about. A sweep's own results come from its journal,
// which its agg files only follow; a sweep's output directory is otherwise asked for agg files that were put
// beside, and not searched further. What aggregate() wrote itself (ledger.hpp) is no source. Nothing is
// written, but that opening the journal of a sweep that was cut off folds its log in.
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

/// A sweep with its journal, read or live, and the directory they are of.
struct OpenSweep {
  std::string directory;
  const Sweep* sweep;
  journal::Journal* journal;
};

/// A result that counts, with what its journal knows of it.
struct JournalResult {
  int index;  // of its point
  std::string node;
  std::string raw;            // the client's JSON
  report::Document document;  // of its agg file
  std::string text;           // of that
};

/// Hands over the results that count one by one, processed. What cannot be processed goes to `problems`.
void each_result(const OpenSweep& from, const std::function<void(JournalResult)>& take,
                 std::vector<std::string>& problems);

struct Gathered {
  std::vector<report::Row> results;   // sorted by path
  TextStore texts;                    // of their documents
  std::vector<Archive> archives;      // of the sweeps below the directory, itself not among them
  std::vector<std::string> problems;  // one line each; the rest is there
  std::vector<std::string> notes;     // on what else was found
};

/// All results in `directory`. `own`: its sweep, when it has one, else null; `see` is shown each of its
/// results before only the row remains.
Gathered gather(const std::string& directory, const OpenSweep* own = nullptr,
                const std::function<void(const JournalResult&)>& see = nullptr);

/// The experiment that a file agg_<RESULT_FILENAME>.json names (contract, section 3), when all the rest of
/// the name is what the result in it says; else empty. A result's file is the only place outside a journal
/// that knows it.
std::string experiment_in_name(const std::string& path, const report::Row& result);

}  // namespace sweep
