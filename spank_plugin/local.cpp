// See local.hpp.
#include "spank_plugin/local.hpp"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "proto/base/env_names.hpp"
#include "spank_plugin/child.hpp"

namespace sweep::plugin::local {
namespace {

// Job ids from here on belong to srun --no-allocate.
constexpr std::uint32_t kFirstIdWithoutJob = 0xffff0000;
constexpr int kStopSeconds = 5;

struct Command {
  Options options;
  std::vector<std::string> arguments;  // for sweepctl; empty until they have been checked
  Fd lifeline;                         // the controller lives as long as this is open
  pid_t controller = -1;
  pid_t owner = -1;  // a fork of srun is not the controller's parent
};

// Made when the first option comes in, never destroyed: hooks run until the very end of the process.
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

std::string cannot_run(const Settings& settings, int error) {
  return "cannot run " + settings.sweepctl + " on " + host() + ": " + strerror(error) +
         "; install slurm-sweep there or set sweepctl=PATH in plugstack.conf";
}

Settings settings_from(const std::vector<std::string>& arguments) {
  return parse_settings(arguments, SWEEP_DEFAULT_SWEEPCTL, SWEEP_DEFAULT_AGENT);
}

std::string submit_directory() {
  const char* const directory = getenv("SLURM_SUBMIT_DIR");
  return directory == nullptr ? "" : directory;
}

void check(const Settings& settings, const std::vector<std::string>& arguments) {
  const Started started = start_child(check_command(settings.sweepctl, arguments), -1, -1);
  if (started.error != 0) give_up(cannot_run(settings, started.error));
  const Ended ended = wait_child(started.pid);
  if (!ended.ok())
    give_up("the sweep was refused before anything was allocated (sweepctl check ended with " +
            ended.describe() + ")");
}

struct Step {
  std::uint32_t job = 0;
  std::uint32_t step = 0;
};

Step step_of(spank_t spank) {
  auto [job, step] = Step();
  if (spank_get_item(spank, S_JOB_ID, &job) != ESPANK_SUCCESS || job == 0)
    give_up("Slurm does not say which job this is");
  if (job >= kFirstIdWithoutJob) give_up("srun --no-allocate cannot run a sweep: --sweep-config needs a job");
  if (spank_get_item(spank, S_JOB_STEPID, &step) != ESPANK_SUCCESS)
    give_up("Slurm does not say which step of job " + std::to_string(job) + " this is");
  return {job, step};
}

// What went wrong while waiting for the ready line; the controller is told to end.
[[noreturn]] void not_ready(const Settings& settings, const Line& line) {
  const pid_t pid = command->controller;
  command->controller = -1;
  command->lifeline.reset();
  const std::string timeout = std::to_string(settings.ready_timeout_seconds) + " s";
  switch (line.end) {
    case LineEnd::kClosed:
      give_up("the controller ended before it was ready, with " + let_end(pid, kStopSeconds).describe());
    case LineEnd::kTimeout:
      stop_child(pid, kStopSeconds);
      give_up("the controller was not ready within " + timeout +
              " and was ended; ready-timeout=SECONDS in plugstack.conf allows more");
    case LineEnd::kTooLong:
      stop_child(pid, kStopSeconds);
      give_up("the ready line of " + settings.sweepctl + " is longer than " +
              std::to_string(kReadyLineLimit) +
              " characters: plugin and sweepctl must be of the same version");
    case LineEnd::kLine:
    case LineEnd::kError:
      break;
  }
  stop_child(pid, kStopSeconds);
  give_up("cannot read the ready line of " + settings.sweepctl + " on " + host());
}

Ready wait_until_ready(const Settings& settings, int fd) {
  const Line line = read_line(fd, kReadyLineLimit, settings.ready_timeout_seconds);
  if (line.end != LineEnd::kLine) not_ready(settings, line);
  Ready ready = parse_ready_line(line.text);
  if (ready.problem.empty()) return ready;
  const pid_t pid = command->controller;
  command->controller = -1;
  command->lifeline.reset();
  stop_child(pid, kStopSeconds);
  give_up("the ready line of " + settings.sweepctl + " cannot be used: " + ready.problem +
          "; plugin and sweepctl must be of the same version");
}

void start_controller(const Settings& settings, const std::string& step) {
  Pipe lifeline = make_pipe();
  Pipe ready = make_pipe();
  if (lifeline.error != 0 || ready.error != 0)
    give_up(std::string("cannot make a pipe for the controller: ") +
            strerror(lifeline.error != 0 ? lifeline.error : ready.error));
  const Started started =
      start_child(serve_command(settings.sweepctl, kFirstChildFd, kSecondChildFd, step, command->arguments),
                  lifeline.read.get(), ready.write.get());
  if (started.error != 0) give_up(cannot_run(settings, started.error));
  command->controller = started.pid;
  command->owner = getpid();
  command->lifeline = std::move(lifeline.write);
  ready.write.reset();

  const Ready address = wait_until_ready(settings, ready.read.get());
  if (setenv(SWEEP_ENV_ENDPOINT, address.endpoint.c_str(), 1) != 0 ||
      setenv(SWEEP_ENV_SERVER_KEY, address.server_key.c_str(), 1) != 0 ||
      setenv(SWEEP_ENV_CLIENT_SECRET, address.client_secret.c_str(), 1) != 0)
    give_up(std::string("cannot put the controller's address into the environment: ") + strerror(errno));
}

}  // namespace

void take_option(OptionId id, const char* value) {
  if (command == nullptr) command = new Command;
  command->options.take(id, value == nullptr ? "" : value, getenv(inherited_variable(id).c_str()));
}

void options_complete(const std::vector<std::string>& arguments) {
  ++components;
  if (command == nullptr) return;
  command->options.end_component();
  const std::string problem = command->options.problem();
  if (!problem.empty()) give_up(problem);
  if (components > 1 && spank_context() == S_CTX_LOCAL)
    give_up("a sweep runs in one component of a heterogeneous job: start it with srun --het-group=N");

  const std::vector<std::string> wanted = command->options.arguments(submit_directory());
  if (wanted == command->arguments) return;
  const Settings settings = settings_from(arguments);
  for (const std::string& complaint : settings.complaints)
    slurm_error("sweep: %s", complaint.c_str());
  expect_children();
  check(settings, wanted);
  command->arguments = wanted;
}

void step_known(spank_t spank, const std::vector<std::string>& arguments) {
  if (command == nullptr || !command->options.active()) return;
  const Step step = step_of(spank);
  // salloc's shell inherits the option of salloc, and is no place for a controller: each srun in it has its
  // own.
  if (!is_ordinary_step(step.step)) return;
  if (command->controller != -1) give_up("one srun runs one sweep, and this one has begun already");
  start_controller(settings_from(arguments), job_and_step(step.job, step.step));
}

void command_ends() {
  if (command == nullptr || command->controller == -1 || command->owner != getpid()) return;
  const pid_t pid = command->controller;
  command->controller = -1;
  command->lifeline.reset();
  const Ended ended = wait_child(pid);
  if (ended.known && !ended.ok())
    slurm_error("sweep: the controller ended with %s; its own messages are above", ended.describe().c_str());
}

}  // namespace sweep::plugin::local
