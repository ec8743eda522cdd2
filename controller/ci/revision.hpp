// Reads files of a git repository at a revision. The repository is that of the working directory.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"

namespace sweep::ci {

/// Returns the output of `git diff` for one file between two revisions. Fails with git's message.
Expected<std::string> git_diff(const std::string& base, const std::string& head, const std::string& file);

/// Returns those of `paths` that the revision has.
Expected<std::vector<std::string>> paths_at(const std::string& revision,
                                            const std::vector<std::string>& paths);

/// Returns the content of a file at a revision.
Expected<std::string> file_at(const std::string& revision, const std::string& path);

}  // namespace sweep::ci
