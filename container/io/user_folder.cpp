#include "container/io/user_folder.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "util/os/private_folder.hpp"

namespace sweep::container {

Expected<std::string> user_folder(const std::string& base) {
  const char* const tmp = std::getenv("TMPDIR");
  const std::string folder = !base.empty() ? base : tmp != nullptr && tmp[0] == '/' ? tmp : "/tmp";
  SWEEP_ASSIGN(const auto own, private_folder(folder, "slurm-sweep-" + std::to_string(::geteuid())));
  if (!own.note.empty()) std::fprintf(stderr, "sweep-agent: %s\n", own.note.c_str());
  return own.path;
}

}  // namespace sweep::container
