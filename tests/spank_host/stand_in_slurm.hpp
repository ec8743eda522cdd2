// A fake Slurm for the plugin: this test program exports spank_*() and slurm_*() as srun and slurmstepd do
// (stand_in_slurm.cpp), and loads the same file that Slurm loads.
//
// Rules: it behaves as Slurm 22.05 does, including errors. Everything that a case sets is in `slurm`. Each
// case runs in its own process (case.hpp), so that nothing has to be restored.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "spank_plugin/spank_api.hpp"

namespace spank_host {

/// The state of the fake Slurm.
struct Slurm {
  spank_context_t context = S_CTX_LOCAL;
  std::set<std::string> refused_options;  // names that spank_option_register() refuses
  std::set<spank_item_t> withheld;        // items that spank_get_item() refuses
  bool withholds_all = false;             // spank_get_item() refuses all items
  std::uint32_t job = 12;
  std::uint32_t step = 0;
  uid_t uid = 65534;  // S_JOB_UID, and the groups
  gid_t gid = 65534;
  std::vector<std::string> command;  // S_JOB_ARGV
  int count_of_words = -2;           // the reported number of words of the command; -2: the true number
  // S_JOB_ENV, spank_getenv(). In srun: the copy of srun's environment that the tasks get.
  std::vector<std::string> environment;
  std::map<std::string, std::string> options;  // spank_option_getopt(): the options of the step

  std::vector<spank_option*> registered;  // by the plugin
  std::string hook;                       // the hook that is running

  // The operating system.
  bool forks_hang = false;  // a child hangs before its exec
  bool no_pidfd = false;    // as before Linux 5.3
};
extern Slurm slurm;

/// Returns how often this process has called fork().
int forks();

/// The loaded plugin with its arguments in plugstack.conf.
class Plugin {
 public:
  /// Loads the plugin as Slurm does. Ends the process with a message if that fails.
  explicit Plugin(std::vector<std::string> arguments = {});
  /// Returns the address of an exported symbol, or null.
  void* symbol(const char* name) const;
  /// Calls slurm_spank_NAME. If `count` is not -2, it is passed instead of the true number of arguments.
  int hook(const std::string& name, int count = -2);
  /// Unloads it as Slurm does after its last hook.
  void unload();
  /// Passes an option to the plugin as Slurm does once it has parsed it.
  int option(const std::string& name, const char* value, int remote = 0);

 private:
  std::vector<std::string> arguments_;
  void* handle_ = nullptr;
};

}  // namespace spank_host
