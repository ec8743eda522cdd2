// Finds the container runtimes of this node and checks whether they work.
#pragma once

#include <string>
#include <vector>

#include "container/core/runtime.hpp"
#include "util/error.hpp"

namespace sweep::container {

/// A runtime that works on this node.
struct Tool {
  Runtime runtime = Runtime::None;
  std::string path, version;  // of its program
};

/// Returns the path of the program `name` in PATH of `environment`; empty if there is none.
std::string find_program(const std::string& name, const std::vector<std::string>& environment);

/// Finds the runtime's program and tries whether it can start containers here, as far as that is possible
/// without an image. Returns an error that says what is missing. Blocks for at most 20 s per command that it
/// runs.
Expected<Tool> try_runtime(Runtime runtime, const std::vector<std::string>& environment);

/// Returns the first runtime of kAutoOrder that works. Returns an error with the reasons if none does.
Expected<Tool> first_working_runtime(const std::vector<std::string>& environment);

}  // namespace sweep::container
