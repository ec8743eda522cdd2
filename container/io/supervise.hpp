// `sweep-agent --contain REQUEST`: runs one command in a container and waits for its end. The agent starts
// this process as its benchmark or server; it exits as the command exits.
//
//   SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2   are passed on to the command in the container
//   SIGQUIT                                     ends everything in the container at once; the kernel sends it
//                                               if the agent dies
//
// Rules: when this process exits, no process and no directory of the container is left. It is a child
// subreaper, so processes that leave the command's process group become its children. If it is killed, the
// kernel kills the runtime (PDEATHSIG), and remove_abandoned_containers() of a later process removes the
// rest.
#pragma once

#include <string>

namespace sweep::container {

inline constexpr int kCannotContain = 125;

/// Runs the request and returns the exit status. Returns kCannotContain if the container could not be set up;
/// the reason has then been written to kNoteFd.
int contain(const std::string& request);

}  // namespace sweep::container
