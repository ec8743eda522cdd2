// See stand_in_slurm.hpp.
#include "tests/spank_host/stand_in_slurm.hpp"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

struct spank_handle {};

namespace spank_host {

Slurm slurm;

namespace {

// A plain number in some versions of spank.h.
constexpr auto kSuccess = static_cast<spank_err_t>(ESPANK_SUCCESS);

spank_handle handle;
int fork_count = 0;

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words)
    result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

/// Adds the entries of this process's environment to the job's, as srun does: a variable that was removed in
/// between stays.
void merge_environment() {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry, start = text.substr(0, text.find('=') + 1);
    std::erase_if(slurm.environment,
                  [&](const std::string& old) { return old.compare(0, start.size(), start) == 0; });
    slurm.environment.push_back(text);
  }
}

const char* job_variable(const std::string& name) {
  for (const std::string& entry : slurm.environment) {
    if (entry.compare(0, name.size() + 1, name + "=") == 0) return entry.c_str() + name.size() + 1;
  }
  return nullptr;
}

void log_line(const char* prefix, const char* format, va_list arguments) {
  std::fputs(prefix, stderr);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
}

}  // namespace

int forks() {
  return fork_count;
}

Plugin::Plugin(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
  handle_ = dlopen(SPANK_HOST_PLUGIN, RTLD_LAZY);
  if (handle_ != nullptr) return;
  std::fprintf(stderr, "%s\n", dlerror());
  std::_Exit(99);
}

void* Plugin::symbol(const char* name) const {
  return dlsym(handle_, name);
}

int Plugin::hook(const std::string& name, int count) {
  const auto function =
      reinterpret_cast<int (*)(spank_t, int, char**)>(symbol(("slurm_spank_" + name).c_str()));
  if (function == nullptr) return 98;
  std::vector<char*> words = pointers(arguments_);
  slurm.hook = name;
  const bool local_step = slurm.context == S_CTX_LOCAL && name == "local_user_init";
  // pre_launch_srun_job() of srun: the environment was copied when the step was created.
  if (local_step) merge_environment();
  const int result =
      function(&handle, count == -2 ? static_cast<int>(arguments_.size()) : count, words.data());
  if (local_step) merge_environment();
  return result;
}

void Plugin::unload() {
  dlclose(handle_);
}

int Plugin::option(const std::string& name, const char* value, int remote) {
  for (const spank_option* option : slurm.registered) {
    if (name == option->name) return option->cb(option->val, value, remote);
  }
  return 97;
}

}  // namespace spank_host

using namespace spank_host;

