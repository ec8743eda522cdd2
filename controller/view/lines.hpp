// What the controller prints while a sweep runs: one line per event, and a status line with a bar. Pure.
#pragma once

#include <string>

#include "controller/core/events.hpp"
#include "controller/plan/plan.hpp"
#include "controller/view/facts.hpp"

namespace sweep::view {

struct Style {
  bool colour = false;
  int columns = 80;
};

/// The line for an event, given the state right after it; "" for events that people need not see.
std::string event_line(const Plan& plan, const core::State& state, const core::Event& event,
                       const Facts& facts, const Style& style);

/// One line of at most style.columns columns: bar, counts, rate, time to go, what runs.
std::string bar_line(const Plan& plan, const core::State& state, const Facts& facts, Instant now,
                     const Style& style);

/// What a person reads when it is over: counts, what failed and why, what is unfinished.
std::string closing_lines(const Plan& plan, const core::State& state, const Style& style);

/// When this session began: with the sweep, or with the resume.
Instant session_start(const core::State& state, const Facts& facts);

/// "0.4 s", "75 s", "12 min 05 s", "3 h 07 min".
std::string spoken(Millis time);

/// "0.2 MB", "18.3 GB".
std::string spoken_size(std::int64_t bytes);

/// How far an attempt is, in a few words: "45/100", "image 3.2 GB", "server"; "" where nobody knows. What
/// comes of an image is counted in bytes, which nobody would know from a bare number.
std::string how_far(const AttemptProgress& progress);

}  // namespace sweep::view
