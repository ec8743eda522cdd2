// Runs one subcommand: reads the files that its options name and expands them.
#pragma once

#include <string>
#include <vector>

#include "controller/matrix/expand.hpp"
#include "controller/matrix/options.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// Who asks for the matrix: InferenceMAX's command line, whose rules the contract defines, or a sweep.
enum class Caller { Command, Sweep };

/// Returns the matrix of the subcommand `name`, one of subcommands(), with the options from parse_options.
/// Checks every entry of every file first. Fails with the contract's message. In a sweep, --runner-type selects
/// by the entries' own runner types if there is no --runner-config. Appends to `warnings`, if given, one line for
/// each thing in the files that has no effect.
Expected<Matrix> run_subcommand(const std::string& name, const Options& options,
                                Caller caller = Caller::Command,
                                std::vector<std::string>* warnings = nullptr);

}  // namespace sweep::matrix