extern "C" {

// Interposes on the libc function that the plugin calls, to count its processes.
pid_t fork() noexcept {
  ++fork_count;
  static const auto real = reinterpret_cast<pid_t (*)()>(dlsym(RTLD_NEXT, "fork"));
  const pid_t pid = real();
  while (pid == 0 && slurm.forks_hang)
    pause();
  return pid;
}

long syscall(long number, ...) noexcept {
  static const auto real = reinterpret_cast<long (*)(long, ...)>(dlsym(RTLD_NEXT, "syscall"));
  if (number == SYS_pidfd_open && slurm.no_pidfd) {
    errno = ENOSYS;
    return -1;
  }
  va_list arguments;
  va_start(arguments, number);
  long words[6];
  for (long& word : words)
    word = va_arg(arguments, long);
  va_end(arguments);
  return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

spank_context_t spank_context() {
  return slurm.context;
}

int spank_remote(spank_t) {
  return slurm.context == S_CTX_REMOTE ? 1 : 0;
}

spank_err_t spank_option_register(spank_t, spank_option* option) {
  if (slurm.refused_options.count(option->name) != 0) return ESPANK_BAD_ARG;
  slurm.registered.push_back(option);
  return kSuccess;
}

spank_err_t spank_option_getopt(spank_t, spank_option* option, char** value) {
  if (option == nullptr || option->name == nullptr || (option->has_arg != 0 && value == nullptr))
    return ESPANK_BAD_ARG;
  // As observed with 22.05 in slurmstepd.
  if (slurm.hook == "init_post_opt" || slurm.hook == "exit") return ESPANK_NOT_AVAIL;
  const auto found = slurm.options.find(option->name);
  if (found == slurm.options.end()) return ESPANK_ERROR;
  if (value != nullptr) *value = found->second.data();
  return kSuccess;
}

spank_err_t spank_get_item(spank_t, spank_item_t item, ...) {
  static std::vector<char*> command;
  static std::vector<char*> environment;
  if (slurm.withholds_all || slurm.withheld.count(item) != 0) return ESPANK_NOT_AVAIL;
  va_list arguments;
  va_start(arguments, item);
  spank_err_t result = kSuccess;
  switch (item) {
    case S_JOB_ID:
      *va_arg(arguments, std::uint32_t*) = slurm.job;
      break;
    case S_JOB_STEPID:
      *va_arg(arguments, std::uint32_t*) = slurm.step;
      break;
    case S_JOB_UID:
      *va_arg(arguments, uid_t*) = slurm.uid;
      break;
    case S_JOB_GID:
      *va_arg(arguments, gid_t*) = slurm.gid;
      break;
    case S_JOB_SUPPLEMENTARY_GIDS:
      *va_arg(arguments, gid_t**) = &slurm.gid;
      *va_arg(arguments, int*) = 1;
      break;
    case S_JOB_ARGV:
      if (slurm.context != S_CTX_REMOTE) {
        result = ESPANK_NOT_REMOTE;
        break;
      }
      command = pointers(slurm.command);
      *va_arg(arguments, int*) =
          slurm.count_of_words == -2 ? static_cast<int>(slurm.command.size()) : slurm.count_of_words;
      *va_arg(arguments, char***) = command.data();
      break;
    case S_JOB_ENV:
      if (slurm.context != S_CTX_REMOTE) {
        result = ESPANK_NOT_REMOTE;
        break;
      }
      environment = pointers(slurm.environment);
      *va_arg(arguments, char***) = environment.data();
      break;
    default:
      result = ESPANK_BAD_ARG;
  }
  va_end(arguments);
  return result;
}

spank_err_t spank_getenv(spank_t, const char* name, char* buffer, int size) {
  if (slurm.context != S_CTX_REMOTE) return ESPANK_NOT_REMOTE;
  if (size < 0) return ESPANK_BAD_ARG;
  const char* const value = job_variable(name);
  if (value == nullptr) return ESPANK_ENV_NOEXIST;
  const int length = std::snprintf(buffer, static_cast<std::size_t>(size), "%s", value);
  return length >= size ? ESPANK_NOSPACE : kSuccess;
}

spank_err_t spank_setenv(spank_t spank, const char* name, const char* value, int overwrite) {
  if (slurm.context != S_CTX_REMOTE) return ESPANK_NOT_REMOTE;
  if (job_variable(name) != nullptr && overwrite == 0) return ESPANK_ENV_EXISTS;
  spank_unsetenv(spank, name);
  slurm.environment.push_back(std::string(name) + "=" + value);
  return kSuccess;
}

spank_err_t spank_unsetenv(spank_t, const char* name) {
  if (slurm.context != S_CTX_REMOTE) return ESPANK_NOT_REMOTE;
  const std::string start = std::string(name) + "=";
  std::erase_if(slurm.environment,
                [&](const std::string& entry) { return entry.compare(0, start.size(), start) == 0; });
  return kSuccess;
}

const char* spank_strerror(spank_err_t) {
  return "stand-in error";
}

#define SPANK_HOST_LOG(name, prefix)     \
  void name(const char* format, ...) {   \
    va_list arguments;                   \
    va_start(arguments, format);         \
    log_line(prefix, format, arguments); \
    va_end(arguments);                   \
  }
SPANK_HOST_LOG(slurm_error, "error: ")
SPANK_HOST_LOG(slurm_info, "")
SPANK_HOST_LOG(slurm_verbose, "verbose: ")
SPANK_HOST_LOG(slurm_debug, "debug: ")
SPANK_HOST_LOG(slurm_debug2, "debug2: ")
SPANK_HOST_LOG(slurm_debug3, "debug3: ")
SPANK_HOST_LOG(slurm_spank_log, "")

}  // extern "C"
