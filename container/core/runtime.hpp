// The programs that run containers, and mounts.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"

namespace sweep::container {

enum class Runtime { None, Auto, Pyxis, Enroot, Apptainer, Podman, Docker, Bwrap };

/// The words of a profile, in the order of the enumerators.
inline constexpr std::array<std::string_view, 8> kRuntimeWords = {"none",      "auto",   "pyxis",  "enroot",
                                                                  "apptainer", "podman", "docker", "bwrap"};
/// The order in which `auto` tries the runtimes: first the one that B200 clusters use, last the one that
/// needs no daemon, no Slurm plugin and no configuration.
inline constexpr std::array<Runtime, 6> kAutoOrder = {Runtime::Pyxis,  Runtime::Enroot, Runtime::Apptainer,
                                                      Runtime::Podman, Runtime::Docker, Runtime::Bwrap};

std::string_view runtime_word(Runtime runtime);
/// Returns the runtime of a profile's word; std::nullopt if there is no such runtime.
std::optional<Runtime> runtime_of(std::string_view word);
/// Returns the known words for an error message: "none, auto, pyxis, …".
std::string known_runtimes();

/// Returns the name of the runtime's program, which is searched in PATH: "srun" for pyxis; empty for None and
/// Auto.
std::string_view program_of(Runtime runtime);

struct Mount {
  std::string source, target;  // absolute paths, outside and inside
  bool read_only = false;
  friend bool operator==(const Mount&, const Mount&) = default;
};

/// Parses SRC:DST[:FLAGS] with the flags ro and rw, joined by + or ,. Returns an error that names the value.
Expected<Mount> parse_mount(std::string_view text);
/// Returns the mount as "SRC:DST" or "SRC:DST:ro".
std::string mount_text(const Mount& mount);
/// Parses a list of mounts. Returns the error of the first one that is wrong.
Expected<std::vector<Mount>> parse_mounts(const std::vector<std::string>& texts);

}  // namespace sweep::container
