// libFuzzer target: a damaged journal, given to everything that reads one.
//
// An input is a whole SQLite file or begins with one of these letters:
//
// - E, then lines: the events of a sweep, without a file. "#7" is event 7 of the sample sweep, "#0-9" are ten
//   of them; any other line is KIND and JSON as in the journal.
// - R and two bytes, then lines "TABLE ROW COLUMN TYPE VALUE": changed values in a valid journal. TYPE: text,
//   blob, int, null, or gone to delete the row.
// - P and two bytes, then three bytes each: a position in a valid journal's file, and a value to XOR to the
//   byte there.
//
// The two bytes select the journal, whether the checksums of the rows are removed (so that the damage gets
// further), what is done besides reading, and how much of the file is cut off. Properties that are checked in
// addition to the sanitizers:
//
// - a journal gives a sweep whose invariants hold, or is rejected with a one-line printable message;
// - a journal that passes check() can be read; an event that was read is written back the same;
// - everything that is shown of a sweep is printable;
// - a sweep that was read can continue: after recovery or resume its invariants hold after each command, and
//   it ends;
// - open_to_continue gives the same events, in a file that passes check();
// - salvage leaves a readable journal in which every point that is done has its result.
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/core/events_json.hpp"
#include "controller/core/invariants.hpp"
#include "controller/io/gather.hpp"
#include "controller/io/opening.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/salvage.hpp"
#include "controller/view/records.hpp"
#include "controller/view/status.hpp"
#include "tests/fuzz/sample_sweep.hpp"
#include "tests/unit/core_dump.hpp"

