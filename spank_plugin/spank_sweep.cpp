// The C interface that Slurm loads: names, options and hooks. Only hands over to local.hpp (srun, sbatch,
// salloc) and remote.hpp (slurmstepd).
//
// Rules, because this runs inside root daemons: no exception leaves a hook, no thread, no static object with
// a destructor, nothing exported but what spank_sweep.lds lists. Without --sweep-config nothing happens.
#include <exception>
#include <string>
#include <vector>

#include "spank_plugin/local.hpp"
#include "spank_plugin/options.hpp"
#include "spank_plugin/remote.hpp"
#include "spank_plugin/spank_api.hpp"

// SPANK_PLUGIN defines const objects, which in C++ are not seen from outside unless declared so.
#pragma GCC visibility push(default)
extern "C" {
extern const char plugin_name[];
extern const char plugin_type[];
extern const unsigned int plugin_version;
extern const unsigned int spank_plugin_version;
SPANK_PLUGIN(sweep, 1)
}
#pragma GCC visibility pop

namespace sweep::plugin {
namespace {

int take_option(int id, const char* value, int remote);

char config_name[] = "sweep-config";
char config_argument[] = "FILE[,FILE]";
char config_usage[] =
    "run the command once per point of this benchmark matrix, spread over all tasks (see sweepctl --help)";
char select_name[] = "sweep-select";
char select_argument[] = "ARGS";
char select_usage[] = "which points of the matrix, such as \"--seq-lens 1k1k --model-prefix dsr1\"";
char output_name[] = "sweep-output";
char output_argument[] = "DIR";
char output_usage[] = "where the sweep's results go (default: results_<exp-name>_<time>)";
char profile_name[] = "sweep-profile";
char profile_argument[] = "FILE";
char profile_usage[] = "how benchmarks are run here: containers, timeouts, retries";

spank_option options[kOptionCount] = {
    {config_name, config_argument, config_usage, 1, kConfig, take_option},
    {select_name, select_argument, select_usage, 1, kSelect, take_option},
    {output_name, output_argument, output_usage, 1, kOutput, take_option},
    {profile_name, profile_argument, profile_usage, 1, kProfile, take_option},
};

// Runs `hook`; what it throws ends here as a failed hook.
template <class Hook>
int guarded(const char* name, Hook hook) noexcept {
  try {
    return hook();
  } catch (const std::exception& error) {
    slurm_error("sweep: %s: %s", name, error.what());
  } catch (...) {
    slurm_error("sweep: %s: unknown error", name);
  }
  return -1;
}

bool is_local(spank_context_t context) {
  return context == S_CTX_LOCAL || context == S_CTX_ALLOCATOR;
}

std::vector<std::string> plugstack_arguments(int count, char** words) {
  return {words, words + count};
}

int take_option(int id, const char* value, int remote) {
  return guarded("option", [&] {
    if (remote == 0 && id >= 0 && id < kOptionCount) local::take_option(static_cast<OptionId>(id), value);
    return 0;
  });
}

}  // namespace
}  // namespace sweep::plugin

using namespace sweep::plugin;

extern "C" {

int slurm_spank_init(spank_t spank, int count, char** words) {
  return guarded("init", [&] {
    const spank_context_t context = spank_context();
    if (context == S_CTX_SLURMD) {  // its log is where the administrator looks
      for (const std::string& complaint :
           parse_settings(plugstack_arguments(count, words), SWEEP_DEFAULT_SWEEPCTL, SWEEP_DEFAULT_AGENT)
               .complaints)
        slurm_error("sweep: %s", complaint.c_str());
    }
    if (!is_local(context) && context != S_CTX_REMOTE) return 0;
    for (spank_option& option : options) {
      if (spank_option_register(spank, &option) != ESPANK_SUCCESS) {
        slurm_error("sweep: Slurm does not take the option --%s", option.name);
        return -1;
      }
    }
    return 0;
  });
}

int slurm_spank_init_post_opt(spank_t, int count, char** words) {
  return guarded("init_post_opt", [&] {
    if (is_local(spank_context())) local::options_complete(plugstack_arguments(count, words));
    return 0;
  });
}

int slurm_spank_local_user_init(spank_t spank, int count, char** words) {
  return guarded("local_user_init", [&] {
    if (spank_context() == S_CTX_LOCAL) local::step_known(spank, plugstack_arguments(count, words));
    return 0;
  });
}

int slurm_spank_task_init(spank_t spank, int count, char** words) {
  return guarded("task_init", [&] {
    if (spank_context() != S_CTX_REMOTE) return 0;
    return remote::task_starts(spank, &options[kConfig], plugstack_arguments(count, words));
  });
}

int slurm_spank_exit(spank_t, int, char**) {
  return guarded("exit", [] {
    if (is_local(spank_context())) local::command_ends();
    return 0;
  });
}

}  // extern "C"
