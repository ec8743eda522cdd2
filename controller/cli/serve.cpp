// sweepctl serve: the controller as a child of srun, started by the plugin. People use sweepctl run instead.
// It runs under a supervisor (supervisor.hpp), which restarts it if it dies.
//
// Its exit status is 0 if the controller has written everything, however the points ended: that is in the
// agents' exit statuses, which become srun's. If no agent has joined, it is 1. The plugin makes the failure of
// the controller the failure of srun.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/cli/run_sweep.hpp"
#include "controller/cli/step_agent.hpp"
#include "controller/cli/supervisor.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"

namespace sweep::cli {

namespace {

constexpr std::size_t kMaxProcFile = 1 << 20;
constexpr Millis kSameSignal{500};
constexpr Millis kPatienceWithoutSrun{
    5'000};  // the tasks of an srun that has ended are gone too, or about to be

struct ServeOptions {
  SweepRequest sweep;
  int lifeline = -1, ready = -1;
  bool quiet = false;
  std::string agent;     // sweep-agent's path on the nodes
  SessionOrigin origin;  // of which --job is an option, and the rest is read from srun's process
};

/// Writes what the plugin waits for: the variables of the step, then one line with the secret, which goes
/// only into this pipe.
Expected<void> send_ready_line(int fd, const Driver& driver, const std::string& agent) {
  std::string text;
  if (driver.sweep().plan.step) {
    SWEEP_ASSIGN(const auto variables,
                 variables_of_step(*driver.sweep().plan.step, driver.sweep().plan.profile, agent));
    for (const auto& [name, value] : variables)
      text += "set " + name + "=" + value + "\n";
  }
  const Access& access = driver.access();
  text += "ready " + access.endpoint + " " + access.server_key + " " + access.client_secret + "\n";
  const bool written = write_all(fd, text) == 0;
  ::close(fd);
  if (!written) return fail("cannot send the ready line to srun: the pipe is closed");
  return {};
}

/// Stops the sweep when srun ends, which closes the descriptor.
void watch_lifeline(int fd, Driver& driver) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  driver.loop().watch(fd, [fd, &driver] {
    if (!read_available(fd, 64).closed) return;
    driver.loop().unwatch(fd);
    driver.stop_expecting_agents();
    const bool any_agents = driver.sweep().state.roster.joined() > 0;
    driver.stop(any_agents ? "srun has ended"
                           : "srun has ended, and no agent had connected; see the messages of the tasks, and "
                             "agent=PATH in plugstack.conf",
                kPatienceWithoutSrun);
  });
}

/// Returns the NUL-separated strings in /proc/PID/`name` of srun, the parent process: "cmdline" or "environ".
std::vector<std::string> parent_proc_strings(const std::string& name) {
  const auto text = read_file("/proc/" + std::to_string(::getppid()) + "/" + name, kMaxProcFile);
  std::vector<std::string> strings;
  for (std::size_t at = 0; text && at < text->size();) {
    const std::size_t end = std::min(text->find('\0', at), text->size());
    strings.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return strings;
}

/// Returns the id of the job that srun was started in, through sbatch or salloc; "" if srun has made its own
/// job.
std::string job_around_srun() {
  const std::string name = "SLURM_JOB_ID=";
  for (const std::string& entry : parent_proc_strings("environ")) {
    if (entry.starts_with(name)) return entry.substr(name.size());
  }
  return {};
}

Expected<std::unique_ptr<Driver>> open(const ServeOptions& options, ControllerStart& start,
                                       Console& console) {
  if (start.number == 0)
    return open_driver(options.sweep, options.origin, std::move(start.listening), console);
  return take_over_driver(start.note, start.cause, std::move(start.listening), console);
}

/// Prints, once, why a restarted controller cannot take over. Returns the status that makes the supervisor
/// try again.
int refuse_for_now(const ControllerStart& start, const std::string& why) {
  if (start.refused == 0) {
    print_last_error("the controller died (" + start.cause + ") and cannot be restarted: " + why +
                     "; trying again for at most " + std::to_string(start.note.away.count() / 1000) +
                     " s (timeouts.away); Ctrl-C ends the sweep. Agents continue their running benchmarks");
  }
  return kTryAgainLater;
}

void report_opened(const SupervisorLink& link, const Driver& driver) {
  const profile::Profile& profile = driver.sweep().plan.profile;
  link.send(SupervisorNote{driver.directory(), driver.server_keys(), driver.client_public_key(), profile.away,
                           profile.kill_grace});
}

/// Runs the controller: at the first start with the sweep that srun asks for, later with the sweep in the
/// note.
int run_controller(const ServeOptions& options, SignalFd& signals, ControllerStart start) {
  Console console(options.quiet);
  const bool first = start.number == 0;
  auto driver = open(options, start, console);
  if (!driver && !first && !start.note.directory.empty())
    return refuse_for_now(start, driver.error().message);
  if (!driver) return print_error_list(driver.error().message), 1;
  const SupervisorLink link(std::move(start.report_pipe));
  report_opened(link, **driver);
  (*driver)->call_every(kTurnReports, [&link] { link.send(LoopTurned{}); });
  const Interrupts interrupts(signals, **driver, kSameSignal);
  watch_lifeline(options.lifeline, **driver);
  if (first) {
    if (const auto sent = send_ready_line(options.ready, **driver, options.agent); !sent) {
      (*driver)->remove_control_file();
      console.error("sweepctl: " + sent.error().message);
      return console.flush(), 1;
    }
  }
  const SweepEnd end =
      run_sweep(**driver, console, [&] { link.send(LoopEnded{(*driver)->agents_left_behind()}); });
  console.flush();
  // Without agents, the tasks were other programs, whose statuses do not show that nothing was done.
  return end.all_written && (end.complete || end.any_agents) ? 0 : 1;
}

}  // namespace

int serve_command(const Arguments& arguments) {
  CommandLine app(
      "sweepctl serve",
      "Runs the controller of one srun. It is started by the Slurm plugin; use srun --sweep-config=FILE or "
      "sweepctl run instead.");
  ServeOptions options;
  add_sweep_options(app, options.sweep, true);
  app.option("--lifeline-fd", options.lifeline, "stop the sweep when this file descriptor closes")
      .value("FD")
      .required();
  app.option("--ready-fd", options.ready, "file descriptor to write the ready line to")
      .value("FD")
      .required();
  app.option("--job", options.origin.job, "job and step, for example 12.0").value("JOB");
  app.option("--agent", options.agent,
             "path of sweep-agent on the nodes, for a profile that runs agents in an image")
      .value("PATH");
  app.flag("--quiet", options.quiet, "print errors only");
  if (const auto status = app.parse(arguments)) return *status;
  if (const auto error = usage_error(options.sweep, "--config FILE"))
    return print_error("serve: " + *error + "; see sweepctl serve --help"), 2;

  options.origin.command = parent_proc_strings("cmdline");
  options.origin.inside_job = job_around_srun();
  options.origin.values = pattern_values(options.sweep.output, options.origin);
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  const auto status = supervise(signals, options.lifeline, [&](ControllerStart start) {
    return run_controller(options, signals, std::move(start));
  });
  if (!status) return print_error(status.error().message), 1;
  return *status;
}

}  // namespace sweep::cli
