// See local.hpp.
#include "spank_plugin/local.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "proto/base/env_names.hpp"
#include "spank_plugin/child.hpp"

namespace sweep::plugin::local {
namespace {

// Job ids from this one up are those of srun --no-allocate.
constexpr std::uint32_t kFirstIdWithoutJob = 0xffff0000;
constexpr unsigned kStopSeconds = 5;

struct Command {
  Options options;
  std::vector<std::string> arguments;  // for sweepctl; empty until they have been checked
  Fd lifeline;                         // the controller runs as long as this is open
  pid_t controller = -1;
  pid_t owner = -1;  // the process that started the controller; a fork of srun must not wait for it
  unsigned end_timeout_seconds = 0;
};

// Created by the first option and never destroyed, because hooks run until the end of the process.
Command* command = nullptr;
int components = 0;

[[noreturn]] void give_up(const std::string& reason) {
  slurm_error("sweep: %s", reason.c_str());
  exit(EXIT_FAILURE);
}

std::string host() {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0) return "this host";
  return std::string("host ") + name;
}

Settings settings_from(int count, char** words) {
  return parse_settings({words, words + count}, SWEEP_DEFAULT_SWEEPCTL, SWEEP_DEFAULT_AGENT);
}

// A timeout of plugstack.conf, for messages.
struct Limit {
  const char* name;
  unsigned seconds;
};

std::string within(const Limit& limit) {
  return "within " + std::to_string(limit.seconds) + " s";
}

std::string raise_remedy(const Limit& limit) {
  return std::string("; to allow more time, set ") + limit.name + "=SECONDS in plugstack.conf";
}

// Ends a child that has taken too long. Returns the result, for a message.
std::string end_by_force(pid_t pid) {
  return stop_child(pid, kStopSeconds).late ? " and cannot be killed (process " + std::to_string(pid) + ")"
                                            : " and was terminated";
}

[[noreturn]] void give_up_starting(const Settings& settings, const Started& started, const Limit& limit) {
  const std::string what = "cannot run " + settings.sweepctl + " on " + host() + ": ";
  if (started.late)
    give_up(what + "it did not start " + within(limit) + "; the file system may be hanging" +
            raise_remedy(limit));
  give_up(what + strerror(started.error) +
          "; install slurm-sweep there, or set sweepctl=PATH in plugstack.conf");
}

std::string submit_directory() {
  const char* const directory = getenv("SLURM_SUBMIT_DIR");
  return directory == nullptr ? "" : directory;
}

// Returns the words of srun's command line; empty if they cannot be read.
std::vector<std::string> own_command_line() {
  std::vector<std::string> words;
  FILE* const file = fopen("/proc/self/cmdline", "re");
  if (file == nullptr) return words;
  char* word = nullptr;
  std::size_t room = 0;
  while (getdelim(&word, &room, '\0', file) > 0)
    words.emplace_back(word);
  free(word);
  fclose(file);
  return words;
}

// Returns what `sweepctl check` is told about the benchmark, which is the command of srun only. srun parses its
// options with getopt, whose optind is then the number of the first word of the command.
std::vector<std::string> benchmark_of_command() {
  if (spank_context() != S_CTX_LOCAL) return {};
  std::vector<std::string> out = benchmark_arguments(own_command_line(), optind);
  const char* const directory = getenv("SLURM_WORKING_DIR");
  if (!out.empty() && out[0] == "--" && directory != nullptr && *directory != '\0')
    out.insert(out.begin(), std::string("--chdir=") + directory);
  return out;
}

void check(const Settings& settings, const std::vector<std::string>& arguments) {
  const Limit limit = {"check-timeout", settings.check_timeout_seconds};
  const Deadline deadline = in_seconds(limit.seconds);
  const Started started =
      start_child(check_command(settings.sweepctl, arguments, benchmark_of_command()), -1, -1, deadline);
  if (!started.ok()) give_up_starting(settings, started, limit);
  const Ended ended = wait_child(started.pid, deadline);
  if (ended.late)
    give_up("sweepctl check did not end " + within(limit) + end_by_force(started.pid) + raise_remedy(limit));
  if (!ended.ok())
    give_up("the sweep was refused before a job was allocated (sweepctl check ended with " +
            ended.describe() + "); see the message above");
}

struct Step {
  std::uint32_t job = 0;
  std::uint32_t step = 0;
};

Step step_of(spank_t spank) {
  auto [job, step] = Step();
  if (spank_get_item(spank, S_JOB_ID, &job) != ESPANK_SUCCESS || job == 0)
    give_up("Slurm did not provide the job id");
  if (job >= kFirstIdWithoutJob)
    give_up("srun --no-allocate cannot run a sweep, because a sweep needs a job; remove --no-allocate");
  if (spank_get_item(spank, S_JOB_STEPID, &step) != ESPANK_SUCCESS)
    give_up("Slurm did not provide the step id of job " + std::to_string(job));
  return {job, step};
}

Limit ready_limit(const Settings& settings) {
  return {"ready-timeout", settings.ready_timeout_seconds};
}

// Returns the controller's process, which command_ends() then does not wait for, and closes its lifeline.
pid_t release_controller() {
  const pid_t pid = command->controller;
  command->controller = -1;
  command->lifeline.reset();
  return pid;
}

// Reports why there is no ready line, and ends the controller.
[[noreturn]] void not_ready(const Settings& settings, const Line& line) {
  const pid_t pid = release_controller();
  switch (line.end) {
    case LineEnd::kClosed:
      give_up("the controller ended before it was ready, with " + wait_or_stop(pid, kStopSeconds).describe());
    case LineEnd::kTimeout:
      give_up("the controller was not ready " + within(ready_limit(settings)) + end_by_force(pid) +
              raise_remedy(ready_limit(settings)));
    case LineEnd::kTooLong:
      stop_child(pid, kStopSeconds);
      give_up("a line from " + settings.sweepctl + " is longer than " + std::to_string(kSetLineLimit) +
              " characters; install the same version of plugin and sweepctl");
    case LineEnd::kLine:
    case LineEnd::kError:
      break;
  }
  stop_child(pid, kStopSeconds);
  give_up("cannot read the ready line of " + settings.sweepctl + " on " + host());
}

[[noreturn]] void not_understood(const Settings& settings, const std::string& problem) {
  stop_child(release_controller(), kStopSeconds);
  give_up("the ready line of " + settings.sweepctl + " is invalid: " + problem +
          "; install the same version of plugin and sweepctl");
}

void set_variable(const char* name, const std::string& value) {
  if (setenv(name, value.c_str(), 1) != 0)
    give_up(std::string("cannot put ") + name + " into the environment: " + strerror(errno));
}

// Removes variables with this prefix from srun's environment, and appends their names to `removed`.
void unset_variables(std::string_view prefix, std::vector<std::string>& removed) {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.substr(0, prefix.size()) == prefix) names.emplace_back(text.substr(0, text.find('=')));
  }
  for (const std::string& name : names)
    unsetenv(name.c_str());
  removed.insert(removed.end(), names.begin(), names.end());
}

