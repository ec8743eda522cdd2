// One subcommand from its options to its entries: reads the files that the options name, the rest is pure.
#pragma once

#include <string>

#include "controller/matrix/expand.hpp"
#include "controller/matrix/options.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// `name` is one of subcommands(), `options` what parse_options gave for it. Every entry of every file is
/// checked before anything else. Fails with the contract's message.
Expected<Matrix> run_subcommand(const std::string& name, const Options& options);

}  // namespace sweep::matrix
