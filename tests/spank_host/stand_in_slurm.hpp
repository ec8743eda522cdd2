// What the plugin sees of Slurm, played by this test program: it exports spank_*() and slurm_*() as srun and
// slurmstepd do (stand_in_slurm.cpp), and loads the very file that Slurm loads.
//
// Rules: answers as Slurm 22.05 does, errors included. Everything a case sets stands in `slurm`, and each
// case runs in a process of its own (case.hpp), so that nothing is ever put back.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "spank_plugin/spank_api.hpp"

namespace spank_host {

/// The Slurm that the plugin finds itself in.
struct Slurm {
  spank_context_t context = S_CTX_LOCAL;
  std::set<std::string> refused_options;  // spank_option_register() says no to these
  std::set<spank_item_t> withheld;        // spank_get_item() says no to these
  bool withholds_all = false;             // … to everything
  std::uint32_t job = 12;
  std::uint32_t step = 0;
  uid_t uid = 65534;  // S_JOB_UID, and the groups
  gid_t gid = 65534;
  std::vector<std::string> command;      // S_JOB_ARGV
  int count_of_words = -2;               // … and how many words it says that has; -2: as many as it has
  std::vector<std::string> environment;  // S_JOB_ENV, spank_getenv()
  std::map<std::string, std::string> options;  // spank_option_getopt(): what the step was started with

  std::vector<spank_option*> registered;  // by the plugin
  std::string hook;                       // that is running

  // The system below.
  bool forks_hang = false;  // a child never gets to its exec
  bool no_pidfd = false;    // as before Linux 5.3
};
extern Slurm slurm;

/// How often this process has called fork().
int forks();

/// The loaded plugin with the arguments that plugstack.conf has behind its name.
class Plugin {
 public:
  /// Loads the plugin as Slurm does. Ends the process with a message when that fails.
  explicit Plugin(std::vector<std::string> arguments = {});
  /// The address of an exported symbol, or null.
  void* symbol(const char* name) const;
  /// Calls slurm_spank_NAME. `count` other than -2 is handed over in place of the true number of arguments.
  int hook(const std::string& name, int count = -2);
  /// Hands over an option as Slurm does once it has parsed it.
  int option(const std::string& name, const char* value, int remote = 0);

 private:
  std::vector<std::string> arguments_;
  void* handle_ = nullptr;
};

}  // namespace spank_host
