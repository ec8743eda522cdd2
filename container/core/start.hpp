// The command lines with which the runtimes run one command in a container.
//
// Every runtime gives the command the same surroundings:
// - the workspace at workdir, which is the working directory, and the mounts of the profile;
// - no home directory: HOME is /tmp; a private /tmp and a private /dev/shm;
// - the variables that the request names, in addition to those of the image;
// - the network and the user of the host, and no entrypoint of the image.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "container/core/request.hpp"

namespace sweep::container {

/// The directories of one container. They are made before it starts and removed after its end. A path is
/// empty if the runtime provides that directory itself.
struct ContainerFolders {
  std::string tmp, shm;  // mounted at /tmp and /dev/shm
  std::string root;      // bwrap and enroot: where the image is mounted writably, for this container only
  std::string user;      // "UID:GID" of the user who starts it
  std::vector<std::string> groups;  // supplementary groups of that user, as numbers
  std::string rc;                   // enroot: a file with kRunCommand, which replaces the image's entrypoint
};

struct Command {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // the complete environment as NAME=value
};

/// Returns the command line for request.runtime, which must not be Auto or None. `environment` is the
/// helper's own environment, with the values of request.container.names.
Command start_command(const StartRequest& request, const ContainerFolders& folders,
                      const std::vector<std::string>& environment);

/// The content of ContainerFolders::rc. Enroot turns the image's entrypoint into a script that gets the
/// command as its arguments; this script is used instead and only runs the command.
inline constexpr std::string_view kRunCommand = "exec \"$@\"\n";

/// A file in ContainerFolders::tmp that shows how far the start of the command got, for runtimes that do not
/// report it. It contains kNotBegun until the shell in the container runs, is empty if the image does not
/// have the command, and is removed just before the command starts.
inline constexpr std::string_view kStartMark = ".slurm-sweep";
inline constexpr std::string_view kNotBegun = "not begun\n";
/// Returns true if the runtime uses the file kStartMark: all but bubblewrap, which reports on kStatusFd.
bool uses_start_mark(Runtime runtime);

/// Returns a command that sends `signal` to the container's processes, and for SIGKILL removes the container.
/// Empty if the processes are children of the caller, who then signals them directly.
std::vector<std::string> signal_command(const StartRequest& request, int signal);

/// Returns true if the runtime needs ContainerFolders::shm because it would otherwise share the host's
/// /dev/shm.
bool needs_shm(Runtime runtime);

/// The descriptor on which bwrap reports its status as JSON.
inline constexpr int kStatusFd = 3;
/// Returns true if `status`, read from kStatusFd, shows that the command was started.
bool was_set_up(const std::string& status);

}  // namespace sweep::container