// Names those of `removed` that were not set again, so that the plugin removes them from the tasks'
// environment (env_names.hpp).
void pass_on_removed(const std::vector<std::string>& removed) {
  std::string list;
  for (const std::string& name : removed) {
    if (getenv(name.c_str()) == nullptr && name != SWEEP_ENV_UNSET) list += (list.empty() ? "" : ",") + name;
  }
  if (!removed.empty()) set_variable(SWEEP_ENV_UNSET, list);
}

// `removed` receives the names of the user's own pyxis variables if the sweep's replace them.
Ready wait_until_ready(const Settings& settings, int fd, Deadline deadline,
                       std::vector<std::string>& removed) {
  LineReader lines(fd, kSetLineLimit, deadline);
  for (int set = 0;; ++set) {
    const Line line = lines.next();
    if (line.end != LineEnd::kLine) not_ready(settings, line);
    if (!is_set_line(line.text)) {
      Ready ready = parse_ready_line(line.text);
      if (!ready.problem.empty()) not_understood(settings, ready.problem);
      return ready;
    }
    const Variable variable = parse_set_line(line.text);
    if (!variable.problem.empty()) not_understood(settings, variable.problem);
    if (set == kMostSetLines) not_understood(settings, "too many lines precede it");
    if (set == 0) unset_variables(SWEEP_ENV_PYXIS_PREFIX, removed);
    set_variable(variable.name.c_str(), variable.value);
  }
}