namespace sweep::fuzz {
namespace {

using journal::Journal;

constexpr Instant kLater{Millis(2'000'000'000'000)};  // later than all recorded times

const Scratch& scratch() {
  static const Scratch kScratch;
  return kScratch;
}
const SampleSweep& sample_sweep() {
  static const SampleSweep kSample;
  return kSample;
}

// ---- properties of a sweep

void check_sound(const core::State& state, const char* when) {
  const auto problems = core::check_invariants(state);
  require(problems.empty(), when, problems.empty() ? "" : problems.front());
}

/// Returns true if no time exceeds the maximum of a profile (profile/duration.cpp) and no agent was last seen
/// in the future.
bool is_sane(const core::State& state) {
  constexpr Millis kLongest = std::chrono::hours(24'000);
  const core::Settings& settings = state.settings;
  return std::max({settings.agent_timeout, settings.join_timeout, settings.expected, settings.margin}) <=
             kLongest &&
         state.first_join.value_or(kLater) <= kLater &&
         std::all_of(state.agents.begin(), state.agents.end(),
                     [](const auto& agent) { return agent.second.last_seen <= kLater; });
}

/// Runs the sweep with a controller and one agent that can run every point.
void check_continuation(core::State state, const core::Command& begin) {
  if (!is_sane(state)) return;
  Instant now = kLater;
  const auto apply = [&](const core::Command& command) {
    core::advance(state, command, now);
    check_sound(state, "a sweep that was read continues without violating invariants");
  };
  core::AgentInfo agent;
  agent.id = "fuzz.0.0";
  agent.node = agent.job = "fuzz";
  for (int i = 0; i < 8; ++i)
    agent.gpus.push_back(std::to_string(i));
  apply(begin);
  apply(core::Hello{agent});
  for (std::size_t round = 0; round < 4 * state.points.size() + 60; ++round) {
    if (state.phase == core::Phase::Closed) return;
    core::mark_seen(state, agent.id, now);
    apply(core::Ready{agent.id});
    const auto known = state.agents.find(agent.id);  // a stopping sweep accepts no agent
    const auto held = known == state.agents.end() ? decltype(known->second.held)() : known->second.held;
    for (const auto& [index, number] : held) {
      const core::AttemptRef ref{core::point_at(state, index).spec.id, number};
      apply(core::AttemptStarted{agent.id, ref, 1});
      apply(core::AttemptFinished{agent.id, ref, {}, Millis(1)});
    }
    // The other agents are silent for agent_timeout while this one is not: a common silence would be forgiven.
    now += std::max(state.settings.agent_timeout - Millis(1), Millis(0));
    core::mark_seen(state, agent.id, now);
    now += Millis(1);
    apply(core::Tick{});
    now += std::chrono::hours(1);
    core::mark_seen(state, agent.id, now);
    apply(core::Tick{});
  }
  constexpr Millis kMaxTimeout = std::chrono::hours(24);  // longer timeouts are not simulated
  const bool waits = state.settings.agent_timeout > kMaxTimeout || state.settings.join_timeout > kMaxTimeout;
  require(waits, "a sweep with a suitable agent ends", waits ? "" : core::dump(state));
}

/// Checks what is shown to users.
void check_views(const Sweep& sweep) {
  std::string table;
  view::write_jobs(sweep.plan, sweep.state, [&](std::string_view part) { table += part; });
  const std::string totals = view::totals_text(sweep.plan, sweep.state, sweep.facts);
  const std::string status =
      view::status_text(view::status_json(sweep.plan, sweep.state, sweep.facts, kLater));
  for (const std::string* text : std::initializer_list<const std::string*>{&table, &totals, &status}) {
    for (const std::string& line : split(*text, '\n')) {
      for (const std::string& cell : split(line, '\t'))
        require(printable(cell) == cell, "output for users is printable", line);
    }
  }
  std::string manifest;
  view::write_manifest(sweep.plan, sweep.state, sweep.facts,
                       [&](std::string_view piece) { manifest += piece; });
  require(nlohmann::json::parse(manifest, nullptr, false).is_object(), "the manifest is valid JSON",
          manifest);
}

void check_sweep(const Sweep& sweep) {
  check_sound(sweep.state, "a sweep that was read satisfies the invariants");
  check_views(sweep);
  // Alternates, so both ways are tested with inputs that were found for the other.
  static bool resumed = false;
  resumed = !resumed;
  if (resumed) return check_continuation(sweep.state, core::Resume{"0.3.0", "14", true, {}});
  check_continuation(sweep.state, core::Recover{"0.3.0"});
}

std::string text_of(const core::Event& event) {
  return std::to_string(to_unix_ms(event.at)) + " " + std::string(core::event_word(event.what)) + " " +
         core::event_to_json(event.what).dump() + "\n";
}

std::string text_of(const std::vector<core::Event>& events) {
  std::string out;
  for (const core::Event& event : events)
    out += text_of(event);
  return out;
}

void check_event(const core::Event& event) {
  const auto again = core::event_from_json(core::event_word(event.what), core::event_to_json(event.what));
  require(again.has_value(), "a written event can be read", text_of(event));
  require(text_of({event.at, *again}) == text_of(event), "an event reads back", text_of(event));
}

// ---- events without a file

std::size_t number_at(std::string_view& text) {
  std::size_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return code == std::errc() ? value : 0;
}

void add_known(std::string_view line, std::vector<core::Event>& out) {
  constexpr std::size_t kMaxEvents = 2'000;
  const std::vector<core::Event>& all = sample_sweep().events;
  const std::size_t first = number_at(line) % all.size();
  std::size_t last = first;
  if (line.starts_with('-')) {
    line.remove_prefix(1);
    last = number_at(line) % all.size();
  }
  for (std::size_t i = first; i <= last && out.size() < kMaxEvents; ++i)
    out.push_back(all[i]);
}

void check_events(std::string_view input) {
  std::vector<core::Event> events;
  for (const std::string& line : split(input, '\n')) {
    if (line.starts_with('#')) {
      add_known(std::string_view(line).substr(1), events);
      continue;
    }
    const std::size_t blank = std::min(line.find(' '), line.size());
    const auto body = nlohmann::json::parse(line.substr(blank), nullptr, false);
    const auto event = core::event_from_json(line.substr(0, blank), body);
    if (!event) {
      require_message(event.error());
      continue;
    }
    events.push_back({kBegin + std::chrono::seconds(events.size()), *event});
    check_event(events.back());
  }
  static const journal::Opening kOpening = opening_of(sample_sweep().sweep);
  const auto sweep = restore_sweep(kOpening, events);
  if (!sweep) return require_message(sweep.error());
  check_sweep(*sweep);
}

// ---- files

/// What is done with the file besides reading it.
enum class Action { Nothing, Continue, Salvage, Resume, Gather };

struct Choice {
  std::size_t journal = 0;
  bool unchecked = false;  // checksums of the rows are removed
  Action action = Action::Nothing;
  double kept = 1;  // fraction of the file that is kept
};

Choice choice_of(std::string_view two) {
  const auto first = static_cast<unsigned char>(two[0]), second = static_cast<unsigned char>(two[1]);
  Choice out;
  out.journal = first & 7;
  out.unchecked = (first & 8) != 0;
  out.action = static_cast<Action>((first >> 4) % 5);
  out.kept = 1 - second / 256.0;
  return out;
}

std::size_t count_accepted_results(Journal& journal, std::set<std::string>* of = nullptr) {
  std::size_t count = 0;
  const auto read = journal.each_accepted_result([&](const journal::StoredResult& result) {
    ++count;
    if (of != nullptr) of->insert(result.ref.point);
  });
  if (!read) require_message(read.error());
  return count;
}

/// Reads the whole journal. Returns its events if they make a sweep.
std::vector<core::Event> check_reading(const std::string& directory) {
  auto journal = Journal::open_to_read(journal_path(directory));
  if (!journal) {
    require_message(journal.error());
    return {};
  }
  const auto good = journal->good_events();
  if (!good.damage.empty()) require_message(Error{good.damage});
  const auto opening = journal->opening();
  if (!opening) require_message(opening.error());
  const auto checked = journal->check();
  if (!checked) require_message(checked.error());
  require(!checked || (opening && good.damage.empty()), "a journal that passes the check can be read");
  count_accepted_results(*journal);
  journal->each_good_result([](const journal::StoredResult&) {});
  if (!opening || !good.damage.empty()) return {};
  const auto sweep = restore_sweep(*opening, good.events);
  if (!sweep) {
    require_message(sweep.error());
    return {};
  }
  check_sweep(*sweep);
  return good.events;
}

void check_continuing(const std::string& directory, const std::vector<core::Event>& before) {
  auto journal = Journal::open_to_continue(journal_path(directory));
  if (!journal) return require_message(journal.error());
  const auto events = journal->events();
  require(events && (before.empty() || text_of(*events) == text_of(before)),
          "converting to the new version does not change the events");
  const auto checked = journal->check();
  require(checked.has_value(), "a journal that can be continued passes the check",
          checked ? "" : checked.error().message);
}

void check_salvaging(const std::string& directory) {
  const auto lines = salvage(directory, kLater);
  if (!lines) return require_message(lines.error());
  for (const std::string& line : *lines)
    require_message(Error{line});
  auto archive = open_archive(directory);
  require(archive.has_value(), "a salvaged journal can be read", archive ? "" : archive.error().message);
  const auto checked = archive->journal.check();
  require(checked.has_value(), "a salvaged journal passes the check", checked ? "" : checked.error().message);
  check_sweep(archive->sweep);
  std::set<std::string> with_result;
  count_accepted_results(archive->journal, &with_result);
  for (const core::PointStatus& point : archive->sweep.state.points) {
    require(point.state != core::PointState::Done || with_result.contains(point.spec.id),
            "a point that is done has its result", point.spec.id);
  }
}

void check_resuming(const std::string& directory) {
  std::vector<std::string> notes;
  ResumeWishes wishes;
  wishes.retry_failed = true;
  auto resumable = ResumableSweep::open(directory);
  if (!resumable) return require_message(resumable.error());
  auto opened = std::move(*resumable).resume(wishes, kLater, notes);
  if (!opened) return require_message(opened.error());
  check_sweep(opened->sweep);
  const auto checked = opened->journal.check();
  require(checked.has_value(), "a resumed journal passes the check", checked ? "" : checked.error().message);
}

void check_gathering(const std::string& directory) {
  const Gathered all = gather(directory);
  for (const std::string& problem : all.problems)
    require_message(Error{problem});
}

void check_file(const Choice& choice) {
  const std::string directory = scratch().path();
  const std::vector<core::Event> before = check_reading(directory);
  if (choice.action == Action::Continue) check_continuing(directory, before);
  if (choice.action == Action::Salvage) check_salvaging(directory);
  if (choice.action == Action::Resume) check_resuming(directory);
  if (choice.action == Action::Gather) check_gathering(directory);
}

const std::string& valid_journal(const Choice& choice) {
  static const std::vector<std::string> kAll = valid_journals(sample_sweep(), scratch());
  return kAll[choice.journal % kAll.size()];
}

void write_journal(std::string_view bytes) {
  scratch().clear();
  put_file(journal_path(scratch().path()), bytes);
}

// ---- rows and pages

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// "TABLE ROW COLUMN TYPE VALUE"
void change_row(const RawDatabase& database, std::string_view line) {
  constexpr std::array<std::string_view, 4> kTables = {"meta", "points", "events", "results"};
  constexpr std::array<std::string_view, 15> kColumns = {"name",  "value",   "position", "id",       "entry",
                                                         "seq",   "at_ms",   "kind",     "body",     "digest",
                                                         "point", "attempt", "node",     "accepted", "raw"};
  std::array<std::string_view, 5> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t end = i + 1 < words.size() ? std::min(line.find(' '), line.size()) : line.size();
    words[i] = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  const auto [table, row, column, type, value] = words;
  if (!is_one_of(table, kTables) || !is_one_of(column, kColumns)) return;
  std::string_view digits = row;
  const std::string name(table);
  const std::string where = " WHERE rowid = (SELECT rowid FROM " + name + " ORDER BY rowid LIMIT 1 OFFSET " +
                            std::to_string(number_at(digits) % 100) + ")";
  const std::string sql = type == "gone" ? "DELETE FROM " + name + where
                                         : "UPDATE " + name + " SET " + std::string(column) + " = ?" + where;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) return;
  const int length = static_cast<int>(value.size());
  if (type == "text") sqlite3_bind_text(statement, 1, value.data(), length, SQLITE_TRANSIENT);
  if (type == "blob") sqlite3_bind_blob(statement, 1, value.data(), length, SQLITE_TRANSIENT);
  if (type == "int") sqlite3_bind_int64(statement, 1, std::strtoll(std::string(value).c_str(), nullptr, 10));
  sqlite3_step(statement);
  sqlite3_finalize(statement);
}

void check_rows(const Choice& choice, std::string_view lines) {
  write_journal(valid_journal(choice));
  {
    RawDatabase database(journal_path(scratch().path()));
    for (const std::string& line : split(lines, '\n'))
      change_row(database, line);
    if (choice.unchecked) database.run("UPDATE events SET digest = NULL; UPDATE results SET digest = NULL");
  }
  check_file(choice);
}

void check_pages(const Choice& choice, std::string_view changes) {
  std::string bytes = valid_journal(choice);
  for (std::size_t i = 0; i + 3 <= changes.size(); i += 3) {
    const auto place =
        static_cast<unsigned char>(changes[i]) * 256u + static_cast<unsigned char>(changes[i + 1]);
    char& byte = bytes[place % bytes.size()];
    byte = static_cast<char>(byte ^ changes[i + 2]);
  }
  bytes.resize(static_cast<std::size_t>(static_cast<double>(bytes.size()) * choice.kept));
  write_journal(bytes);
  check_file(choice);
}

void check(std::string_view input) {
  if (input.starts_with("SQLite format 3")) {
    write_journal(input);
    return check_file({});
  }
  if (input.starts_with('E')) return check_events(input.substr(1));
  if (input.size() < 3) return;
  const Choice choice = choice_of(input.substr(1, 2));
  if (input[0] == 'R') check_rows(choice, input.substr(3));
  if (input[0] == 'P') check_pages(choice, input.substr(3));
}

}  // namespace
}  // namespace sweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sweep::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
