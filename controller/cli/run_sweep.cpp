#include "controller/cli/run_sweep.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "controller/io/aggregate.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/plan/image_use.hpp"
#include "controller/view/lines.hpp"
#include "controller/view/resume.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

/// Printed at the end of a sweep whose points are all done.
constexpr const char* kNotValidLine =
    "not every result is valid, therefore the exit status is 3; 'strict: no' in the profile makes it 0";

/// Returns `path` relative to the working directory if it lies below it, made printable.
std::string shown(const std::string& path) {
  std::error_code code;
  const auto relative = std::filesystem::proximate(path, code).string();
  return printable(code || relative.starts_with("..") ? path : relative);
}

void print_opened(const Driver& driver, Console& console) {
  const Plan& plan = driver.sweep().plan;
  const core::State& state = driver.sweep().state;
  const std::string resumed =
      state.resumed ? " resumed, " + std::to_string(state.count(core::PointState::Done)) + " done" : "";
  console.line("sweep " + driver.sweep().facts.sweep + resumed + ": " +
               counted(static_cast<std::size_t>(core::total_points(state)), "point") + " of " +
               printable(join(experiments(plan), ", ")) + ", output directory " + shown(driver.directory()));
  if (const std::string note = unused_images_note(plan); !note.empty()) console.line("note: " + note);
}

/// Returns the collections; only that of all experiments if there are many.
std::vector<std::string> shown_collections(const Aggregation& written) {
  constexpr std::size_t kMost = 4;
  if (written.collections.size() <= kMost) return written.collections;
  return {written.collections.back()};
}

/// Names only files that are there.
void print_written(const Aggregation& written, const std::string& directory, Console& console) {
  const std::string summary = directory + "/summary.txt";
  if (written.result_files > 0) console.line("points:   " + shown(directory) + "/agg_*_conc*.json");
  for (const std::string& collection : shown_collections(written)) {
    if (written.result_files > 0) console.line("results:  " + shown(collection));
  }
  if (std::find(written.written.begin(), written.written.end(), summary) != written.written.end())
    console.line("summary:  " + shown(summary));
  for (const std::string& plot : written.plots)
    console.line("plot:     " + shown(plot));
  for (const std::string& problem : written.problems)
    console.error("sweepctl: " + printable(problem));
}

void print_notes(const std::vector<std::string>& notes, Console& console) {
  for (const std::string& note : notes)
    console.error("sweepctl: " + printable(note));
}

/// Nothing more may be written to a directory that is not in its place: it may be another sweep's by now.
void print_directory_lost(const Driver& driver, DirectoryWatch::Place place, Console& console) {
  const std::string& directory = driver.directory();
  if (place != DirectoryWatch::Place::Deleted) {
    console.error("sweepctl: the output directory '" + printable(directory) +
                  "' was moved while its sweep was running; acknowledged results are in its sweep.db: to "
                  "continue, use --sweep-resume with --sweep-output=DIR, where DIR is the new path");
    return;
  }
  console.error(
      "sweepctl: " + printable(driver.deleted_text()) + " was deleted while its sweep was running; " +
      (has_files_to_salvage(directory)
           ? "results that were already written are in raw/ and agg_*_conc*.json: to make a new journal of "
             "them and run the rest, use --sweep-resume with the same --sweep-output"
           : "its results are lost"));
}

}  // namespace

Expected<std::unique_ptr<Driver>> open_driver(const SweepRequest& request, const SessionOrigin& origin,
                                              Fd listening, Console& console) {
  std::vector<std::string> notes;
  SWEEP_ASSIGN(auto opened, open_sweep(request, origin, now(), notes));
  const std::string directory = opened.sweep.facts.directory;
  auto driver = Driver::open(std::move(opened), directory, console, std::move(listening));
  if (!driver) return driver;
  print_notes(notes, console);
  print_opened(**driver, console);
  return driver;
}

Expected<std::unique_ptr<Driver>> take_over_driver(const SupervisorNote& note, const std::string& cause,
                                                   Fd listening, Console& console) {
  std::vector<std::string> notes;
  const Instant start = now();
  const std::string& directory = note.directory;
  SWEEP_ASSIGN(auto opened, take_over_sweep(directory, note.server_keys.public_key, start, notes));
  opened.sweep.facts.directory = directory;
  opened.sweep.facts.owner = host_name() + ", pid " + std::to_string(::getpid());
  auto driver = Driver::open(std::move(opened), directory, console, std::move(listening));
  if (!driver) return driver;
  print_notes(notes, console);
  const core::State& state = (*driver)->sweep().state;
  console.error(
      "sweepctl: the controller died (" + cause + ") and was restarted in " +
      std::to_string((now() - start).count()) +
      " ms: " + std::to_string(state.count(core::PointState::Done)) + " of " +
      counted(static_cast<std::size_t>(core::total_points(state)), "point") + " done, " +
      std::to_string(state.count(core::PointState::Running) + state.count(core::PointState::Leased)) +
      " running");
  return driver;
}

Interrupts::Interrupts(SignalFd& signals, Driver& driver, Millis same)
    : signals_(signals), driver_(driver), same_(same) {
  driver_.loop().watch(signals_.fd(), [this] { take(); });
}

Interrupts::~Interrupts() {
  driver_.loop().unwatch(signals_.fd());
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
    const Millis grace = driver_.sweep().plan.profile.kill_grace + kStopMargin;
    driver_.stop(
        signal == SIGINT ? "received SIGINT (Ctrl-C)" : "received SIG" + std::string(sigabbrev_np(signal)),
        first ? grace : Millis(0));
  }
}

SweepEnd run_sweep(Driver& driver, Console& console, const std::function<void()>& loop_ended) {
  const bool committed = driver.run();
  if (loop_ended) loop_ended();
  console.end();
  if (const auto place = driver.place(); place != DirectoryWatch::Place::There) {
    print_directory_lost(driver, place, console);
    return {false, false, driver.sweep().state.roster.joined() > 0, true};
  }
  const SweepSource own{driver.directory(), &driver.sweep(), &driver.journal()};
  const Aggregation written = aggregate(own.directory, &own);
  driver.remove_control_file();
  const auto finished = driver.journal().finish();
  if (!finished) console.error("sweepctl: " + finished.error().message);
  console.line(view::closing_lines(driver.sweep().plan, driver.sweep().state, console.style(),
                                   log_finder(own.directory, shown(own.directory) + "/")));
  print_written(written, driver.directory(), console);
  console.line(view::resume_line(driver.sweep().state, driver.sweep().facts));
  const core::State& state = driver.sweep().state;
  const bool valid = !state.settings.strict || core::invalid_points(state) == 0;
  if (core::complete(state) && !valid) console.line(kNotValidLine);
  return {core::complete(state), committed && finished && written.problems.empty(), state.roster.joined() > 0,
          valid};
}

}  // namespace sweep::cli
