// The state of a sweep as one JSON document, and that document for people. Pure.
#pragma once

#include <cstddef>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "controller/core/state.hpp"
#include "controller/plan/plan.hpp"
#include "controller/view/facts.hpp"

namespace sweep::view {

/// Points that have ended per minute since the first lease, and from it the time that the rest will take.
struct Pace {
  double points_per_minute = 0;
  std::optional<Millis> to_go;  // nothing before the first end, and when nothing is left or will be tried
};
Pace pace(const core::State& state, Instant now);

/// When the last attempt that has ended did so.
std::optional<Instant> last_end(const core::State& state);

/// When something last happened to an attempt, else when the sweep was opened.
Instant last_change(const core::State& state, const Facts& facts);

/// Keys: sweep, directory, state (running, stopping, done, incomplete, interrupted), reason, points (counts),
/// rate_per_minute, eta_s, elapsed_s, agents, running, ended. The three lists have at most `room` bytes as
/// JSON between them; how many entries were left out for that is in left_out (agents, running, ended), and
/// of those that ended the ones that are not done come first.
nlohmann::ordered_json status_json(const Plan& plan, const core::State& state, const Facts& facts,
                                   Instant now, std::size_t room = std::numeric_limits<std::size_t>::max());

/// That document as text of a few lines and one line per running and failed point.
std::string status_text(const nlohmann::ordered_json& status);

}  // namespace sweep::view
