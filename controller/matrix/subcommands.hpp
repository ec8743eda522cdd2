// The table of the five subcommands of `sweepctl matrix` and their options.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "controller/matrix/options.hpp"

namespace sweep::matrix {

/// Returns the subcommands in the order of the usage text.
std::span<const CommandSpec> subcommands();

/// Returns full-sweep without --config-files, for callers that know the files already (--sweep-select).
const CommandSpec& selection_command();

/// A named pair of input and output lengths, in tokens.
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
