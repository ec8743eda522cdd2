// sweepctl serve: the controller as a child of srun, started by the plugin. For people there is sweepctl run.
// It lives under a supervisor (supervisor.hpp), which starts it again when it dies.
//
// Its status says whether the controller did its part, not how the points ended: that the agents' statuses
// say, which are srun's own.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/conduct.hpp"
#include "controller/cli/print.hpp"
#include "controller/cli/step_agent.hpp"
#include "controller/cli/supervisor.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"

namespace sweep::cli {

namespace {

constexpr std::size_t kMaxCommandLine = 1 << 20;
constexpr Millis kSameSignal{500};
// srun is gone: its tasks are too, or about to be.
constexpr Millis kPatienceWithoutSrun{5'000};

/// What the plugin waits for: the variables of the step, then one line with the secret, which goes into the
/// pipe alone.
Expected<void> say_ready(int fd, const Driver& server, const std::string& agent) {
  std::string text;
  if (server.sweep().plan.step) {
    SWEEP_ASSIGN(const auto variables,
                 variables_of_step(*server.sweep().plan.step, server.sweep().plan.profile, agent));
    for (const auto& [name, value] : variables)
      text += "set " + name + "=" + value + "\n";
  }
  const Access& access = server.access();
  text += "ready " + access.endpoint + " " + access.server_key + " " + access.client_secret + "\n";
  const bool said = write_all(fd, text) == 0;
  ::close(fd);
  if (!said) return fail("srun does not take the ready line");
  return {};
}

void watch_lifeline(int fd, Driver& server) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  server.loop().watch(fd, [fd, &server] {
    if (!read_available(fd, 64).closed) return;
    server.loop().unwatch(fd);
    server.expect_nobody();
    server.stop("srun has ended", kPatienceWithoutSrun);
  });
}

/// What /proc has of srun, whose child this is, under `name`: its words, or NAME=value of the environment
/// that it was started with.
std::vector<std::string> words_of_parent(const std::string& name) {
  const auto text = read_file("/proc/" + std::to_string(::getppid()) + "/" + name, kMaxCommandLine);
  std::vector<std::string> words;
  for (std::size_t at = 0; text && at < text->size();) {
    const std::size_t end = std::min(text->find('\0', at), text->size());
    words.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return words;
}

/// The job that srun was started in, by sbatch or salloc; empty where it asked for one of its own.
std::string job_around_parent() {
  const std::string name = "SLURM_JOB_ID=";
  for (const std::string& entry : words_of_parent("environ")) {
    if (entry.starts_with(name)) return entry.substr(name.size());
  }
  return {};
}

struct Wanted {
  SweepArguments sweep;
  int lifeline = -1, ready = -1;
  std::string job;
  bool quiet = false;
  std::vector<std::string> command;  // of srun: what somebody types to go on with the sweep
  std::string inside_job;            // that srun was started in
  std::string agent;                 // sweep-agent's path on the nodes
};

Expected<std::unique_ptr<Driver>> open(const Wanted& wanted, Life& life, Console& console) {
  if (life.number == 0)
    return open_server(wanted.sweep,
                       {wanted.job, wanted.command, wanted.inside_job, std::move(life.listening)}, console);
  return reopen_server(life.told, life.died_of, std::move(life.listening), console);
}

/// Why a later life has no sweep. It is said once, and tried again.
int cannot_come_back(const Life& life, const std::string& why) {
  if (life.refused == 0) {
    print_error("the controller died of " + life.died_of + " and cannot come back: " + why +
                "; tried again until it can, for at most " + std::to_string(life.told.away.count() / 1000) +
                " s (timeouts.away). Agents go on with what they run");
  }
  return kTryAgain;
}

/// One life of the controller: its first with the sweep that srun wants, a later one with what the one before
/// has left.
int control(const Wanted& wanted, SignalFd& signals, Life life) {
  Console console(wanted.quiet);
  const bool first = life.number == 0;
  auto server = open(wanted, life, console);
  if (!server && !first && !life.told.directory.empty())
    return cannot_come_back(life, server.error().message);
  if (!server) return print_error(server.error().message), 1;
  tell(life.tell_fd,
       {(*server)->directory(), (*server)->access().server_key, (*server)->sweep().plan.profile.away});
  const Interrupts interrupts(signals, **server, kSameSignal);
  watch_lifeline(wanted.lifeline, **server);
  if (first) {
    if (const auto said = say_ready(wanted.ready, **server, wanted.agent); !said) {
      (*server)->retire();
      return print_error(said.error().message), 1;
    }
  }
  return conduct(**server, console).all_written ? 0 : 1;
}

}  // namespace

int serve_command(const Arguments& arguments) {
  CommandLine app(
      "sweepctl serve",
      "The controller of one srun. The Slurm plugin starts it; people use srun --sweep-config=FILE or "
      "sweepctl run.");
  Wanted wanted;
  add_sweep_options(app, wanted.sweep, true);
  app.option("--lifeline-fd", wanted.lifeline, "the sweep is stopped when this descriptor closes")
      .value("FD")
      .required();
  app.option("--ready-fd", wanted.ready, "where the ready line goes").value("FD").required();
  app.option("--job", wanted.job, "job and step, as 12.0").value("JOB");
  app.option("--agent", wanted.agent, "sweep-agent on the nodes, for a profile that wants it in an image")
      .value("PATH");
  app.flag("--quiet", wanted.quiet, "print only what is wrong");
  if (const auto status = app.parse(arguments)) return *status;
  if (const auto wrong = wrong_use(wanted.sweep, "--config FILE")) return print_error("serve: " + *wrong), 2;

  wanted.command = words_of_parent("cmdline");
  wanted.inside_job = job_around_parent();
  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  const auto status = supervise(signals, wanted.lifeline,
                                [&](Life life) { return control(wanted, signals, std::move(life)); });
  if (!status) return print_error(status.error().message), 1;
  return *status;
}

}  // namespace sweep::cli
