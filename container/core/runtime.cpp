#include "container/core/runtime.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep::container {

std::string_view runtime_word(Runtime runtime) {
  return kRuntimeWords[static_cast<std::size_t>(runtime)];
}

std::optional<Runtime> runtime_of(std::string_view word) {
  const auto found = std::find(kRuntimeWords.begin(), kRuntimeWords.end(), word);
  if (found == kRuntimeWords.end()) return std::nullopt;
  return static_cast<Runtime>(found - kRuntimeWords.begin());
}

std::string_view program_of(Runtime runtime) {
  if (runtime == Runtime::None || runtime == Runtime::Auto) return {};
  return runtime == Runtime::Pyxis ? "srun" : runtime_word(runtime);
}

Expected<Mount> parse_mount(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return fail("mount '" + printable(clipped(text, 200)) + "': " + why +
                "; a mount is SOURCE:TARGET or SOURCE:TARGET:ro, both absolute paths");
  };
  if (printable(text) != text) return bad("it has control characters");
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return bad("it has " + counted(parts.size(), "part"));
  Mount mount{parts[0], parts[1]};
  for (const std::string* path : {&mount.source, &mount.target}) {
    if (!path->starts_with('/')) return bad("'" + *path + "' is no absolute path");
    // What separates mounts and their flags on the command lines of pyxis, docker and apptainer.
    if (path->find_first_of(",\"") != std::string::npos) return bad("a path has a comma or a quote");
  }
  if (mount.target.find_first_not_of('/') == std::string::npos) return bad("its target is the root");
  if (parts.size() == 2) return mount;
  std::string flags = parts[2];
  std::replace(flags.begin(), flags.end(), '+', ',');
  for (const std::string& flag : split(flags, ',')) {
    if (flag != "ro" && flag != "rw") return bad("unknown flag '" + flag + "'; known are ro and rw");
    mount.read_only = flag == "ro";
  }
  return mount;
}

std::string mount_text(const Mount& mount) {
  return mount.source + ":" + mount.target + (mount.read_only ? ":ro" : "");
}

}  // namespace sweep::container
