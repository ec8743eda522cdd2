// The conversion between a sweep and the rows of its journal. Pure, except open_archive().
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

/// Everything about a sweep, live or read from a journal.
struct Sweep {
  Plan plan;
  core::State state;
  view::Facts facts;
};

/// Returns what the journal of a new sweep begins with. `sweep.facts` must be filled in, except its progress.
journal::Opening opening_of(const Sweep& sweep);

/// Returns the sweep after `events`. Without `profile` its plan has no commands and no environment, so that
/// it can be shown but not run. Fails, naming what is wrong, if the rows are not those of a sweep.
Expected<Sweep> restore_sweep(const journal::Opening& opening, const std::vector<core::Event>& events,
                              std::optional<profile::Profile> profile = std::nullopt);

/// Returns the ids of the points that the last resume withdrew.
std::set<std::string> withdrawn_points(const std::vector<core::Event>& events);

/// A sweep whose journal is open for reading.
struct Archive {
  journal::Journal journal;
  Sweep sweep;
};

/// Opens the journal in `directory` and reads all of it. Fails, naming the file, if it does not exist, a
/// controller has it open, or it is damaged.
Expected<Archive> open_archive(const std::string& directory);

}  // namespace sweep
