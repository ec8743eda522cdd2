// The options that several commands share. They only fill in a SweepRequest
// (controller/io/sweep_request.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/io/sweep_request.hpp"
#include "util/command_line.hpp"

namespace sweep::cli {

/// Returns an environment variable; "" if it is not set.
std::string variable(const char* name);

/// Returns what the symbols in the name of an output directory stand for in this session, whose job and step
/// are in `origin`. If srun made the job, Slurm is asked for its name if `pattern` has %x.
PatternValues pattern_values(const std::string& pattern, const SessionOrigin& origin);

/// Adds --select, --repeat, --output, --profile and the options of a resume; if `config_option`, also
/// --config, which may be repeated.
void add_sweep_options(CommandLine& app, SweepRequest& request, bool config_option);

/// Removes "--" and the words after it, the command of a benchmark, from `arguments` and returns that command;
/// std::nullopt if there is no "--".
std::optional<std::vector<std::string>> take_benchmark(std::vector<std::string>& arguments);

/// Adds the positional DIR.
void add_directory(CommandLine& app, std::string& directory, const std::string& help);
/// The same for commands that InferenceMAX's tools do not have. For those "" is the current directory; here it is
/// an error.
void add_sweep_directory(CommandLine& app, std::string& directory, const std::string& help);
/// Fails, with the reason, if results cannot be in `directory` because it is no directory.
Expected<void> check_results_directory(const std::string& directory);
/// Adds the positional EXP: the name of the experiment, which is part of the names of the files written.
void add_exp_name(CommandLine& app, std::string& exp_name);

/// If root works in another user's folder, becomes that user and prints a note
/// (controller/io/folder_owner.hpp). Returns false, with an error printed, if that fails.
bool enter_as_owner(const std::string& directory);

/// Returns "out/" and "./out" as "out", because paths of results are compared as text.
std::string plain_path(const std::string& directory);

/// Returns what is wrong with the combination of options; std::nullopt if nothing is. `usage`: how to name
/// the files, for the message.
std::optional<std::string> usage_error(const SweepRequest& request, const std::string& usage);

}  // namespace sweep::cli
