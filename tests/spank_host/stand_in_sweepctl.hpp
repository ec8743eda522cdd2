// A sweepctl for the plugin to start, and srun and sbatch as the plugin sees them.
//
// Rules: the stand-in is a shell script that writes down how it was called and then does what the case says.
// Nothing waits for time: what has to last waits for a pipe that never says anything.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/spank_host/case.hpp"
#include "tests/spank_host/stand_in_slurm.hpp"

namespace spank_host {

/// Parts of the keys in kReadyLine that must never be seen on a terminal.
inline constexpr char kServerKeyPart[] = "SSSS";
inline constexpr char kClientKeyPart[] = "cccc";
std::string server_key();
std::string client_key();

/// Shell text for `sweepctl serve`: says that it listens, waits until srun ends, and leaves the file "ended".
std::string good_controller();
/// Shell text that writes `line` to the ready pipe and closes it.
std::string answer(const std::string& line);

class Sweepctl {
 public:
  /// What it does as `check` and as `serve`, in shell. $dir is the folder.
  explicit Sweepctl(const std::string& check = "exit 0", const std::string& serve = good_controller());
  const Folder& folder() const { return folder_; }
  /// For plugstack.conf.
  std::string argument() const { return "sweepctl=" + folder_.path("sweepctl"); }
  /// All words it was called with as "check" or "serve", one call after the other; empty when it never was.
  std::vector<std::string> words(const std::string& command) const {
    return lines(folder_.text(command + ".words"));
  }
  /// The process that ran as `command`, in digits.
  std::string pid(const std::string& command) const;

 private:
  Folder folder_;
};

using Options = std::vector<std::pair<std::string, const char*>>;

/// For bodies. Plays srun or sbatch from init to init_post_opt, with the exit hook at the end of the process.
/// Says "checked" if the plugin lets it go on.
Plugin& start_command(spank_context_t context, const std::vector<std::string>& arguments,
                      const Options& options);
/// srun up to its step: start_command() and local_user_init. Says "step" if the plugin lets it go on.
Plugin& start_srun(const std::vector<std::string>& arguments, const Options& options);

}  // namespace spank_host
