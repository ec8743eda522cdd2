// Which program runs containers, and what is mounted into them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::container {

enum class Runtime { None, Auto, Pyxis, Enroot, Apptainer, Podman, Docker, Bwrap };

/// The words of a profile, in the order of the kinds.
inline constexpr std::array<std::string_view, 8> kRuntimeWords = {"none",      "auto",   "pyxis",  "enroot",
                                                                  "apptainer", "podman", "docker", "bwrap"};
/// The order in which `auto` tries them: what B200 clusters use comes first, what needs nothing last.
inline constexpr std::array<Runtime, 6> kAutoOrder = {Runtime::Pyxis,  Runtime::Enroot, Runtime::Apptainer,
                                                      Runtime::Podman, Runtime::Docker, Runtime::Bwrap};

std::string_view runtime_word(Runtime runtime);
std::optional<Runtime> runtime_of(std::string_view word);

/// The program of a runtime, looked for in PATH: "srun" for pyxis; empty for none and auto.
std::string_view program_of(Runtime runtime);

struct Mount {
  std::string source, target;  // absolute
  bool read_only = false;
  friend bool operator==(const Mount&, const Mount&) = default;
};

/// SRC:DST[:FLAGS] with the flags ro and rw, joined by + or ,. Fails, naming the value.
Expected<Mount> parse_mount(std::string_view text);
std::string mount_text(const Mount& mount);

}  // namespace sweep::container
