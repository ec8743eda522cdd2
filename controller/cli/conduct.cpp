#include "controller/cli/conduct.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "controller/cli/print.hpp"
#include "controller/cli/step_agent.hpp"
#include "controller/io/aggregate.hpp"
#include "controller/io/opening.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/profile/container_section.hpp"
#include "controller/view/lines.hpp"
#include "controller/view/resume.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

std::string shown(const std::string& path) {
  std::error_code code;
  const auto relative = std::filesystem::proximate(path, code).string();
  return code || relative.starts_with("..") ? path : relative;
}

void tell_opened(const Driver& server, Console& console) {
  const Plan& plan = server.sweep().plan;
  const core::State& state = server.sweep().state;
  const std::string resumed =
      state.resumed ? " resumed, " + std::to_string(state.count(core::PointState::Done)) + " done" : "";
  console.line("sweep " + server.sweep().facts.sweep + resumed + ": " +
               counted(static_cast<std::size_t>(core::total_points(state)), "point") + " of " +
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

namespace {

Expected<OpenedSweep> new_entry(const SweepArguments& arguments, const Session& session) {
  SWEEP_ASSIGN(auto plan, load_plan(arguments));
  if (plan.step && session.job.empty()) return fail(kNeedsJob);
  SWEEP_ASSIGN(const auto directory, claim_output_dir(arguments.output, sweep_name(plan), now()));
  view::Facts facts = new_facts(arguments, session.job);
  facts.directory = directory;
  facts.resume =
      view::resume_command(session.command, directory, facts.working_directory, session.inside_job);
  return begin_sweep(new_sweep(std::move(plan), std::move(facts)), directory);
}

Expected<OpenedSweep> resumed_entry(SweepArguments arguments, const Session& session,
                                    std::vector<std::string>& notes) {
  SWEEP_ASSIGN(const auto directory, claimed_output_dir(arguments.output));
  arguments.output = directory;
  view::Facts facts = new_facts(arguments, session.job);
  facts.resume =
      view::resume_command(session.command, directory, facts.working_directory, session.inside_job);
  SWEEP_ASSIGN(auto wishes, resume_wishes(arguments, std::move(facts)));
  if (profile::has_agents_inside(wishes.profile) && session.job.empty()) return fail(kNeedsJob);
  return resume_sweep(directory, std::move(wishes), now(), notes);
}

void tell_notes(const std::vector<std::string>& notes, Console& console) {
  for (const std::string& note : notes)
    console.error("sweepctl: " + printable(note));
}

/// Nothing is written there any more: by now the directory may be another sweep's.
void tell_gone(DirectoryWatch::Place place, const std::string& directory, Console& console) {
  const std::string what = "sweepctl: the output directory '" + printable(directory) + "' ";
  console.error(what +
                (place == DirectoryWatch::Place::Deleted
                     ? "was deleted while its sweep ran: nothing of it can be saved"
                     : "is not in its place any more: what was acknowledged is in its sweep.db, wherever "
                       "that is, and --sweep-resume goes on with it"));
}

}  // namespace

Expected<std::unique_ptr<Driver>> open_server(const SweepArguments& arguments, Session session,
                                              Console& console) {
  std::vector<std::string> notes;
  SWEEP_ASSIGN(auto entry,
               arguments.resume ? resumed_entry(arguments, session, notes) : new_entry(arguments, session));
  const std::string directory = entry.sweep.facts.directory;
  auto server = Driver::open(std::move(entry), directory, console, std::move(session.listening));
  if (!server) return server;
  tell_notes(notes, console);
  tell_opened(**server, console);
  return server;
}

Expected<std::unique_ptr<Driver>> reopen_server(const SupervisorNote& told, const std::string& died_of,
                                                Fd listening, Console& console) {
  std::vector<std::string> notes;
  const Instant begun = now();
  const std::string& directory = told.directory;
  SWEEP_ASSIGN(auto entry, take_over_sweep(directory, told.server_key, begun, notes));
  entry.sweep.facts.directory = directory;
  entry.sweep.facts.owner = host_name() + ", pid " + std::to_string(::getpid());
  auto server = Driver::open(std::move(entry), directory, console, std::move(listening));
  if (!server) return server;
  tell_notes(notes, console);
  const core::State& state = (*server)->sweep().state;
  console.error(
      "sweepctl: the controller died of " + died_of + " and is back after " +
      std::to_string((now() - begun).count()) +
      " ms: " + std::to_string(state.count(core::PointState::Done)) + " of " +
      counted(static_cast<std::size_t>(core::total_points(state)), "point") + " done, " +
      std::to_string(state.count(core::PointState::Running) + state.count(core::PointState::Leased)) +
      " with agents");
  return server;
}

Interrupts::Interrupts(SignalFd& signals, Driver& server, Millis same)
    : signals_(signals), server_(server), same_(same) {
  server_.loop().watch(signals_.fd(), [this] { take(); });
}

Interrupts::~Interrupts() {
  server_.loop().unwatch(signals_.fd());
}

void Interrupts::take() {
  for (const int signal : signals_.take()) {
    if (signal != SIGINT && signal != SIGTERM && signal != SIGHUP) continue;
    const bool first = signal_ == 0;
    if (!first && now() < first_at_ + same_) continue;
    if (first) {
      signal_ = signal;
      first_at_ = now();
    }
    const Millis grace = server_.sweep().plan.profile.kill_grace + kStopMargin;
    server_.stop(signal == SIGINT ? "interrupted" : "ended by SIG" + std::string(sigabbrev_np(signal)),
                 first ? grace : Millis(0));
  }
}

Conduct conduct(Driver& server, Console& console) {
  const bool committed = server.run();
  console.end();
  if (const auto place = server.place(); place != DirectoryWatch::Place::There) {
    tell_gone(place, server.directory(), console);
    return {false, false};
  }
  const OpenSweep own{server.directory(), &server.sweep(), &server.journal()};
  const Aggregation written = aggregate(own.directory, &own);
  server.retire();
  const auto folded = server.journal().finish();
  if (!folded) console.error("sweepctl: " + folded.error().message);
  console.line(view::closing_lines(server.sweep().plan, server.sweep().state, console.style()));
  tell_written(written, server.directory(), console);
  console.line(view::resume_line(server.sweep().state, server.sweep().facts));
  return {core::complete(server.sweep().state), committed && folded && written.problems.empty()};
}

}  // namespace sweep::cli
