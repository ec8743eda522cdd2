// See remote.hpp.
#include "spank_plugin/remote.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/env_names.hpp"
#include "spank_plugin/child.hpp"
#include "spank_plugin/options.hpp"

namespace sweep::plugin::remote {
namespace {

constexpr int kNotFound = 127;
constexpr int kCannotRun = 126;

bool is_sweep_step = false;  // whether the step of this slurmstepd belongs to a sweep
// Whether it is the batch script of an sbatch with --sweep-config, and does not start a sweep itself.
bool is_batch_without_sweep = false;

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

bool was_given(spank_t spank, spank_option& option) {
  char* value = nullptr;
  return spank_option_getopt(spank, &option, &value) == ESPANK_SUCCESS;
}

bool belongs_to_a_sweep(spank_t spank, spank_option* options) {
  if (!was_given(spank, options[kConfig]) && !was_given(spank, options[kResume])) return false;
  std::uint32_t step = 0;
  if (spank_get_item(spank, S_JOB_STEPID, &step) != ESPANK_SUCCESS || !is_ordinary_step(step)) return false;
  return is_set(spank, SWEEP_ENV_ENDPOINT);
}

// Returns the text of the batch script; "" if it cannot be read or is too large.
std::string batch_script(spank_t spank) {
  constexpr off_t kLargest = 4 << 20;
  int count = 0;
  char** words = nullptr;
  if (spank_get_item(spank, S_JOB_ARGV, &count, &words) != ESPANK_SUCCESS || count < 1) return {};
  const Fd file(open(words[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  struct stat info = {};
  if (file.get() < 0 || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > kLargest)
    return {};
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  const ssize_t got = read(file.get(), text.data(), text.size());
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

bool is_batch_that_starts_no_sweep(spank_t spank, spank_option* options) {
  std::uint32_t step = 0;
  if (!was_given(spank, options[kConfig]) && !was_given(spank, options[kResume])) return false;
  if (spank_get_item(spank, S_JOB_STEPID, &step) != ESPANK_SUCCESS || step != kBatchStep) return false;
  const std::string script = batch_script(spank);
  return !script.empty() && !can_start_sweep(script);
}

// Allocates nothing.
[[noreturn]] __attribute__((format(printf, 2, 3))) void end_task(int status, const char* format, ...) {
  char reason[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  dprintf(STDERR_FILENO, "sweep: %s\n", reason);
  _exit(status);
}

std::string variable(spank_t spank, const char* name) {
  char value[4096];
  return spank_getenv(spank, name, value, sizeof value) == ESPANK_SUCCESS ? value : "";
}

// Returns the command that starts the agent. If pyxis has put this task into an image, the controller has
// provided the path of the agent there, and of the node's dynamic loader, which has to start it.
std::vector<std::string> agent_words(spank_t spank, const Settings& settings) {
  const std::string loader = variable(spank, SWEEP_ENV_LOADER);
  if (loader.empty()) return {settings.agent};
  return {loader, "--library-path", loader.substr(0, loader.rfind('/')), variable(spank, SWEEP_ENV_AGENT)};
}

// Returns errno if the agent cannot be executed, otherwise does not return. A function of its own, so that
// its memory is freed before end_task(), or memcheck would report it.
int exec_agent(std::vector<std::string> agent, int count, char** words, char** environment) {
  agent.emplace_back("--");
  std::vector<char*> command;
  command.reserve(agent.size() + static_cast<std::size_t>(count) + 1);
  for (std::string& word : agent)
    command.push_back(word.data());
  command.insert(command.end(), words, words + count);
  command.push_back(nullptr);
  execve(command[0], command.data(), environment);
  return errno;
}

// Returns what to do if the agent's program is not found: it is not installed, or pyxis has not put the task
// into the image.
const char* remedy(const std::vector<std::string>& agent) {
  return agent.size() == 1
             ? "install slurm-sweep there, or set agent=PATH in plugstack.conf"
             : "the profile runs agents in an image, which requires pyxis 0.21 or newer, its line in "
               "plugstack.conf before that of slurm-sweep, and srun without --container-mounts and without "
               "an --export that lacks ALL";
}

[[noreturn]] void become_agent(spank_t spank, const std::vector<std::string>& arguments) {
  int count = 0;
  char** words = nullptr;
  char** environment = nullptr;
  if (spank_get_item(spank, S_JOB_ARGV, &count, &words) != ESPANK_SUCCESS ||
      spank_get_item(spank, S_JOB_ENV, &environment) != ESPANK_SUCCESS)
    end_task(kCannotRun, "Slurm did not provide the command or the environment of this task");
  if (is_multi_prog({words, words + count}))
    end_task(
        kCannotRun,
        "srun --multi-prog cannot run a sweep, because every task of a sweep runs the same command; remove "
        "--multi-prog");

  const Settings settings = parse_settings(arguments, SWEEP_DEFAULT_SWEEPCTL, SWEEP_DEFAULT_AGENT);
  const std::vector<std::string> agent = agent_words(spank, settings);
  const int error = exec_agent(agent, count, words, environment);
  end_task(error == ENOENT || error == ENOTDIR ? kNotFound : kCannotRun, "cannot run %s on node %s: %s; %s",
           agent[0].c_str(), node(spank).c_str(), strerror(error), remedy(agent));
}

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  int groups = 0;
  gid_t* list = nullptr;
};

bool user_of(spank_t spank, User& user) {
  return spank_get_item(spank, S_JOB_UID, &user.uid) == ESPANK_SUCCESS &&
         spank_get_item(spank, S_JOB_GID, &user.gid) == ESPANK_SUCCESS &&
         spank_get_item(spank, S_JOB_SUPPLEMENTARY_GIDS, &user.list, &user.groups) == ESPANK_SUCCESS;
}

// Returns the environment for `sweep-agent --tidy`: what identifies the step and what container runtimes
// need. The rest of the job's, LD_PRELOAD and PATH in particular, is the user's choice for tasks.
std::vector<std::string> tidy_environment(char** job) {
  constexpr std::string_view kKept[] = {"CONTAINER_HOST",
                                        "DBUS_SESSION_BUS_ADDRESS",
                                        "DOCKER_CONFIG",
                                        "DOCKER_HOST",
                                        "HOME",
                                        "LOGNAME",
                                        "SLURMD_NODENAME",
                                        "SLURM_CONF",
                                        "SLURM_JOB_ID",
                                        "SLURM_STEP_ID",
                                        "TMPDIR",
                                        "USER",
                                        "XDG_CONFIG_HOME",
                                        "XDG_DATA_HOME",
                                        "XDG_RUNTIME_DIR"};
  std::vector<std::string> out = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  for (; *job != nullptr; ++job) {
    const std::string_view entry = *job;
    const std::string_view name = entry.substr(0, entry.find('='));
    for (const std::string_view kept : kKept) {
      if (name == kept) out.emplace_back(entry);
    }
  }
  return out;
}

// Runs in the child. Allocates nothing. Signals stay blocked as slurmstepd has blocked them: at the end of a step it
// sends SIGTERM to all processes that it has started.
[[noreturn]] void tidy_up(const User& user, char** argv, char** environment) {
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd)
    dup2(null, fd);
  close_from(STDERR_FILENO + 1);  // slurmstepd's
  const bool root = geteuid() == 0;
  const bool became = !root || (setgroups(static_cast<std::size_t>(user.groups), user.list) == 0 &&
                                setgid(user.gid) == 0 && setuid(user.uid) == 0);
  if (became && getuid() == user.uid) execve(argv[0], argv, environment);
  _exit(kNotFound);
}

void tidy(spank_t spank, const std::vector<std::string>& arguments) {
  User user;
  char** environment = nullptr;
  if (!user_of(spank, user) || spank_get_item(spank, S_JOB_ENV, &environment) != ESPANK_SUCCESS) return;
  Settings settings = parse_settings(arguments, SWEEP_DEFAULT_SWEEPCTL, SWEEP_DEFAULT_AGENT);
  std::vector<std::string> entries = tidy_environment(environment);
  std::vector<char*> clean;
  for (std::string& entry : entries)
    clean.push_back(entry.data());
  clean.push_back(nullptr);
  char option[] = "--tidy";
  char* argv[] = {settings.agent.data(), option, nullptr};
  const pid_t pid = fork();
  if (pid == 0) tidy_up(user, argv, clean.data());
  if (pid > 0 && wait_child(pid, in_seconds(kTidySeconds)).late) stop_child(pid, 1);
}

}  // namespace

void drop_stale_variables(spank_t spank) noexcept {
  char list[8192];
  if (spank_getenv(spank, SWEEP_ENV_UNSET, list, sizeof list) != ESPANK_SUCCESS) return;
  char* rest = list;
  while (const char* const name = strsep(&rest, ",")) {
    const std::string_view text = name;
    const bool ours = text.substr(0, sizeof SWEEP_ENV_PREFIX - 1) == SWEEP_ENV_PREFIX ||
                      text.substr(0, sizeof SWEEP_ENV_PYXIS_PREFIX - 1) == SWEEP_ENV_PYXIS_PREFIX;
    if (ours) spank_unsetenv(spank, name);
  }
  spank_unsetenv(spank, SWEEP_ENV_UNSET);
}

void step_starts(spank_t spank, spank_option* options) noexcept {
  drop_stale_variables(spank);  // if Slurm did not permit it in init
  is_sweep_step = belongs_to_a_sweep(spank, options);
  try {
    is_batch_without_sweep = is_batch_that_starts_no_sweep(spank, options);
  } catch (...) {  // it is only for a message
  }
}

void step_ends(spank_t spank, int count, char** words) noexcept {
  if (is_batch_without_sweep)  // slurmstepd's messages are in the output of the job
    slurm_error(
        "sweep: no sweep was run by this batch script, unless a program that it calls has run srun: the script "
        "has neither srun nor sweepctl, and --sweep-config of sbatch is for each srun; put srun before the "
        "benchmark");
  if (!is_sweep_step) return;
  try {
    tidy(spank, {words, words + count});
  } catch (...) {  // errors are ignored, see remote.hpp
  }
}

void task_starts(spank_t spank, spank_option* options, int count, char** words) noexcept {
  if (!belongs_to_a_sweep(spank, options)) return;
  try {
    become_agent(spank, {words, words + count});
  } catch (const std::exception& error) {
    end_task(kCannotRun, "cannot start the agent: %s", error.what());
  } catch (...) {
    end_task(kCannotRun, "cannot start the agent");
  }
}

}  // namespace sweep::plugin::remote
