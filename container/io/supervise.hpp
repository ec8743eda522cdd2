// `sweep-agent --contain REQUEST`: runs one command in a container and sees to its end. The agent's benchmark
// or server is this process; it ends as the command ends.
//
//   SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2   go to the command, inside
//   SIGQUIT                                     ends everything in the container at once; also sent by the
//   kernel
//                                               when the agent dies
//
// Rules: nothing of a container is left when this process ends, neither processes nor folders. It is a child
// subreaper, so that what leaves the command's process group comes to it. Should it be killed itself, the
// kernel kills the runtime (PDEATHSIG), and places.hpp's tidy() does the rest.
#pragma once

#include <string>

namespace sweep::container {

/// Returns the exit status, which is kCannotContain where the container could not be set up; then kNoteFd has
/// told why.
int contain(const std::string& request);

inline constexpr int kCannotContain = 125;

}  // namespace sweep::container
