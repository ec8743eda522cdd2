#include "controller/view/records.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

#include "controller/view/lines.hpp"
#include "controller/view/resume.hpp"
#include "controller/view/scores.hpp"
#include "controller/view/status.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::view {

using nlohmann::ordered_json;

namespace {

std::string job_step(const core::State& state, const std::string& agent) {
  const auto found = state.agents.find(agent);
  if (found == state.agents.end() || found->second.info.job.empty()) return "-";
  const core::AgentInfo& info = found->second.info;
  return info.step.empty() ? info.job : info.job + "." + info.step;
}

int valid_points(const core::State& state) {
  return state.count(core::PointState::Done) - core::invalid_points(state);
}

/// Returns the time from the session's start to the end of its last attempt; std::nullopt if none has ended in
/// this session.
std::optional<Millis> elapsed_time(const core::State& state, const Facts& facts) {
  const auto last = last_end(state);
  const Instant start = session_start(state, facts);
  return last && *last >= start ? std::optional(Millis(*last - start)) : std::nullopt;
}

ordered_json time_json(const std::optional<Instant>& at) {
  return at ? ordered_json(static_cast<double>(to_unix_ms(*at)) / 1000) : ordered_json();
}

/// Returns the seconds of each phase, in their order; a phase that occurred repeatedly has the sum.
ordered_json phases_json(const Account& account) {
  std::vector<std::string> order;
  std::map<std::string, Millis> sums;
  for (const PhaseTime& phase : account.phases) {
    if (!sums.contains(phase.name)) order.push_back(phase.name);
    sums[phase.name] += phase.time;
  }
  ordered_json out = ordered_json::object();
  for (const std::string& name : order)
    out[name] = static_cast<double>(sums[name].count()) / 1000;
  return out;
}

/// Returns what was collected of the files that an attempt left besides its result.
ordered_json files_json(const Collected& collected) {
  ordered_json out = {{"collected", collected.files}, {"bytes", collected.bytes}};
  if (!collected.left_out.empty()) out["left_out"] = collected.left_out;
  return out;
}

ordered_json attempt_record(const Plan& plan, const core::State& state, std::size_t index, std::size_t n) {
  const core::Attempt& attempt = state.points[index].attempts[n];
  const std::string log = log_stem(plan, static_cast<int>(index), static_cast<int>(n) + 1, attempt.node);
  ordered_json out = {{"attempt", n + 1},
                      {"node", attempt.node},
                      {"job", job_step(state, attempt.agent)},
                      {"leased_unix", time_json(attempt.leased)},
                      {"started_unix", time_json(attempt.started)},
                      {"ended_unix", time_json(attempt.ended)},
                      {"seconds", static_cast<double>(attempt.wall.count()) / 1000},
                      {"accepted", attempt.accepted}};
  out["outcome"] = attempt.outcome ? ordered_json(outcome_to_json(*attempt.outcome)) : ordered_json();
  if (attempt.accepted) out["valid"] = attempt.invalid.empty();
  if (!attempt.invalid.empty()) out["invalid_reasons"] = attempt.invalid;
  if (!attempt.account.scores.empty()) out["evals"] = scores_json(attempt.account.scores);
  out["phases"] = phases_json(attempt.account);
  if (attempt.account.servers) out["server_starts"] = *attempt.account.servers;
  if (!attempt.account.server_says.empty()) out["server_says"] = attempt.account.server_says;
  if (const auto& collected = attempt.account.collected; collected) out["files"] = files_json(*collected);
  out["log"] = log;
  return out;
}

ordered_json point_record(const Plan& plan, const core::State& state, std::size_t index) {
  const core::PointStatus& point = state.points[index];
  ordered_json out = {{"point", point.spec.id},
                      {"label", label(plan.points[index])},
                      {"state", core::state_word(point.state)},
                      {"reason", point.reason},
                      {"repeat", plan.points[index].repeat},
                      {"entry", entry_of(plan.points[index])}};
  ordered_json attempts = ordered_json::array();
  for (std::size_t n = 0; n < point.attempts.size(); ++n) {
    attempts.push_back(attempt_record(plan, state, index, n));
    if (!point.attempts[n].accepted) continue;
    const std::string name = result_filename(plan, static_cast<int>(index), point.attempts[n].node);
    const bool only_evaluated = is_only_evaluated(plan.points[index]);
    out["raw"] = "raw/" + name + (only_evaluated ? "" : ".json");
    if (!only_evaluated) out["result"] = "agg_" + name + ".json";
    const auto& collected = point.attempts[n].account.collected;
    if (collected && collected->files > 0) out["files"] = {"raw/" + name, "logs/" + name};
  }
  out["attempts"] = std::move(attempts);
  return out;
}

std::string job_line(const Plan& plan, const core::State& state, std::size_t index, std::size_t n) {
  const core::Attempt& attempt = state.points[index].attempts[n];
  char seconds[64];
  std::snprintf(seconds, sizeof seconds, "%.3f", static_cast<double>(attempt.wall.count()) / 1000);
  const std::string outcome =
      attempt.outcome ? std::string(outcome_word(attempt.outcome->kind)) : "unfinished";
  return state.points[index].spec.id + "\t" + std::to_string(n + 1) + "\t" + job_step(state, attempt.agent) +
         "\t" + attempt.node + "\t" + outcome + "\t" + seconds + "\t" + printable(label(plan.points[index])) +
         "\n";
}

std::string json_text(const ordered_json& value) {
  return value.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

struct Totals {
  std::size_t attempts = 0;
  std::size_t server_starts = 0;  // of recipes, and of scripts that have shown that they start a server
  bool recipes = false;           // agents counted the server starts of recipes
  std::vector<PhaseTime> phases;  // sums over all attempts, in the order in which they first occurred
  std::map<std::string, std::size_t> containers;  // number of attempts by container runtime
};

void add_phases(const Account& account, std::vector<PhaseTime>& sums) {
  for (const PhaseTime& phase : account.phases) {
    const auto known =
        std::find_if(sums.begin(), sums.end(), [&](const PhaseTime& sum) { return sum.name == phase.name; });
    if (known == sums.end()) {
      sums.push_back(phase);
    } else {
      known->time += phase.time;
    }
  }
}

/// Returns true if the attempt was a script that started a server.
bool has_server_phase(const core::Attempt& attempt) {
  const auto& phases = attempt.account.phases;
  return std::any_of(phases.begin(), phases.end(), [](const PhaseTime& p) { return p.name == "server"; });
}

Totals totals(const core::State& state) {
  Totals out;
  for (const core::PointStatus& point : state.points) {
    out.attempts += point.attempts.size();
    for (const core::Attempt& attempt : point.attempts) {
      const auto& servers = attempt.account.servers;
      out.recipes = out.recipes || servers;
      out.server_starts += static_cast<std::size_t>(servers.value_or(has_server_phase(attempt) ? 1 : 0));
      add_phases(attempt.account, out.phases);
      if (const std::string runtime = attempt.account.origin.runtime.str(); !runtime.empty())
        ++out.containers[runtime];
    }
  }
  return out;
}

}  // namespace

std::string log_stem(const Plan& plan, int index, int attempt, const std::string& node) {
  return "logs/" + result_filename(plan, index, node) + ".attempt" + std::to_string(attempt);
}

void write_jobs(const Plan& plan, const core::State& state, const Sink& out) {
  struct Place {
    Instant leased;
    std::size_t index, n;
  };
  std::vector<Place> lines;
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    for (std::size_t n = 0; n < state.points[i].attempts.size(); ++n)
      lines.push_back({state.points[i].attempts[n].leased, i, n});
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Place& a, const Place& b) { return a.leased < b.leased; });
  out("# point\tattempt\tjob.step\tnode\tstate\tseconds\tlabel\n");
  for (const Place& line : lines)
    out(job_line(plan, state, line.index, line.n));
}

