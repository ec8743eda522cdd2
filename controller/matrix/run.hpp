// Runs one subcommand: reads the files that its options name and expands them.
#pragma once

#include <string>

#include "controller/matrix/expand.hpp"
#include "controller/matrix/options.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// Returns the matrix of the subcommand `name`, one of subcommands(), with the options from parse_options.
/// Checks every entry of every file first. Fails with the contract's message.
Expected<Matrix> run_subcommand(const std::string& name, const Options& options);

}  // namespace sweep::matrix
