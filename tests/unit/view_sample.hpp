// Test fixture: a sweep of four points. Tests send commands and check what the views show.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "controller/core/decide.hpp"
#include "controller/view/lines.hpp"
#include "controller/view/records.hpp"
#include "controller/view/status.hpp"
#include "tests/unit/plan_sample.hpp"
#include "util/json.hpp"

namespace sweep::view {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Returns the columns that `text` takes on a terminal: 0 for colour sequences, 2 for characters of three or
/// more bytes.
inline std::size_t columns(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = text.find('m', i);
    } else if (const auto byte = static_cast<unsigned char>(text[i]); (byte & 0xc0) != 0x80) {
      count += byte >= 0xe0 ? 2 : 1;
    }
  }
  return count;
}

/// Returns jobs.txt as one string.
inline std::string jobs_of(const Plan& plan, const core::State& state) {
  std::string out;
  write_jobs(plan, state, [&](std::string_view part) { out += part; });
  return out;
}

/// True if the text has control characters that a terminal would interpret.
inline bool has_control_characters(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
  });
}

inline const std::string kControlCharacters =
    "a\x1b[2J\x07\r\xc2\x9b"
    "31m \xff b";  // text that a benchmark could print

class ViewTest : public testing::Test {
 protected:
  ViewTest()
      : plan(
            sample_plan({sample_entry(8, 4), sample_entry(4, 8), sample_entry(4, 16), sample_entry(4, 32)})) {
    profile::Profile& profile = plan.profile;
    profile.retries.infrastructure = 1;
    state = core::make_state(core_settings(plan), core_points(plan));
    facts.sweep = "s1";
    facts.version = "0.1.0";
    facts.directory = "results_x";
    facts.job = "12.0";
    facts.owner = "login1, pid 77";
    facts.configs = {"a.yaml", "b.yaml"};
    facts.select = "--seq-lens 1k8k";
    facts.opened = now;
  }

  /// Makes all points clients of one recipe's server.
  void give_all_points_one_server() {
    auto specs = core_points(plan);
    for (core::PointSpec& spec : specs)
      spec.server = "key";
    state = core::make_state(core_settings(plan), specs);
  }
  /// Handles the command and returns the lines of its events.
  std::vector<std::string> handle(const core::Command& command, Millis later = Millis(0)) {
    now += later;
    for (const auto& [id, agent] : state.agents)
      core::mark_seen(state, id, now);
    std::vector<std::string> lines;
    core::advance(state, command, now, [&](const core::State& after, const core::Event& event) {
      const std::string line = event_line(plan, after, event, facts, style);
      if (!line.empty()) lines.push_back(line);
    });
    return lines;
  }
  std::vector<std::string> join(const std::string& id, const std::string& node, int gpus, int tasks = 1) {
    core::AgentInfo info;
    info.id = id;
    info.node = node;
    info.job = "12";
    info.step = "0";
    info.tasks = tasks;
    info.pid = 1;
    for (int i = 0; i < gpus; ++i)
      info.gpus.push_back(std::to_string(i));
    return handle(core::Hello{info});
  }
  void arrive(const std::string& id, const std::string& node, int gpus, int tasks = 1) {
    join(id, node, gpus, tasks);
    handle(core::Ready{id});
  }
  std::vector<std::string> start(const std::string& agent, int index, int attempt = 1,
                                 Millis later = Millis(0)) {
    return handle(core::AttemptStarted{agent, {id(index), attempt}, 4711}, later);
  }
  std::vector<std::string> finish(const std::string& agent, int index, const Outcome& outcome,
                                  int attempt = 1, Millis later = Millis(0), Millis wall = Millis(62'000)) {
    return handle(core::AttemptFinished{agent, {id(index), attempt}, outcome, wall}, later);
  }
  /// Ends the point's first attempt with a result. `doubt`: why that is not valid; "": it is valid.
  void finish_measured(const std::string& agent, int index, const std::string& doubt) {
    std::vector<std::string> doubts;
    if (!doubt.empty()) doubts.push_back(doubt);
    handle(core::AttemptFinished{
        agent, {id(index), 1}, outcome(OutcomeKind::Ok), Millis(1'000), "", {}, std::move(doubts)});
  }
  static Outcome outcome(OutcomeKind kind, const std::string& reason = "") {
    Outcome out;
    out.kind = kind;
    out.reason = reason;
    return out;
  }
  std::string id(int index) const { return plan.points.at(static_cast<std::size_t>(index)).id; }
  ordered_json status() const { return status_json(plan, state, facts, now); }

  Plan plan;
  core::State state;
  Facts facts;
  Style style;
  Instant now = from_unix_ms(1'700'000'000'000);
};

}  // namespace sweep::view
