#include "controller/cli/conduct.hpp"

#include <csignal>
#include <filesystem>

#include "controller/cli/print.hpp"
#include "controller/io/aggregate.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/view/lines.hpp"
#include "proto/base/text.hpp"
#include "proto/net/clock.hpp"

namespace sweep::cli {

namespace {

// Beyond what agents need to end a benchmark that ignores SIGTERM.
constexpr Millis kStopMargin{5'000};

std::string shown(const std::string& path) {
  std::error_code code;
  const auto relative = std::filesystem::proximate(path, code).string();
  return code || relative.starts_with("..") ? path : relative;
}

void tell_opened(const Server& server, Console& console) {
  const Plan& plan = server.sweep().plan;
  console.line("sweep " + server.sweep().facts.sweep + ": " + counted(plan.points.size(), "point") + " of " +
               printable(join(exp_names(plan), ", ")) + " into " + printable(shown(server.directory())));
}

void tell_written(const Aggregation& written, const std::string& directory, Console& console) {
  console.line("results:  " + printable(shown(directory)) + "/agg_*.json");
  console.line("summary:  " + printable(shown(directory)) + "/summary.txt");
  for (const std::string& plot : written.plots)
    console.line("plot:     " + printable(shown(plot)));
  for (const std::string& problem : written.problems)
    console.error("sweepctl: " + printable(problem));
}

}  // namespace

Expected<std::unique_ptr<Server>> open_server(const SweepArguments& arguments, const std::string& job,
                                              Console& console) {
  auto plan = load_plan(arguments);
  if (!plan) return tl::unexpected(plan.error());
  const auto directory = claim_output_dir(arguments.output, sweep_name(*plan), now());
  if (!directory) return tl::unexpected(directory.error());
  auto server = Server::open(new_sweep(std::move(*plan), arguments, *directory, job), *directory, console);
  if (server) tell_opened(**server, console);
  return server;
}

Interrupts::Interrupts(SignalFd& signals, Server& server) : signals_(signals), server_(server) {
  server_.loop().watch(signals_.fd(), [this] { take(); });
}

Interrupts::~Interrupts() {
  server_.loop().unwatch(signals_.fd());
}

void Interrupts::take() {
  for (const int signal : signals_.take()) {
    if (signal != SIGINT && signal != SIGTERM && signal != SIGHUP) continue;
    const bool first = signal_ == 0;
    if (first) signal_ = signal;
    const Millis grace = server_.sweep().plan.profile.kill_grace + kStopMargin;
    server_.stop(signal == SIGINT ? "interrupted" : "ended by SIG" + std::string(sigabbrev_np(signal)),
                 first ? grace : Millis(0));
  }
}

Conduct conduct(Server& server, Console& console) {
  const bool committed = server.run();
  console.end();
  const OpenSweep own{server.directory(), &server.sweep(), &server.journal()};
  const Aggregation written = aggregate(own.directory, &own);
  const auto folded = server.journal().finish();
  if (!folded) console.error("sweepctl: " + folded.error().message);
  console.line(view::closing_lines(server.sweep().plan, server.sweep().state, console.style()));
  tell_written(written, server.directory(), console);
  return {core::complete(server.sweep().state), committed && folded && written.problems.empty()};
}

}  // namespace sweep::cli
