// The records a sweep leaves besides results: jobs.txt, manifest.json, and the totals under the summary.
// Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/core/state.hpp"
#include "controller/plan/plan.hpp"
#include "controller/view/facts.hpp"
#include "util/text.hpp"

namespace sweep::view {

/// jobs.txt: one line per attempt, in the order of leasing: point, attempt, job.step, node, outcome, seconds,
/// label.
void write_jobs(const Plan& plan, const core::State& state, const Sink& out);

/// manifest.json: what was expected, what became of each point, and where it all came from. Piece by piece,
/// for of a large sweep it has a hundred megabytes.
void write_manifest(const Plan& plan, const core::State& state, const Facts& facts, const Sink& out);

/// What summary.txt says of a sweep: failures with reasons, what is unfinished, totals.
std::string totals_text(const Plan& plan, const core::State& state, const Facts& facts);

/// The same for programs. Keys: sweep, directory, job, complete, reason, points, done, failed, unfinished
/// (the last two lists of {label, reason}), attempts, agents, server_starts, wall_s (null before the first
/// end).
nlohmann::ordered_json totals_json(const Plan& plan, const core::State& state, const Facts& facts);

/// The log files of an attempt, relative to the output directory, without .out or .err.
std::string log_stem(const Plan& plan, int index, int attempt, const std::string& node);

}  // namespace sweep::view
