// The opening of a sweep whose journal is missing or unreadable, from the other files of its directory.
#pragma once

#include <string>

#include "controller/journal/journal.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep {

/// Returns the opening with the matrix of sweep_configs.json. The sweep's id and its configuration files are
/// taken from manifest.json if that can be read; otherwise it gets a new id, made from `now`. Settings of the
/// profile are the defaults, because a resume replaces them. Fails, naming the file, if the matrix cannot be
/// read.
Expected<journal::Opening> opening_from_files(const std::string& directory, Instant now);

}  // namespace sweep
