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

std::string known_runtimes() {
  return join(std::vector<std::string>(kRuntimeWords.begin(), kRuntimeWords.end()), ", ");
}

std::string_view program_of(Runtime runtime) {
  if (runtime == Runtime::None || runtime == Runtime::Auto) return {};
  return runtime == Runtime::Pyxis ? "srun" : runtime_word(runtime);
}

Expected<Mount> parse_mount(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return fail("mount '" + printable(clipped(text, 200)) + "': " + why +
                "; write SOURCE:TARGET or SOURCE:TARGET:ro with two absolute paths");
  };
  if (printable(text) != text) return bad("it contains control characters");
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return bad("it has " + counted(parts.size(), "part"));
  Mount mount{parts[0], parts[1]};
  for (const std::string* path : {&mount.source, &mount.target}) {
    if (!path->starts_with('/')) return bad("'" + *path + "' is not an absolute path");
    // These separate mounts and their flags on the command lines of pyxis, docker and apptainer.
    if (path->find_first_of(",\"") != std::string::npos) return bad("a path contains a comma or a quote");
  }
  if (mount.target.find_first_not_of('/') == std::string::npos)
    return bad("its target is the root directory");
  if (parts.size() == 2) return mount;
  std::string flags = parts[2];
  std::replace(flags.begin(), flags.end(), '+', ',');
  for (const std::string& flag : split(flags, ',')) {
    if (flag != "ro" && flag != "rw") return bad("unknown flag '" + flag + "'; known: ro, rw");
    mount.read_only = flag == "ro";
  }
  return mount;
}

std::string mount_text(const Mount& mount) {
  return mount.source + ":" + mount.target + (mount.read_only ? ":ro" : "");
}

Expected<std::vector<Mount>> parse_mounts(const std::vector<std::string>& texts) {
  std::vector<Mount> out;
  for (const std::string& text : texts) {
    SWEEP_ASSIGN(auto mount, parse_mount(text));
    out.push_back(std::move(mount));
  }
  return out;
}

}  // namespace sweep::container
