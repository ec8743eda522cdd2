// The texts that the plugin parses (its plugstack.conf arguments, the --sweep options, the lines that
// `sweepctl serve` writes) and the command lines that it makes.
//
// Rules: text in, text out. No Slurm, no files, no environment. What a child process sends is validated here
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::plugin {

/// The arguments after the plugin's name in plugstack.conf.
struct Settings {
  std::string sweepctl;                 // absolute path
  std::string agent;                    // absolute path
  unsigned check_timeout_seconds = 60;  // how long `sweepctl check` may take
  unsigned ready_timeout_seconds = 60;  // how long `sweepctl serve` may take until it listens
  unsigned end_timeout_seconds = 600;  // how long srun waits at its end for the controller to write its files
  std::vector<std::string> complaints;  // one line for each argument that was ignored
};

/// Parses plugstack.conf arguments; they override the built-in paths. Does not fail: an invalid argument is
/// ignored and adds a line to `complaints`.
Settings parse_settings(const std::vector<std::string>& arguments, std::string_view default_sweepctl,
                        std::string_view default_agent);

/// The options, numbered as Slurm's callback names them.
enum OptionId : int {
  kConfig = 0,
  kSelect = 1,
  kOutput = 2,
  kProfile = 3,
  kRepeat = 4,
  kResume = 5,       // its value is optional
  kRetryFailed = 6,  // this and the following have no value
  kAcceptChanges = 7,
  kOptionCount = 8
};

/// Returns the long name without dashes, such as "sweep-config".
std::string_view option_name(OptionId id);

/// Returns the environment variable through which Slurm passes the option to the sruns inside a job.
std::string inherited_variable(OptionId id);

/// The options that the user has given. Slurm reports inherited values first, then those of the command line.
/// It does so once for each component of a heterogeneous job, so each component starts over.
class Options {
 public:
  /// Takes a value as Slurm reports it. `inherited`: the present value of inherited_variable(id), or null. If
  /// the first report of an option equals it, that report is the inherited value; later reports are from the
  /// command line.
  void take(OptionId id, std::string_view value, const char* inherited);
  /// To be called when all reports of one component have been taken.
  void end_component();

  /// Returns true if a sweep is to be started or resumed.
  bool active() const { return values_[kConfig].given || values_[kResume].given; }
  /// Returns true if no --sweep option was given.
  bool empty() const;
  /// Returns one line about what is wrong with the options; "" if nothing is. Call after end_component().
  std::string problem() const;

  /// Returns the corresponding options of `sweepctl check` and `sweepctl serve`. Each is one `--name=value`
  /// or `--name` argument, so that a value may begin with a dash. Inherited relative paths are resolved
  /// against `submit_dir` unless it is empty; those of the command line stay as they are. Symbols in the name
  /// of the output directory are replaced by sweepctl.
  std::vector<std::string> arguments(std::string_view submit_dir) const;

 private:
  struct Value {
    std::string text;
    bool given = false;
    bool inherited = false;
    bool reported = false;  // in this component
  };
  std::string resume_problem() const;
  bool starts_or_resumes() const;

  Value values_[kOptionCount];
};

/// Returns the arguments of `sweepctl check` about the benchmark, from the command line of srun, in which the
/// word `first` begins the command: --chdir if srun was given a working directory, "--", and the command. Returns
/// nothing if that is not the command of all tasks: with --multi-prog and in a heterogeneous job.
std::vector<std::string> benchmark_arguments(const std::vector<std::string>& srun, int first);

/// Returns the command `sweepctl check --quiet …`.
std::vector<std::string> check_command(const std::string& sweepctl, const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& benchmark);

/// Returns the command `sweepctl serve …`, the controller of one step. The numbers are file descriptors in
/// the child.
std::vector<std::string> serve_command(const Settings& settings, int lifeline_fd, int ready_fd,
                                       const std::string& job, const std::vector<std::string>& arguments);

/// Returns true for the steps of `srun COMMAND`; false for the batch script, the extern and the interactive
/// step (the shell that salloc may start through srun), and reserved step ids.
bool is_ordinary_step(std::uint32_t step);

/// The step id of a batch script: SLURM_BATCH_SCRIPT of <slurm/slurm.h>.
inline constexpr std::uint32_t kBatchStep = 0xfffffffb;

/// Returns true if a line of the script, other than a comment, contains srun or sweepctl.
bool can_start_sweep(std::string_view script);

/// Returns job and step as Slurm writes them: "12.0".
std::string job_and_step(std::uint32_t job, std::uint32_t step);

/// A parsed ready line, or why it is invalid.
struct Ready {
  std::string endpoint;
  std::string server_key;
  std::string client_secret;
  std::string problem;  // empty if the line is valid. Never contains a key.
};

/// The maximum length of a ready line, including its newline.
inline constexpr std::size_t kReadyLineLimit = 512;
/// The maximum length and number of the `set` lines before it.
inline constexpr std::size_t kSetLineLimit = 65536;
inline constexpr int kMostSetLines = 32;

/// A parsed `set` line: a variable for the step's environment, or why the line is invalid.
struct Variable {
  std::string name, value;
  std::string problem;  // empty if the line is valid
};

/// Returns true if the line begins with `set `.
bool is_set_line(std::string_view line);

/// Parses `set NAME=VALUE`, without the newline. Only variables for agents in a container are accepted.
Variable parse_set_line(std::string_view line);

/// Parses `ready tcp://HOST:PORT KEY KEY`, without the newline. A key is 40 characters of Z85.
Ready parse_ready_line(std::string_view line);

/// Returns true if the command of a step looks like `srun --multi-prog FILE`. In that case Slurm gives the
/// plugin the file's name and its text instead of a command.
bool is_multi_prog(const std::vector<std::string_view>& command);

}  // namespace sweep::plugin
