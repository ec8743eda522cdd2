// A fake sweepctl for the plugin to start, and functions that act as srun and sbatch.
//
// Rules: the fake is a shell script that records how it was called and then runs the commands of the case.
// Nothing sleeps: what has to last waits for a pipe into which nothing is written.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/spank_host/case.hpp"
#include "tests/spank_host/stand_in_slurm.hpp"

namespace spank_host {

/// Parts of the keys in the ready line that must never be printed.
inline constexpr char kServerKeyPart[] = "SSSS";
inline constexpr char kClientKeyPart[] = "cccc";
std::string server_key();
std::string client_key();

/// Shell text for `sweepctl serve`: writes the ready line, waits until srun ends, and writes the file
/// "ended".
std::string good_controller();
/// Shell text that writes `line` to the ready pipe and closes it.
std::string answer(const std::string& line);

class Sweepctl {
 public:
  /// `check`, `serve`: the shell commands that these run. $dir is the folder.
  explicit Sweepctl(const std::string& check = "exit 0", const std::string& serve = good_controller());
  const Folder& folder() const { return folder_; }
  /// For plugstack.conf.
  std::string argument() const { return "sweepctl=" + folder_.path("sweepctl"); }
  /// Returns the arguments of all calls of "check" or "serve"; empty if there was none.
  std::vector<std::string> words(const std::string& command) const {
    return lines(folder_.text(command + ".words"));
  }
  /// Returns the process id of the last call of `command`, in digits.
  std::string pid(const std::string& command) const;

 private:
  Folder folder_;
};

using Options = std::vector<std::pair<std::string, const char*>>;

/// For bodies. Acts as srun or sbatch from init to init_post_opt, with the exit hook at the end of the
/// process. Prints "checked" if the plugin lets it continue.
Plugin& start_command(spank_context_t context, const std::vector<std::string>& arguments,
                      const Options& options);
/// Acts as srun up to its step: start_command() and local_user_init. Prints "step" if the plugin lets it
/// continue.
Plugin& start_srun(const std::vector<std::string>& arguments, const Options& options);

}  // namespace spank_host
