// Formats the records of a sweep besides its results: jobs.txt, manifest.json, and the totals at the end of
// summary.txt. Pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/core/state.hpp"
#include "controller/plan/plan.hpp"
#include "controller/view/endings.hpp"
#include "controller/view/facts.hpp"
#include "util/text.hpp"

namespace sweep::view {

/// The version of the keys of manifest.json and of those that a sweep adds to a processed result. It changes
/// when a key is removed or gets another meaning, not when one is added.
inline constexpr int kRecordVersion = 1;

/// Writes jobs.txt: one line per attempt, in the order of leasing: point, attempt, job.step, node, outcome,
/// seconds, label.
void write_jobs(const Plan& plan, const core::State& state, const Sink& out);

/// Writes manifest.json: the expected points, the outcome and attempts of each, and the sweep's origin. It is
/// written piece by piece, because that of a large sweep has a hundred megabytes.
void write_manifest(const Plan& plan, const core::State& state, const Facts& facts, const Sink& out);

/// Returns the sweep's part of summary.txt: failed points with reasons, unfinished points, totals.
std::string totals_text(const Plan& plan, const core::State& state, const Facts& facts,
                        const FindLog& find_log = {});

/// Returns the same as JSON. Keys: sweep, directory, job, complete, reason, resume, points, done, valid, failed
/// and unfinished (lists of {label, reason}), attempts, agents, server_starts, phases, containers, evals (the scores of
/// evaluations), wall_s (null before the first attempt has ended).
nlohmann::ordered_json totals_json(const Plan& plan, const core::State& state, const Facts& facts);

/// Returns the path of an attempt's log files without .out or .err, relative to the output directory.
std::string log_stem(const Plan& plan, int index, int attempt, const std::string& node);

}  // namespace sweep::view