void write_manifest(const Plan& plan, const core::State& state, const Facts& facts, const Sink& out) {
  constexpr std::size_t kIndent = 4;
  ordered_json head = {{"schema_version", kRecordVersion},
                       {"sweep", facts.sweep},
                       {"slurm_sweep_version", facts.version},
                       {"job", facts.job},
                       {"configs", facts.configs},
                       {"select", facts.select},
                       {"opened_unix", time_json(facts.opened)},
                       {"last_end_unix", time_json(last_end(state))},
                       {"complete", core::complete(state)},
                       {"reason", state.end_reason},
                       {"points_total", core::total_points(state)},
                       {"points_done", state.count(core::PointState::Done)},
                       {"points_valid", valid_points(state)}};
  ordered_json agents = ordered_json::array();
  for (const auto& [id, agent] : state.agents) {
    agents.push_back({{"agent", id}, {"node", agent.info.node}, {"gpus", agent.info.gpus}});
  }
  head["agents"] = std::move(agents);
  std::string text = json_text(head);
  text.erase(text.rfind('\n'));  // removes the closing brace: the points are written before it
  out(text + ",\n  \"points\": [");
  const char* between = "\n    ";
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    if (state.points[i].state == core::PointState::Withdrawn) continue;
    out(between + indented(json_text(point_record(plan, state, i)), kIndent));
    between = ",\n    ";
  }
  out(between[0] == ',' ? "\n  ]\n}\n" : "]\n}\n");
}

