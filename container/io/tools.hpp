// Which container runtimes this node has, and whether they work.
#pragma once

#include <string>
#include <vector>

#include "container/core/runtime.hpp"
#include "util/error.hpp"

namespace sweep::container {

struct Tool {
  Runtime runtime = Runtime::None;
  std::string path, version;
};

/// The program `name` in PATH of `environment`; empty: it is not there.
std::string find_program(const std::string& name, const std::vector<std::string>& environment);

/// The runtime's program, tried: it can start a container here, as far as that can be told without an image.
/// Fails with what is missing. Takes up to kProbe for each.
Expected<Tool> try_runtime(Runtime runtime, const std::vector<std::string>& environment);

/// The first of kAutoOrder that works. Fails with why none does.
Expected<Tool> first_that_works(const std::vector<std::string>& environment);

}  // namespace sweep::container
