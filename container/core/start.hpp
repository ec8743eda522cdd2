// The command lines of the runtimes: how each starts one command in a container.
//
// All give the command: the workspace at workdir, where it runs; the mounts; no home, HOME is /tmp; a /tmp
// and a /dev/shm of its own; the variables that the request names, beside those of the image; the host's
// network and user; no entrypoint of the image.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "container/core/request.hpp"

namespace sweep::container {

/// The folders of one container, made before it starts and removed after its end. Empty where its runtime has
/// its own.
struct Places {
  std::string tmp, shm;  // become /tmp and /dev/shm
  std::string root;  // of bwrap and enroot: where the image's folder is mounted writably, for this one alone
  std::string user;  // "UID:GID" of who starts it
  std::vector<std::string> groups;  // the further groups of who starts it, by number
  std::string rc;                   // of enroot: kRunCommand, in place of what the image would start
};

struct Command {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // NAME=value, all of it
};

/// `environment`: the helper's own, with the values of request.names. Neither Auto nor None.
Command start_command(const StartRequest& request, const Places& places,
                      const std::vector<std::string>& environment);

/// Enroot makes the image's entrypoint a script that it starts with the command as its arguments; this one
/// is started instead.
inline constexpr std::string_view kRunCommand = "exec \"$@\"\n";

/// A file of Places::tmp by which the shell that starts the command tells what became of that, where the
/// runtime cannot: it holds kNotBegun until the shell is there, nothing where the image has no such command,
/// and is gone once the command is.
inline constexpr std::string_view kStartMark = ".slurm-sweep";
inline constexpr std::string_view kNotBegun = "not begun\n";
/// Whether the command is started by such a shell: all but bubblewrap's.
bool tells_by_mark(Runtime runtime);

/// Signals what is in it, where its processes are not children of who started it; SIGKILL ends it. Empty:
/// they are.
std::vector<std::string> signal_command(const StartRequest& request, int signal);

/// Whether the runtime needs Places::shm: it would share the host's otherwise.
bool needs_shm(Runtime runtime);

/// The descriptor on which bwrap tells what became of its start.
inline constexpr int kStatusFd = 3;
/// Whether what it told there says that the command was started.
bool was_set_up(const std::string& status);

}  // namespace sweep::container
