// A sweep whose benchmark is bench-noop: its inputs, and the command that runs it.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/os/process.hpp"

namespace sweep::bench {

/// Writes a matrix of `points` points, one concurrency each, to `path`.
Expected<void> write_noop_matrix(const std::string& path, int points);

/// Returns this process's environment without variables that would change the sweep: no Slurm allocation, no
/// sweep settings, no profile of the user (HOME becomes `home`).
std::vector<std::string> clean_environment(const std::string& home);

/// Returns the command `sweepctl run` with bench-noop for `folder`, which contains matrix.yaml and
/// profile.yaml. `bin`: the directory of the programs. The output directory is folder/results; `log_fd` gets
/// all output.
SpawnSpec noop_sweep_command(const std::string& bin, const std::string& folder, int log_fd);

}  // namespace sweep::bench