void start_controller(const Settings& settings, const std::string& step) {
  const Deadline deadline = in_seconds(settings.ready_timeout_seconds);
  Pipe lifeline = make_pipe();
  Pipe ready = make_pipe();
  if (lifeline.error != 0 || ready.error != 0)
    give_up(std::string("cannot make a pipe for the controller: ") +
            strerror(lifeline.error != 0 ? lifeline.error : ready.error));
  const Started started =
      start_child(serve_command(settings, kFirstChildFd, kSecondChildFd, step, command->arguments),
                  lifeline.read.get(), ready.write.get(), deadline);
  if (!started.ok()) give_up_starting(settings, started, ready_limit(settings));
  command->controller = started.pid;
  command->owner = getpid();
  command->end_timeout_seconds = settings.end_timeout_seconds;
  command->lifeline = std::move(lifeline.write);
  ready.write.reset();

  std::vector<std::string> removed;
  unset_variables(SWEEP_ENV_PREFIX, removed);  // of another sweep
  const Ready address = wait_until_ready(settings, ready.read.get(), deadline, removed);
  set_variable(SWEEP_ENV_ENDPOINT, address.endpoint);
  set_variable(SWEEP_ENV_SERVER_KEY, address.server_key);
  set_variable(SWEEP_ENV_CLIENT_SECRET, address.client_secret);
  pass_on_removed(removed);
}

// Called at the very end of srun.
void fail_if_successful(int status, void*) {
  if (status == EXIT_SUCCESS) _exit(EXIT_FAILURE);
}

// Makes srun, which is ending, exit with status 1 instead of 0. Slurm unloads this plugin before, so it is kept in
// memory.
void end_with_failure() {
  Dl_info own = {};
  if (dladdr(reinterpret_cast<void*>(&fail_if_successful), &own) == 0) return;
  if (dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) == nullptr) return;
  fflush(nullptr);
  on_exit(fail_if_successful, nullptr);
}

}  // namespace

void take_option(OptionId id, const char* value) {
  if (command == nullptr) command = new Command;
  command->options.take(id, value == nullptr ? "" : value, getenv(inherited_variable(id).c_str()));
}

void options_complete(int count, char** words) {
  ++components;
  if (command == nullptr) return;
  command->options.end_component();
  const std::string problem = command->options.problem();
  if (!problem.empty()) give_up(problem);
  if (components > 1 && spank_context() == S_CTX_LOCAL)
    give_up("a sweep can run in one component of a heterogeneous job only; use srun --het-group=N");

  const std::vector<std::string> wanted = command->options.arguments(submit_directory());
  if (wanted == command->arguments) return;
  const Settings settings = settings_from(count, words);
  for (const std::string& complaint : settings.complaints)
    slurm_error("sweep: %s", complaint.c_str());
  enable_waiting();
  check(settings, wanted);
  command->arguments = wanted;
}

void step_known(spank_t spank, int count, char** words) {
  if (command == nullptr || !command->options.active()) return;
  const Step step = step_of(spank);
  // The shell of salloc inherits salloc's option but gets no controller: each srun in it starts its own.
  if (!is_ordinary_step(step.step)) return;
  if (command->controller != -1)
    give_up("an srun can run only one sweep, and its sweep has already been started");
  start_controller(settings_from(count, words), job_and_step(step.job, step.step));
}

void command_ends() {
  if (command == nullptr || command->controller == -1 || command->owner != getpid()) return;
  const unsigned seconds = command->end_timeout_seconds;
  const pid_t pid = release_controller();
  const Ended ended = wait_child(pid, in_seconds(seconds));
  if (ended.late)
    slurm_error(
        "sweep: the controller (process %d on %s) did not end within %u s; it continues to write its files "
        "in the background; to wait longer, set end-timeout=SECONDS in plugstack.conf",
        static_cast<int>(pid), host().c_str(), seconds);
  if (ended.late || !ended.known || ended.ok()) return;
  slurm_error("sweep: the controller ended with %s; see its messages above", ended.describe().c_str());
  end_with_failure();  // the tasks' statuses do not show it
}

}  // namespace sweep::plugin::local
