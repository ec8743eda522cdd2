// A sweep as its journal keeps it: what it is opened with, and the sweep that a journal's rows give back.
// Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/core/state.hpp"
#include "controller/journal/journal.hpp"
#include "controller/plan/plan.hpp"
#include "controller/view/facts.hpp"
#include "util/error.hpp"

namespace sweep {

/// All that there is to know about a sweep, live or read back.
struct Sweep {
  Plan plan;
  core::State state;
  view::Facts facts;
};

/// What the journal of a new sweep begins with. `sweep.facts` must be filled in but for its progress.
journal::Opening opening_of(const Sweep& sweep);

/// The sweep after `events`. Without `profile` its plan has no commands and no environment: it can be looked
/// at, not run. Fails, naming what is wrong, on rows that are not a sweep's.
Expected<Sweep> restore_sweep(const journal::Opening& opening, const std::vector<core::Event>& events,
                              std::optional<profile::Profile> profile = std::nullopt);

/// The points that the last resume has withdrawn.
std::set<std::string> withdrawn_points(const std::vector<core::Event>& events);

/// Opens the journal in `directory` and reads all of it. Fails, naming the file, when there is none, when a
/// live controller holds it, and when it is damaged.
struct Archive {
  journal::Journal journal;
  Sweep sweep;
};
Expected<Archive> open_archive(const std::string& directory);

}  // namespace sweep
