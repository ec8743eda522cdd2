// sweepctl serve: the controller as a child of srun, started by the plugin. For people there is sweepctl run.
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
#include "proto/net/files.hpp"
#include "proto/net/process.hpp"

namespace sweep::cli {

namespace {

// srun is gone: its tasks are too, or about to be.
constexpr Millis kPatienceWithoutSrun{5'000};

/// The one line that the plugin waits for. It has the secret, and goes into the pipe alone.
Expected<void> say_ready(int fd, const Access& access) {
  const std::string line =
      "ready " + access.endpoint + " " + access.server_key + " " + access.client_secret + "\n";
  const ssize_t written = ::write(fd, line.data(), line.size());
  ::close(fd);
  if (written != static_cast<ssize_t>(line.size())) return fail("srun does not take the ready line");
  return {};
}

void watch_lifeline(int fd, Server& server) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  server.loop().watch(fd, [fd, &server] {
    if (!read_available(fd, 64).closed) return;
    server.loop().unwatch(fd);
    server.expect_nobody();
    server.stop("srun has ended", kPatienceWithoutSrun);
  });
}

}  // namespace

int serve_command(const Arguments& arguments) {
  CLI::App app(
      "The controller of one srun. The Slurm plugin starts it; people use srun --sweep-config=FILE or "
      "sweepctl run.",
      "sweepctl serve");
  SweepArguments wanted;
  int lifeline = -1, ready = -1;
  std::string job;
  bool quiet = false;
  add_sweep_options(app, wanted, true);
  app.add_option("--lifeline-fd", lifeline, "the sweep is stopped when this descriptor closes")
      ->type_name("FD")
      ->required();
  app.add_option("--ready-fd", ready, "where the ready line goes")->type_name("FD")->required();
  app.add_option("--job", job, "job and step, as 12.0")->type_name("JOB");
  app.add_flag("--quiet", quiet, "print only what is wrong");
  if (const auto status = parse(app, arguments)) return *status;

  SignalFd signals({SIGINT, SIGTERM, SIGHUP});
  Console console(quiet);
  auto server = open_server(wanted, job, console);
  if (!server) return print_error(server.error().message), 1;
  const Interrupts interrupts(signals, **server);
  watch_lifeline(lifeline, **server);
  if (const auto said = say_ready(ready, (*server)->access()); !said)
    return print_error(said.error().message), 1;
  return conduct(**server, console).all_written ? 0 : 1;
}

}  // namespace sweep::cli
