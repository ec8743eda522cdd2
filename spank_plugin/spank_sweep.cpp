// The C interface that Slurm loads: names, options and hooks. It only calls local.hpp (srun, sbatch, salloc)
// and remote.hpp (slurmstepd).
//
// Rules, because this runs inside root daemons: no exception leaves a hook, no threads, no static objects
// with a destructor, nothing exported except what spank_sweep.lds lists. Without --sweep-config or
// --sweep-resume nothing happens. Every hook returns 0: an error would keep slurmd from starting, drain a
// node, or fail other users' tasks, so errors are only logged. If a sweep cannot continue, the plugin ends
// the command (local.hpp) or the task (remote.hpp) itself.
#include <cstdlib>
#include <exception>
#include <string>

#include "spank_plugin/local.hpp"
#include "spank_plugin/options.hpp"
#include "spank_plugin/remote.hpp"
#include "spank_plugin/spank_api.hpp"

// SPANK_PLUGIN defines const objects, which in C++ have internal linkage unless they are declared extern.
#pragma GCC visibility push(default)
extern "C" {
extern const char plugin_name[];
extern const char plugin_type[];
extern const unsigned int plugin_version;
extern const unsigned int spank_plugin_version;
SPANK_PLUGIN(sweep, 1)
}
#pragma GCC visibility pop

// Defined in libstdc++; no header declares it.
namespace __gnu_cxx {
void __freeres() __attribute__((weak));  // NOLINT(bugprone-reserved-identifier)
}

namespace sweep::plugin {
namespace {

// Slurm unloads its plugins and loads them again. The C++ library that is linked in reserves 72 KB for
// exceptions, which would be leaked each time.
__attribute__((destructor)) void unloaded() {
  if (__gnu_cxx::__freeres != nullptr) __gnu_cxx::__freeres();
}

int take_option(int id, const char* value, int remote);

char config_name[] = "sweep-config";
char config_argument[] = "FILE[,FILE]";
char config_usage[] =
    "run the command once for each point of this benchmark matrix, on all tasks (see sweepctl --help)";
char select_name[] = "sweep-select";
char select_argument[] = "ARGS";
char select_usage[] = "select points of the matrix, such as \"--seq-lens 1k1k --model-prefix dsr1\"";
char output_name[] = "sweep-output";
char output_argument[] = "DIR";
char output_usage[] =
    "output directory of the sweep (default: results_<exp-name>_<time>); symbols such as %j are replaced as in "
    "--output";
char profile_name[] = "sweep-profile";
char profile_argument[] = "FILE";
char profile_usage[] = "profile: containers, timeouts, retries and more";
char repeat_name[] = "sweep-repeat";
char repeat_argument[] = "N";
char repeat_usage[] = "run every point N times, in full passes";
char resume_name[] = "sweep-resume";
char resume_argument[] = "auto";
char resume_usage[] =
    "resume the sweep in the --sweep-output directory (--sweep-config is optional); =auto: or start it, if it "
    "was not started yet";
char retry_failed_name[] = "sweep-retry-failed";
char retry_failed_usage[] = "with --sweep-resume: also retry failed points";
char accept_changes_name[] = "sweep-accept-changes";
char accept_changes_usage[] = "with --sweep-resume: resume even if the matrix has changed";

spank_option options[kOptionCount] = {
    {config_name, config_argument, config_usage, 1, kConfig, take_option},
    {select_name, select_argument, select_usage, 1, kSelect, take_option},
    {output_name, output_argument, output_usage, 1, kOutput, take_option},
    {profile_name, profile_argument, profile_usage, 1, kProfile, take_option},
    {repeat_name, repeat_argument, repeat_usage, 1, kRepeat, take_option},
    {resume_name, resume_argument, resume_usage, 2, kResume, take_option},
    {retry_failed_name, nullptr, retry_failed_usage, 0, kRetryFailed, take_option},
    {accept_changes_name, nullptr, accept_changes_usage, 0, kAcceptChanges, take_option},
};

bool is_local(spank_context_t context) {
  return context == S_CTX_LOCAL || context == S_CTX_ALLOCATOR;
}

// Runs `hook` and logs its exceptions. Returns false if there was one.
template <class Hook>
bool guarded(const char* name, Hook hook) noexcept {
  try {
    hook();
    return true;
  } catch (const std::exception& error) {
    slurm_error("sweep: %s: %s", name, error.what());
  } catch (...) {
    slurm_error("sweep: %s: unknown error", name);
  }
  return false;
}

// Runs a hook of srun, sbatch or salloc without which the requested sweep cannot run: an exception ends the
// command.
template <class Hook>
int run_or_exit(const char* name, Hook hook) noexcept {
  if (!guarded(name, hook)) exit(EXIT_FAILURE);
  return 0;
}

int take_option(int id, const char* value, int remote) {
  if (remote != 0 || id < 0 || id >= kOptionCount) return 0;
  return run_or_exit("option", [&] { local::take_option(static_cast<OptionId>(id), value); });
}

void log_complaints(int count, char** words) {
  for (const std::string& complaint :
       parse_settings({words, words + count}, SWEEP_DEFAULT_SWEEPCTL, SWEEP_DEFAULT_AGENT).complaints)
    slurm_error("sweep: %s", complaint.c_str());
}

}  // namespace
}  // namespace sweep::plugin

using namespace sweep::plugin;

extern "C" {

int slurm_spank_init(spank_t spank, int count, char** words) {
  const spank_context_t context = spank_context();
  // slurmd's log is the one that administrators read.
  if (context == S_CTX_SLURMD) guarded("init", [&] { log_complaints(count, words); });
  if (!is_local(context) && context != S_CTX_REMOTE) return 0;
  if (context == S_CTX_REMOTE) remote::drop_stale_variables(spank);
  for (spank_option& option : options) {
    if (spank_option_register(spank, &option) != ESPANK_SUCCESS)
      slurm_error("sweep: Slurm did not accept the option --%s", option.name);
  }
  return 0;
}

int slurm_spank_init_post_opt(spank_t, int count, char** words) {
  if (!is_local(spank_context())) return 0;
  return run_or_exit("init_post_opt", [&] { local::options_complete(count, words); });
}

int slurm_spank_local_user_init(spank_t spank, int count, char** words) {
  if (spank_context() != S_CTX_LOCAL) return 0;
  return run_or_exit("local_user_init", [&] { local::step_known(spank, count, words); });
}

int slurm_spank_user_init(spank_t spank, int, char**) {
  if (spank_context() == S_CTX_REMOTE) remote::step_starts(spank, options);
  return 0;
}

int slurm_spank_task_init(spank_t spank, int count, char** words) {
  if (spank_context() == S_CTX_REMOTE) remote::task_starts(spank, options, count, words);
  return 0;
}

int slurm_spank_exit(spank_t spank, int count, char** words) {
  if (spank_context() == S_CTX_REMOTE) remote::step_ends(spank, count, words);
  if (is_local(spank_context())) guarded("exit", [] { local::command_ends(); });
  return 0;
}

}  // extern "C"
