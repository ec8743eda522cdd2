// Formats the state of a sweep as one JSON document, and that document as text. Pure functions.
#pragma once

#include <cstddef>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "controller/core/state.hpp"
#include "controller/plan/plan.hpp"
#include "controller/view/endings.hpp"
#include "controller/view/facts.hpp"

namespace sweep::view {

/// The rate at which points end in this session, and the estimated time until all have ended.
struct Pace {
  double points_per_minute = 0;  // since the session's first lease
  std::optional<Millis> to_go;   // nullopt: no point has ended yet, none is left, or the sweep is ending
};
Pace pace(const core::State& state, Instant now);

/// Returns when the last attempt ended; std::nullopt before the first one has.
std::optional<Instant> last_end(const core::State& state);

/// Returns when an attempt was last leased, started or ended; when the sweep was opened if there is none.
Instant last_change(const core::State& state, const Facts& facts);

/// Returns the status document. Keys: sweep, directory, job, state (running, stopping, done, incomplete,
/// interrupted), reason, controller, points (counts), strict, rate_per_minute, eta_s, elapsed_s, agents, running,
/// ended, held_back. Agents, running and ended are lists that together have at most `max_bytes` bytes as JSON; the number of
/// entries omitted for that is in left_out (agents, running, ended). In `ended`, points that are not done
/// come first, then those whose result is not valid; the first few of these have the path of their `log`.
nlohmann::ordered_json status_json(const Plan& plan, const core::State& state, const Facts& facts,
                                   Instant now,
                                   std::size_t max_bytes = std::numeric_limits<std::size_t>::max(),
                                   const FindLog& find_log = {});

/// Returns the document as text: a few lines, one line per running point, and the points that failed or whose
/// results are not valid, those that ended alike together (endings.hpp).
std::string status_text(const nlohmann::ordered_json& status);

}  // namespace sweep::view
