// The table of the subcommands of `sweepctl matrix` and their options, and for which files each is.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/matrix/options.hpp"

namespace sweep::matrix {

/// Returns the subcommands in the order of the usage text.
std::span<const CommandSpec> subcommands();

/// Returns the names of the subcommands for files of `generation`, in this order.
std::vector<std::string> command_names(Generation generation);

/// Checks the values of options for files of InferenceX against each other. Fails with the message of a usage
/// error.
Expected<void> check_values(const Options& options);

/// Returns full-sweep without --config-files, for callers that know the files already (--sweep-select).
const CommandSpec& selection_command();

/// A pair of input and output lengths, in tokens, that InferenceMAX has a name for.
struct NamedLengths {
  std::string_view name;
  std::int64_t isl, osl;
};
inline constexpr std::array<NamedLengths, 3> kNamedLengths = {{
    {"1k1k", 1024, 1024},
    {"1k8k", 1024, 8192},
    {"8k1k", 8192, 1024},
}};

}  // namespace sweep::matrix
