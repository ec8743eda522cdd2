// Checks at the start of a sweep what it needs at its end: names and paths that file systems and SQLite accept,
// room on the disk, names that no other file has taken, and a benchmark that can be started.
//
// Rules: nothing is written. What this host cannot know, because nodes may have other files, is a warning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "controller/plan/plan.hpp"
#include "util/error.hpp"

namespace sweep {

/// Fails if the name of a file of the sweep would be longer than file systems permit (255 bytes). Gangs, which this
/// version does not run, leave no files.
Expected<void> check_file_names(const Plan& plan);

/// Makes the checks of check_output_dir() for a new sweep, and fails also if the directory has a summary or a
/// collection that sweepctl did not write and would not overwrite, or if the disk is too full for the results.
Expected<void> check_new_output(const std::string& wanted, const Plan& plan);

/// Fails if `free` bytes of a file system are less than small results of this many points need: 16 KiB for each,
/// and 1 MiB.
Expected<void> check_free_bytes(const std::string& directory, std::uint64_t free, std::size_t points);

/// Fails if the directory of a sweep that is resumed has a summary or a collection that sweepctl did not write or
/// that was changed since.
Expected<void> check_resumed_output(const std::string& directory, const Plan& plan);

/// What is known on the submit host of the benchmark's command.
struct BenchmarkCommand {
  std::vector<std::string> words;  // program and arguments; empty, or "sweep-agent": what the profile names
  std::string directory;           // in which srun starts its tasks
};

/// Returns true if the command runs what the profile names.
bool is_from_profile(const BenchmarkCommand& command);

/// Checks whether the benchmark can be started and can leave its result, as far as this host can know that.
/// Fails if a file is here and cannot be started, if a relative path leads to no file, or if the working
/// directory is here and not writable. Appends a line to `warnings` if a program is not found here, although
/// nodes may have it. Programs in container images are not checked.
Expected<void> check_benchmark(const Plan& plan, const BenchmarkCommand& command,
                               std::vector<std::string>& warnings);

}  // namespace sweep
