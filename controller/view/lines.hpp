// Formats what the controller prints while a sweep runs: one line per event, and a status line with a
// progress bar. Pure functions.
#pragma once

#include <string>

#include "controller/core/events.hpp"
#include "controller/plan/plan.hpp"
#include "controller/view/endings.hpp"
#include "controller/view/facts.hpp"

namespace sweep::view {

struct Style {
  bool colour = false;
  int columns = 80;
};

/// Returns the line for an event, given the state right after it; "" for events that are not shown.
std::string event_line(const Plan& plan, const core::State& state, const core::Event& event,
                       const Facts& facts, const Style& style);

/// Returns one line of at most style.columns columns: bar, counts, rate, ETA, progress of running attempts.
std::string bar_line(const Plan& plan, const core::State& state, const Facts& facts, Instant now,
                     const Style& style);

/// Returns the lines shown when the sweep has ended: counts, and the points that are invalid, failed or
/// unfinished with their reasons, those that ended alike together (endings.hpp).
std::string closing_lines(const Plan& plan, const core::State& state, const Style& style,
                          const FindLog& find_log = {});

/// Returns "6 of 6 points done" or, if results of done points are not valid, "6 of 6 points ran, 4 valid".
std::string points_text(int done, int total, int invalid);

/// Returns when this session began: when the sweep was opened or, after a resume, when it was resumed.
Instant session_start(const core::State& state, const Facts& facts);

/// Returns a duration as text: "0.4 s", "75 s", "12 min 05 s", "3 h 07 min".
std::string duration_text(Millis time);

/// Returns a size as text: "0.2 MB", "18.3 GB".
std::string size_text(std::int64_t bytes);

/// Returns an attempt's progress as short text: "45/100", "image 3.2 GB", "server"; "" if unknown. Images are
/// shown in bytes with a unit, because a bare number would not be understood.
std::string progress_text(const AttemptProgress& progress);

}  // namespace sweep::view
