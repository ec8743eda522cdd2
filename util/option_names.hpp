// Finds the options in a command line by their names, before it is parsed. Pure.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"

namespace sweep {

struct OptionName {
  std::string name;          // "--model", "-h"
  bool needs_value = false;  // false: a flag
  std::string refused = {};  // why the program does not have this option, and what to give; empty: it has it
};

/// How names may be written. Exact: as they are. Argparse: as Python's argparse permits, an option may be
/// abbreviated if only one begins so, and as in vLLM, '_' may stand for '-'.
enum class NameMatching { Exact, Argparse };

/// Returns the arguments with each option's name written in full; those behind "--" are unchanged. Returns an
/// error for the first option that is unknown (it names the nearest known one), ambiguous or refused, or
/// whose value is missing. A value may begin with a dash if it is not an option of this program.
Expected<std::vector<std::string>> with_full_names(const std::vector<std::string>& arguments,
                                                   const std::vector<OptionName>& names,
                                                   NameMatching matching);

}  // namespace sweep
