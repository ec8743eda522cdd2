// The files of a sweep's output directory that are written while it runs, other than its journal. What is
// written at its end is in aggregate.hpp.
//
// Rule: all of them follow from the journal, so that any of them can be written again at any time (sweepctl
// aggregate). They are renamed into place, so that nobody reads half of one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/io/sweep_record.hpp"
#include "util/error.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"

namespace sweep {

/// What a client's JSON comes to.
struct Processed {
  nlohmann::ordered_json document;  // contract, section 4, and which point it repeats
  std::int64_t output_tokens = 0;
  std::vector<std::string> doubts;  // of the client's result alone (report/validity)
};

/// The client's JSON of a point, processed. Fails, naming the key, when the bytes are not what a serving
/// client leaves. Takes bytes from anybody.
Expected<Processed> processed(const Plan& plan, int index, const std::string& node, std::string_view raw);

/// Why the result is not valid, but for what the profile ignores; empty: it is.
std::vector<std::string> reasons_against(const Processed& result, const Account& account, const Plan& plan);

/// Makes the record of a processed result of an attempt that the state has: whether it is valid, and what
/// view/provenance adds.
void complete_record(Processed& result, const Plan& plan, const core::State& state, const view::Facts& facts,
                     const core::AttemptRef& ref);

/// sweep_configs.json.
Expected<void> write_matrix(const std::string& directory, const Plan& plan);

/// Appends to logs/<RESULT_FILENAME>.attempt<N>.out or .err.
Expected<void> append_log(const std::string& directory, const Plan& plan, int index, int attempt,
                          const std::string& node, bool is_stderr, std::string_view bytes);

/// agg_<RESULT_FILENAME>.json.
std::string agg_name(const std::string& result_filename);

/// The text of agg_<RESULT_FILENAME>.json: what processed() made and view/provenance added.
std::string agg_text(const nlohmann::ordered_json& document);

/// Deletes the files of results of the point that were superseded on other nodes, where their names differ
/// from the file's of the one that counts. The journal has them.
void remove_superseded(const std::string& directory, const Plan& plan, const core::State& state, int index);

/// raw/<RESULT_FILENAME>.json and agg_<RESULT_FILENAME>.json: the client's bytes, and the text of what
/// processed() made of them.
Expected<void> write_result_files(const std::string& directory, const std::string& result_filename,
                                  std::string_view raw, std::string_view agg, Sync sync);

}  // namespace sweep