std::string totals_text(const Plan& plan, const core::State& state, const Facts& facts,
                        const FindLog& find_log) {
  const Totals total = totals(state);
  std::string out = "\n" + closing_lines(plan, state, Style{}, find_log) + resume_line(state, facts);
  out += counted(total.attempts, "attempt") + " on " + counted(state.agents.size(), "agent");
  // Without recipes the number is omitted: a script starts its own server in each attempt, or none.
  if (total.recipes)
    out += ", " + counted(total.server_starts, "server start") + " for " +
           counted(static_cast<std::size_t>(state.count(core::PointState::Done)), "point") + " done";
  out += "\n";
  if (!total.phases.empty()) {
    std::vector<std::string> words;
    for (const PhaseTime& phase : total.phases)
      words.push_back(phase.name + " " + duration_text(phase.time));
    out += "total time by phase: " + join(words, ", ") + "\n";
  }
  if (!total.containers.empty()) {
    std::vector<std::string> words;
    for (const auto& [runtime, attempts] : total.containers)
      words.push_back(printable(runtime) + " in " + counted(attempts, "attempt"));
    out += "containers: " + join(words, ", ") + "\n";
  }
  out += scores_summary(plan, state);
  if (const auto elapsed = elapsed_time(state, facts))
    out += "elapsed " + duration_text(*elapsed) + (state.resumed ? " since the last resume" : "") +
           " (until the last point finished)\n";
  return out;
}

ordered_json totals_json(const Plan& plan, const core::State& state, const Facts& facts) {
  const Totals total = totals(state);
  ordered_json failed = ordered_json::array(), unfinished = ordered_json::array();
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    const core::PointStatus& point = state.points[i];
    if (point.state == core::PointState::Done || point.state == core::PointState::Withdrawn) continue;
    (point.state == core::PointState::Failed ? failed : unfinished)
        .push_back({{"label", label(plan.points[i])}, {"reason", point.reason}});
  }
  const auto elapsed = elapsed_time(state, facts);
  ordered_json phases = ordered_json::object();
  for (const PhaseTime& phase : total.phases)
    phases[phase.name] = static_cast<double>(phase.time.count()) / 1000;
  return {{"sweep", facts.sweep},
          {"directory", facts.directory},
          {"job", facts.job},
          {"complete", core::complete(state)},
          {"reason", state.end_reason},
          {"resume", resume_line(state, facts).empty() ? "" : facts.resume},
          {"points", core::total_points(state)},
          {"done", state.count(core::PointState::Done)},
          {"valid", valid_points(state)},
          {"failed", std::move(failed)},
          {"unfinished", std::move(unfinished)},
          {"attempts", total.attempts},
          {"agents", state.agents.size()},
          {"server_starts", total.server_starts},
          {"phases", std::move(phases)},
          {"containers", total.containers},
          {"evals", scores_summary_json(plan, state)},
          {"wall_s", elapsed ? ordered_json(static_cast<double>(elapsed->count()) / 1000) : ordered_json()}};
}

}  // namespace sweep::view
