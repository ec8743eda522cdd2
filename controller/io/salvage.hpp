// Recovery of a damaged journal: what can be read goes into a new one, what is lost is reported.
//
// Rules: the damaged file is kept beside the new one. Events are kept up to the first that is damaged or
// inconsistent. Each readable result is kept, also if its events are lost. A result that the events mention
// but that cannot be read, or whose events are lost too, is taken from raw/ if its file is there; otherwise
// its point has to run again. If the journal is missing or empty, or its matrix cannot be read, the matrix is
// taken from sweep_configs.json.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep {

/// Replaces the journal in `directory` by what can be recovered of it. Returns lines for people: what was
/// damaged, what was kept, what is lost. Fails, and changes nothing, if the matrix cannot be read from
/// anywhere.
Expected<std::vector<std::string>> salvage(const std::string& directory, Instant now);

}  // namespace sweep
