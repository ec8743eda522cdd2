// What the plugin understands: its plugstack.conf arguments, the --sweep options, and the one line that
// `sweepctl serve` answers with; and the command lines it makes of them.
//
// Rules: pure text in, pure text out. No Slurm, no files, no environment. The limits here are the only ones
// on what a child process may make the plugin believe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::plugin {

/// The arguments behind the plugin's name in plugstack.conf.
struct Settings {
  std::string sweepctl;                 // absolute path
  std::string agent;                    // absolute path
  unsigned check_timeout_seconds = 60;  // how long `sweepctl check` may take
  unsigned ready_timeout_seconds = 60;  // how long `sweepctl serve` may take until it listens
  unsigned end_timeout_seconds = 600;   // how long srun's end waits for the controller to write its files
  std::vector<std::string> complaints;  // one line for each argument that was ignored
};

/// Reads plugstack arguments over the built-in paths. Never fails: what it does not understand keeps its
/// default and leaves a line in `complaints`.
Settings parse_settings(const std::vector<std::string>& arguments, std::string_view default_sweepctl,
                        std::string_view default_agent);

/// The options, numbered as Slurm's callback names them.
enum OptionId : int {
  kConfig = 0,
  kSelect = 1,
  kOutput = 2,
  kProfile = 3,
  kResume = 4,  // from here on without a value
  kRetryFailed = 5,
  kAcceptChanges = 6,
  kOptionCount = 7
};

/// The long name without dashes, such as "sweep-config".
std::string_view option_name(OptionId id);

/// The name of the environment variable in which Slurm hands the option to the sruns inside a job.
std::string inherited_variable(OptionId id);

/// What the user asked for. Slurm reports inherited values first, then those of the command line, and calls
/// once more per component of a heterogeneous job, so a new component starts over.
class Options {
 public:
  /// Takes a value as Slurm reports it. `inherited`: what stands in inherited_variable(id) now, or null. The
  /// first report of an option that equals it is the inherited one; any later report is the user's own.
  void take(OptionId id, std::string_view value, const char* inherited);
  /// The reports of one component are complete.
  void end_component();

  /// True when a sweep was asked for: a new one, or that one goes on.
  bool active() const { return values_[kConfig].given || values_[kResume].given; }
  /// True when no --sweep option was given at all.
  bool empty() const;
  /// One line that says what is wrong, or nothing. Call when all options are in.
  std::string problem() const;

  /// The options of `sweepctl check` and `sweepctl serve` that stand for these. Each is one `--name=value` or
  /// `--name` argument, so that a value may begin with a dash. Inherited relative paths are taken from
  /// `submit_dir` (left alone when that is empty); the user's own stay as they are.
  std::vector<std::string> arguments(std::string_view submit_dir) const;

 private:
  struct Value {
    std::string text;
    bool given = false;
    bool inherited = false;
    bool reported = false;  // in this component
  };
  Value values_[kOptionCount];
};

/// `sweepctl check --quiet …`: is what the user asked for sound?
std::vector<std::string> check_command(const std::string& sweepctl,
                                       const std::vector<std::string>& arguments);

/// `sweepctl serve …`: the controller of one step. The numbers are file descriptors in the child.
std::vector<std::string> serve_command(const Settings& settings, int lifeline_fd, int ready_fd,
                                       const std::string& job, const std::vector<std::string>& arguments);

/// False for what is no `srun COMMAND`: the batch script, the extern and the interactive step (the shell that
/// salloc may start through srun), and ids that no step has yet.
bool is_ordinary_step(std::uint32_t step);

/// How a step is written: "12.0".
std::string job_and_step(std::uint32_t job, std::uint32_t step);

/// What the controller's ready line says, or why it is none.
struct Ready {
  std::string endpoint;
  std::string server_key;
  std::string client_secret;
  std::string problem;  // empty: the rest is good. Never contains a key.
};

/// No ready line is longer, its newline included.
inline constexpr std::size_t kReadyLineLimit = 512;
/// No line before it is, and there are no more of them.
inline constexpr std::size_t kSetLineLimit = 65536;
inline constexpr int kMostSetLines = 32;

/// A variable that the step is to have, said before the ready line, or why it cannot be one.
struct Variable {
  std::string name, value;
  std::string problem;  // empty: the rest is good
};

/// Does a line say `set …`?
bool is_set_line(std::string_view line);

/// Parses `set NAME=VALUE`, without the newline. Only what an agent in a container needs may be set.
Variable parse_set_line(std::string_view line);

/// Parses `ready tcp://HOST:PORT KEY KEY`, without the newline. A key is 40 characters of Z85.
Ready parse_ready_line(std::string_view line);

/// Does the command of a step look like `srun --multi-prog FILE`? Slurm gives the plugin then the file's
/// name and its text instead of a command.
bool is_multi_prog(const std::vector<std::string_view>& command);

}  // namespace sweep::plugin
