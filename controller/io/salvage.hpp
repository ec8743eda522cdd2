// A damaged journal: what is good in it goes into a new one, the rest is named.
//
// Rules: the damaged file is kept beside the new one. Events count up to the first that is damaged or does
// not fit; results count each for itself, also those whose events are lost. A result that the events tell of
// and that cannot be read is taken from raw/ when it lies there; else its point has to run again.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep {

/// Replaces the journal in `directory` by what can be recovered of it. Returns lines for people: what was
/// wrong, what was kept, what is lost. Fails, and changes nothing, when the journal cannot be opened, or when
/// not even its matrix can be read.
Expected<std::vector<std::string>> salvage(const std::string& directory, Instant now);

}  // namespace sweep
