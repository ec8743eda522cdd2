// apply(): which events replace an earlier value of the state, and which keep it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "controller/core/apply.hpp"
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

struct ApplyCase {
  std::string name;
  std::vector<EventBody> events;  // applied at 1 ms, 2 ms, …
  std::function<std::string(const State&)> value;
  std::string expected;
};

std::string ms(const std::optional<Instant>& at) {
  return at ? std::to_string(to_unix_ms(*at)) : "none";
}

JobEnds job_ends(const std::string& job, std::int64_t ms) {
  return {job, from_unix_ms(ms)};
}

AgentReady ready(std::optional<std::vector<std::string>> serves) {
  return {"a", std::move(serves)};
}

Ended ended(int attempt, std::vector<std::string> invalid, PointState next) {
  Ended out;
  out.ref = {"p0", attempt};
  out.accepted = true;
  out.invalid = std::move(invalid);
  out.next = next;
  return out;
}

std::string end_of_job(const State& state) {
  const auto found = state.job_ends.find("12");
  return found == state.job_ends.end() ? "none" : ms(found->second);
}
std::string served(const State& state) {
  const auto& serves = state.agents.at("a").serves;
  return serves ? testing::PrintToString(*serves) : "all";
}
std::string gone_reason(const State& state) {
  return state.agents.at("a").gone_reason;
}
std::string quarantine(const State& state) {
  return state.nodes.at("n1").quarantine;
}
std::string end_reason(const State& state) {
  return state.end_reason;
}
std::string accepted_attempt(const State& state) {
  std::string out;
  for (int n = 1; n <= static_cast<int>(state.points[0].attempts.size()); ++n)
    out += attempt_at(state.points[0], n).accepted ? std::to_string(n) : "";
  return out;
}

std::vector<ApplyCase> cases() {
  const AgentJoined a{agent_info("a", "n1", 4, 2)}, b{agent_info("b", "n2", 4, 1)};
  const auto first_join = [](const State& state) { return ms(state.first_join); };
  const auto announced = [](const State& state) { return std::to_string(state.announced); };
  const auto order = [](const State& state) { return std::to_string(state.agents.at("a").order); };
  const auto largest = [](const State& state) { return std::to_string(state.largest_of.at("x")); };
  const auto deadline = [](const State& state) { return ms(state.stop_deadline); };
  return {
      // The later value replaces the earlier one.
      {"an earlier end of the job", {job_ends("12", 900), job_ends("12", 500)}, end_of_job, "500"},
      {"a later end of the job", {job_ends("12", 500), job_ends("12", 900)}, end_of_job, "900"},
      {"the runners of an agent", {a, ready({{"x"}}), ready({{"y"}})}, served, R"({ "y" })"},
      {"an agent that now serves all", {a, ready({{"x"}}), ready(std::nullopt)}, served, "all"},
      {"why an agent is gone", {a, AgentGone{"a", "one"}, AgentGone{"a", "two"}}, gone_reason, "two"},
      {"an agent that returned", {a, AgentGone{"a", "one"}, AgentReturned{"a"}}, gone_reason, ""},
      {"the order of an agent that joins again", {a, b, AgentGone{"a", "one"}, a}, order, "2"},
      {"why a node is quarantined", {Quarantined{"n1", "one"}, Quarantined{"n1", "two"}}, quarantine, "two"},
      {"why the sweep stops", {Stopping{"one", {}}, Stopping{"two", {}}}, end_reason, "two"},
      {"until when it stops",
       {Stopping{"", from_unix_ms(900)}, Stopping{"", from_unix_ms(500)}},
       deadline,
       "500"},
      {"why the sweep has closed", {Stopping{"one", {}}, Closed{false, "two"}}, end_reason, "two"},
      {"a result that is not valid",
       {a, Leased{{"p0", 1}, "a"}, ended(1, {"why"}, PointState::Pending), Leased{{"p0", 2}, "a"},
        ended(2, {}, PointState::Done)},
       accepted_attempt,
       "2"},
      // The first or largest value is kept.
      {"the time of the first join", {a, b}, first_join, "1"},
      {"the largest number of tasks", {a, b}, announced, "2"},
      {"the largest agent that served a runner", {a, ready({{"x"}}), ready({{"y"}})}, largest, "4"},
      {"the end of another job", {job_ends("12", 500), job_ends("13", 900)}, end_of_job, "500"},
      {"the reason if the sweep closes without", {Stopping{"one", {}}, Closed{true, ""}}, end_reason, "one"},
      // A resume begins a new session without them.
      {"the end of a job before a resume", {job_ends("12", 500), Resumed{}}, end_of_job, "none"},
      {"the first join after a resume", {a, Resumed{}, b}, first_join, "3"},
      {"the number of tasks after a resume", {a, Resumed{}, b}, announced, "1"},
      {"why the sweep ended before a resume", {Closed{false, "one"}, Resumed{}}, end_reason, ""},
  };
}

TEST(CoreApply, LaterEventReplacesOrKeepsTheEarlierValue) {
  for (const ApplyCase& each : cases()) {
    PointSpec spec{"p0", 4};
    spec.runner = "x";
    State state = make_state({}, {spec});
    std::int64_t at = 0;
    for (const EventBody& what : each.events)
      apply(state, {from_unix_ms(++at), what});
    EXPECT_EQ(each.value(state), each.expected) << each.name;
  }
}

}  // namespace
}  // namespace sweep::core
