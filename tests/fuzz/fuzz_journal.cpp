// libFuzzer target: a damaged journal, in the hands of all who read one.
//
// An input begins with a letter, or is a whole SQLite file:
//
// - E, then lines: the events of a sweep, without a file. "#7" is the seventh event of a sound sweep, "#0-9"
//   are ten of them, anything else KIND and JSON as the journal has them.
// - R and two bytes, then lines "TABLE ROW COLUMN TYPE VALUE": values of a sound journal that are others.
//   TYPE: text, blob, int, null, or gone for the whole row.
// - P and two bytes, then three bytes each: a place in a sound journal's file, and what is XORed to the byte.
//
// The two bytes say which journal, whether checks beside the rows are taken off so that the damage gets
// further, what is done beside reading, and how much is cut off. Checked beside what the sanitizers see:
//
// - a journal is read to a sweep whose invariants hold, or refused in one printable line;
// - what passes check() can be read; an event that was read is written the same;
// - what people are shown of a sweep is printable;
// - a sweep that was read goes on: recovered or resumed, its invariants hold after each command, and it ends;
// - open_to_continue gives the same events, in a file that passes check();
// - salvage leaves a journal that can be read, where every point that is done has its result.
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/io/gather.hpp"
#include "controller/io/opening.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/salvage.hpp"
#include "controller/view/records.hpp"
#include "controller/view/status.hpp"
#include "tests/fuzz/journal_story.hpp"
#include "tests/unit/core_dump.hpp"

