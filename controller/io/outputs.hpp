// The files of a sweep's output directory that are written while it runs, except the journal. Those written
// at its end are in aggregate.hpp.
//
// Rule: all of them follow from the journal, so that any of them can be written again at any time (sweepctl
// aggregate). They are renamed into place, so that no half-written file is ever read, and links in the
// directory are not followed (util/os/beneath.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/io/sweep_record.hpp"
#include "controller/view/endings.hpp"
#include "util/error.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"

namespace sweep {

/// A client's JSON after processing.
struct Processed {
  nlohmann::ordered_json document;  // contract, section 4, and which point it repeats
  std::int64_t output_tokens = 0;
  double range_ratio = 0;           // the RANDOM_RANGE_RATIO of its benchmark
  std::string note;                 // one line for people about what the client's JSON lacks; may be empty
  std::vector<std::string> doubts;  // reasons against validity found in the client's JSON (report/validity)
};

/// Processes the client's JSON of a point. `account`: what the agent observed during its attempt. Fails,
/// naming the key, if the bytes are not the result of a serving client. The bytes need not be trusted.
Expected<Processed> processed(const Plan& plan, int index, const std::string& node, const Account& account,
                              std::string_view raw);

/// Returns the reasons for which the result is not valid, without those that the profile ignores; empty if it
/// is valid.
std::vector<std::string> reasons_against(const Processed& result, const Account& account, const Plan& plan);

/// Completes the record of a processed result: adds the version of its keys, what the point asks for, the ids
/// of sweep, point and attempt, where its `hw` comes from (hw_from), whether it is valid, and what
/// view/provenance adds. No-op if the state does not have the attempt.
void complete_record(Processed& result, const Plan& plan, const core::State& state, const view::Facts& facts,
                     const core::AttemptRef& ref);

/// Returns a function that finds an attempt's log in `directory`: its standard error, or else its standard
/// output, if that is not empty. The function returns the path below the directory with `prefix` before it.
view::FindLog log_finder(const std::string& directory, const std::string& prefix = "");

/// Writes sweep_configs.json.
Expected<void> write_matrix(const std::string& directory, const Plan& plan);

/// Appends to logs/<RESULT_FILENAME>.attempt<N>.out or .err.
Expected<void> append_log(const std::string& directory, const Plan& plan, int index, int attempt,
                          const std::string& node, bool is_stderr, std::string_view bytes);

/// Returns agg_<RESULT_FILENAME>.json.
std::string agg_name(const std::string& result_filename);

/// Returns the text of agg_<RESULT_FILENAME>.json for a completed record.
std::string agg_text(const nlohmann::ordered_json& document);

/// Deletes the files of the point's superseded results if they came from other nodes than the accepted
/// result, because then their names differ from its name. The journal keeps them.
void remove_superseded(const std::string& directory, const Plan& plan, const core::State& state, int index);

/// Writes raw/<RESULT_FILENAME>.json, the client's bytes, and agg_<RESULT_FILENAME>.json with the text `agg`.
Expected<void> write_result_files(const std::string& directory, const std::string& result_filename,
                                  std::string_view raw, std::string_view agg, Sync sync);

}  // namespace sweep
