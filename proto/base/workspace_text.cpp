#include "proto/base/workspace_text.hpp"

namespace sweep {

std::string unwritable_workspace(const std::string& directory, const std::string& reason) {
  return "cannot write to '" + directory + "', where the benchmark has to leave its result: " + reason +
         "; make the directory writable, or name another one in the profile: workspace: DIR";
}

}  // namespace sweep