namespace sweep::fuzz {
namespace {

using journal::Journal;

constexpr Instant kLater{Millis(2'000'000'000'000)};  // than all that is told

const Scratch& scratch() {
  static const Scratch kScratch;
  return kScratch;
}
const Story& story() {
  static const Story kStory;
  return kStory;
}

// ---- what must hold

void check_sound(const core::State& state, const char* when) {
  const auto problems = core::check_invariants(state);
  require(problems.empty(), when, problems.empty() ? "" : problems.front());
}

/// No time is longer than any that a profile can say (profile/duration.cpp), and nobody was heard in the
/// future.
bool is_sane(const core::State& state) {
  constexpr Millis kLongest = std::chrono::hours(24'000);
  const core::Settings& settings = state.settings;
  return std::max({settings.agent_timeout, settings.join_timeout, settings.expected, settings.margin}) <=
             kLongest &&
         state.first_join.value_or(kLater) <= kLater &&
         std::all_of(state.agents.begin(), state.agents.end(),
                     [](const auto& agent) { return agent.second.last_seen <= kLater; });
}

/// The sweep in the hands of a controller and of one agent that can do anything.
void check_going_on(core::State state, const core::Command& begin) {
  if (!is_sane(state)) return;
  Instant now = kLater;
  const auto tell = [&](const core::Command& command) {
    core::advance(state, command, now);
    check_sound(state, "a sweep that was read goes on soundly");
  };
  core::AgentInfo agent;
  agent.id = "fuzz.0.0";
  agent.node = agent.job = "fuzz";
  for (int i = 0; i < 8; ++i)
    agent.gpus.push_back(std::to_string(i));
  tell(begin);
  tell(core::Hello{agent});
  for (std::size_t round = 0; round < 4 * state.points.size() + 60; ++round) {
    if (state.phase == core::Phase::Closed) return;
    core::observe(state, agent.id, now);
    tell(core::Ready{agent.id});
    const auto known = state.agents.find(agent.id);  // a sweep that is stopping takes nobody
    const auto held = known == state.agents.end() ? decltype(known->second.held)() : known->second.held;
    for (const auto& [index, number] : held) {
      const core::AttemptRef ref{state.points[static_cast<std::size_t>(index)].spec.id, number};
      tell(core::AttemptStarted{agent.id, ref, 1});
      tell(core::AttemptFinished{agent.id, ref, {}, Millis(1)});
    }
    now += std::chrono::hours(1);
    core::observe(state, agent.id, now);
    tell(core::Tick{});
  }
  constexpr Millis kPatience = std::chrono::hours(24);  // more than that nobody waits here
  const bool waits = state.settings.agent_timeout > kPatience || state.settings.join_timeout > kPatience;
  require(waits, "a sweep that goes on with an able agent ends", waits ? "" : core::dump(state));
}

/// What people would be shown of it.
void check_shown(const Sweep& sweep) {
  std::string table;
  view::write_jobs(sweep.plan, sweep.state, [&](std::string_view part) { table += part; });
  const std::string totals = view::totals_text(sweep.plan, sweep.state, sweep.facts);
  const std::string status =
      view::status_text(view::status_json(sweep.plan, sweep.state, sweep.facts, kLater));
  for (const std::string* text : std::initializer_list<const std::string*>{&table, &totals, &status}) {
    for (const std::string& line : split(*text, '\n')) {
      for (const std::string& cell : split(line, '\t'))
        require(printable(cell) == cell, "what is shown is printable", line);
    }
  }
  std::string manifest;
  view::write_manifest(sweep.plan, sweep.state, sweep.facts,
                       [&](std::string_view piece) { manifest += piece; });
  require(nlohmann::json::parse(manifest, nullptr, false).is_object(), "there is a manifest", manifest);
}

void check_sweep(const Sweep& sweep) {
  check_sound(sweep.state, "a sweep that was read is sound");
  check_shown(sweep);
  static bool resumed = false;  // in turn: the way of one input is then that of another, too
  resumed = !resumed;
  if (resumed) return check_going_on(sweep.state, core::Resume{"0.3.0", "14", true, {}});
  check_going_on(sweep.state, core::Recover{"0.3.0"});
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
  require(again.has_value(), "what is written of an event is read", text_of(event));
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
  constexpr std::size_t kMost = 2'000;
  const std::vector<core::Event>& all = story().events;
  const std::size_t first = number_at(line) % all.size();
  std::size_t last = first;
  if (line.starts_with('-')) {
    line.remove_prefix(1);
    last = number_at(line) % all.size();
  }
  for (std::size_t i = first; i <= last && out.size() < kMost; ++i)
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
  static const journal::Opening kOpening = opening_of(story().sweep);
  const auto sweep = restore_sweep(kOpening, events);
  if (!sweep) return require_message(sweep.error());
  check_sweep(*sweep);
}

// ---- files

/// What is done with the file beside reading it.
enum class Then { Nothing, Continue, Salvage, Resume, Gather };

struct Choice {
  std::size_t journal = 0;
  bool unchecked = false;  // checks beside the rows are taken off
  Then then = Then::Nothing;
  double kept = 1;  // of the file
};

Choice choice_of(std::string_view two) {
  const auto first = static_cast<unsigned char>(two[0]), second = static_cast<unsigned char>(two[1]);
  Choice out;
  out.journal = first & 7;
  out.unchecked = (first & 8) != 0;
  out.then = static_cast<Then>((first >> 4) % 5);
  out.kept = 1 - second / 256.0;
  return out;
}

std::size_t results_that_count(Journal& journal, std::set<std::string>* of = nullptr) {
  std::size_t count = 0;
  const auto read = journal.each_accepted_result([&](const journal::StoredResult& result) {
    ++count;
    if (of != nullptr) of->insert(result.ref.point);
  });
  if (!read) require_message(read.error());
  return count;
}

/// Reads all there is. Returns the events, where they make a sweep.
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
  require(!checked || (opening && good.damage.empty()), "what passes the check can be read");
  results_that_count(*journal);
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
          "the events are the same in the new version");
  const auto checked = journal->check();
  require(checked.has_value(), "what can be continued is sound", checked ? "" : checked.error().message);
}

void check_salvaging(const std::string& directory) {
  const auto lines = salvage(directory, kLater);
  if (!lines) return require_message(lines.error());
  for (const std::string& line : *lines)
    require_message(Error{line});
  auto archive = open_archive(directory);
  require(archive.has_value(), "what was recovered can be read", archive ? "" : archive.error().message);
  const auto checked = archive->journal.check();
  require(checked.has_value(), "what was recovered is sound", checked ? "" : checked.error().message);
  check_sweep(archive->sweep);
  std::set<std::string> with_result;
  results_that_count(archive->journal, &with_result);
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
  require(checked.has_value(), "what was resumed is sound", checked ? "" : checked.error().message);
}

void check_gathering(const std::string& directory) {
  const Gathered all = gather(directory);
  for (const std::string& problem : all.problems)
    require_message(Error{problem});
}

void check_file(const Choice& choice) {
  const std::string directory = scratch().path();
  const std::vector<core::Event> before = check_reading(directory);
  if (choice.then == Then::Continue) check_continuing(directory, before);
  if (choice.then == Then::Salvage) check_salvaging(directory);
  if (choice.then == Then::Resume) check_resuming(directory);
  if (choice.then == Then::Gather) check_gathering(directory);
}

const std::string& sound(const Choice& choice) {
  static const std::vector<std::string> kAll = sound_journals(story(), scratch());
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
  write_journal(sound(choice));
  {
    RawDatabase database(journal_path(scratch().path()));
    for (const std::string& line : split(lines, '\n'))
      change_row(database, line);
    if (choice.unchecked) database.run("UPDATE events SET digest = NULL; UPDATE results SET digest = NULL");
  }
  check_file(choice);
}

void check_pages(const Choice& choice, std::string_view changes) {
  std::string bytes = sound(choice);
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
