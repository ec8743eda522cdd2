// See remote.hpp.
#include "spank_plugin/remote.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "proto/base/env_names.hpp"
#include "spank_plugin/options.hpp"

namespace sweep::plugin::remote {
namespace {

constexpr int kNotFound = 127;
constexpr int kCannotRun = 126;

bool is_set(spank_t spank, const char* name) {
  char value[512];
  const spank_err_t error = spank_getenv(spank, name, value, sizeof value);
  return error == ESPANK_SUCCESS || error == ESPANK_NOSPACE;
}

std::string node(spank_t spank) {
  char name[256] = "";
  if (spank_getenv(spank, "SLURMD_NODENAME", name, sizeof name) == ESPANK_SUCCESS && name[0] != '\0')
    return name;
  if (gethostname(name, sizeof name - 1) == 0 && name[0] != '\0') return name;
  return "this node";
}

bool belongs_to_a_sweep(spank_t spank, spank_option* config_option) {
  char* value = nullptr;
  if (spank_option_getopt(spank, config_option, &value) != ESPANK_SUCCESS) return false;
  std::uint32_t step = 0;
  if (spank_get_item(spank, S_JOB_STEPID, &step) != ESPANK_SUCCESS || !is_ordinary_step(step)) return false;
  return is_set(spank, SWEEP_ENV_ENDPOINT);
}

[[noreturn]] void end_task(const std::string& reason, int status) {
  dprintf(STDERR_FILENO, "sweep: %s\n", reason.c_str());
  _exit(status);
}

}  // namespace

int task_starts(spank_t spank, spank_option* config_option, const std::vector<std::string>& arguments) {
  if (!belongs_to_a_sweep(spank, config_option)) return 0;
  int count = 0;
  char** words = nullptr;
  char** environment = nullptr;
  if (spank_get_item(spank, S_JOB_ARGV, &count, &words) != ESPANK_SUCCESS ||
      spank_get_item(spank, S_JOB_ENV, &environment) != ESPANK_SUCCESS) {
    slurm_error("sweep: Slurm does not tell the command or the environment of this task");
    return -1;
  }
  if (is_multi_prog({words, words + count}))
    end_task(
        "srun --multi-prog cannot run a sweep: with --sweep-config every task is an agent and runs one "
        "command",
        kCannotRun);

  Settings settings = parse_settings(arguments, SWEEP_DEFAULT_SWEEPCTL, SWEEP_DEFAULT_AGENT);
  char separator[] = "--";
  std::vector<char*> command = {settings.agent.data(), separator};
  command.insert(command.end(), words, words + count);
  command.push_back(nullptr);
  execve(settings.agent.c_str(), command.data(), environment);
  const int error = errno;
  end_task("cannot run " + settings.agent + " on node " + node(spank) + ": " + strerror(error) +
               "; install slurm-sweep there or set agent=PATH in plugstack.conf",
           error == ENOENT || error == ENOTDIR ? kNotFound : kCannotRun);
}

}  // namespace sweep::plugin::remote
