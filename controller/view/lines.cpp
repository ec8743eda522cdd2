#include "controller/view/lines.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "controller/core/server_starts.hpp"
#include "controller/plan/hardware.hpp"
#include "controller/view/records.hpp"
#include "controller/view/status.hpp"
#include "util/text.hpp"

namespace sweep::view {

namespace {

constexpr const char* kGreen = "32";
constexpr const char* kRed = "31";
constexpr const char* kYellow = "33";
constexpr const char* kDim = "2";

std::string painted(const std::string& text, const char* colour, const Style& style) {
  return style.colour ? "\x1b[" + std::string(colour) + "m" + text + "\x1b[0m" : text;
}

struct LineContext {
  const Plan& plan;
  const core::State& state;
  const Style& style;

  std::string label_of(const std::string& point) const {
    return printable(label(plan.points[static_cast<std::size_t>(core::find_point(state, point))]));
  }
  std::string node_of(const std::string& agent) const { return printable(state.agents.at(agent).info.node); }
  std::string count() const {
    const int over = state.count(core::PointState::Done) + state.count(core::PointState::Failed);
    const std::string total = std::to_string(core::total_points(state));
    std::string text = std::to_string(over);
    text.insert(0, total.size() - std::min(total.size(), text.size()), ' ');
    return text + "/" + total;
  }
};

std::string joined_text(const core::State& state) {
  return std::to_string(state.roster.joined()) + " of " + std::to_string(core::announced_agents(state));
}

std::string on(const LineContext& context, const core::AgentJoined& e) {
  const auto found = context.state.agents.find(e.agent.id);
  const bool spare = found != context.state.agents.end() && core::is_spare(context.state, found->second);
  return printable(e.agent.node) + " joined with " + counted(e.agent.gpus.size(), "GPU") + " (" +
         joined_text(context.state) + ")" + (spare ? " as a spare: another agent has this node's GPUs" : "");
}
/// Reports the runner types of points that do not run on the agent because its GPUs are others.
std::string on(const LineContext& context, const core::AgentReady& e) {
  if (e.hardware.gpus.empty() || !e.serves) return {};
  const auto models = split(e.hardware.gpus, ',');
  const auto has = [](const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  };
  std::vector<std::string> others;
  for (const auto& [name, runner] : context.plan.runners) {
    const std::string model = gpu_model(runner);
    if (!model.empty() && !has(models, model) && !has(*e.serves, name)) others.push_back(runner);
  }
  if (others.empty()) return {};
  return painted(context.node_of(e.agent) + " has GPUs of type " + printable(e.hardware.gpus) + " (" +
                     printable(e.hardware.from) + "): points of " + printable(join(others, ", ")) +
                     " do not run there",
                 kYellow, context.style);
}
std::string on(const LineContext& context, const core::AgentGone& e) {
  return painted(context.node_of(e.agent) + " is gone: " + printable(e.reason), kYellow, context.style);
}
std::string on(const LineContext& context, const core::AgentReturned& e) {
  return context.node_of(e.agent) + " has reconnected";
}
std::string on(const LineContext&, const core::Leased&) {
  return {};
}
std::string on(const LineContext&, const core::Sending&) {
  return {};
}
std::string on(const LineContext&, const core::MemberEnded&) {
  return {};
}
std::string on(const LineContext& context, const core::Started& e) {
  const core::Attempt& attempt = *core::find_attempt(context.state, e.ref);
  return context.count() + " started " + context.label_of(e.ref.point) + " on " + printable(attempt.node) +
         (e.ref.attempt > 1 ? ", attempt " + std::to_string(e.ref.attempt) : "");
}
/// Returns "; 3 other points of this server wait until it has started once" after a failed start, if so.
std::string waiting_text(const LineContext& context, const core::Ended& e) {
  const core::State& state = context.state;
  const int key = core::point_at(state, core::find_point(state, e.ref.point)).key;
  const core::FailedStarts* failed = core::find_failed_starts(state, key);
  if (failed == nullptr || !core::failed_to_start(e.outcome)) return {};
  if (failed->count >= core::starts_allowed(state.settings)) return {};
  const std::size_t waiting = state.servers.waiting(key).size();
  return waiting == 0 ? ""
                      : "; " + counted(waiting, "point") + " of this server " +
                            (waiting == 1 ? "waits" : "wait") + " for one further start of it";
}
std::string on(const LineContext& context, const core::Ended& e) {
  const core::Attempt& attempt = *core::find_attempt(context.state, e.ref);
  const std::string who = context.label_of(e.ref.point) + " on " + printable(attempt.node);
  const bool again = e.next == core::PointState::Pending && context.state.phase == core::Phase::Running;
  const std::string done = who + ", " + duration_text(e.wall);
  if (!e.invalid.empty()) {
    return context.count() + painted(" invalid ", kYellow, context.style) + done + ": " +
           printable(join(e.invalid, "; ")) + (again ? "; retrying" : "");
  }
  if (e.accepted) return context.count() + painted(" done    ", kGreen, context.style) + done;
  const bool stopped = e.outcome.kind == OutcomeKind::Cancelled || e.outcome.kind == OutcomeKind::Preempted;
  const std::string verb = again ? " retry   " : stopped ? " stopped " : " failed  ";
  return context.count() + painted(verb, again || stopped ? kYellow : kRed, context.style) + who + ": " +
         printable(describe(e.outcome)) + waiting_text(context, e);
}
std::string on(const LineContext& context, const core::Unfit& e) {
  return context.count() + painted(" failed  ", kRed, context.style) + context.label_of(e.point) + ": " +
         printable(e.reason);
}
std::string on(const LineContext& context, const core::ServerUnusable& e) {
  return context.count() + painted(" failed  ", kRed, context.style) + counted(e.points.size(), "point") +
         ": " + printable(e.reason);
}
std::string on(const LineContext& context, const core::Stopping& e) {
  return painted("stopping: " + printable(e.reason), kYellow, context.style);
}
std::string on(const LineContext&, const core::Closed&) {
  return {};
}
std::string on(const LineContext&, const core::JobEnds&) {
  return {};
}
std::string on(const LineContext& context, const core::Quarantined& e) {
  return painted(printable(e.node) + " is quarantined, it gets no more work: " + printable(e.reason), kRed,
                 context.style);
}
std::string on(const LineContext& context, const core::Recovered&) {
  return painted("the controller was restarted; agents keep running their attempts", kYellow, context.style);
}
std::string on(const LineContext& context, const core::Paused& e) {
  return painted("the controller stood still for " + duration_text(e.length) +
                     " (suspended, or a very slow disk); its time limits begin anew",
                 kYellow, context.style);
}
std::string on(const LineContext& context, const core::Resumed&) {
  return "resumed: " + std::to_string(context.state.count(core::PointState::Done)) + " done, " +
         std::to_string(context.state.count(core::PointState::Pending)) + " to run";
}
std::string on(const LineContext& context, const core::Salvaged& e) {
  return context.count() + " recovered " + context.label_of(e.ref.point);
}

std::string clock_text(Millis time) {
  const std::int64_t seconds = std::max<std::int64_t>(0, time.count()) / 1000;
  char text[64];
  if (seconds >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02d:%02d", static_cast<long long>(seconds / 3600),
                  static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  } else {
    std::snprintf(text, sizeof text, "%d:%02d", static_cast<int>(seconds / 60),
                  static_cast<int>(seconds % 60));
  }
  return text;
}

constexpr std::size_t kBarColumns = 26;

std::string bar(const core::State& state, const Style& style) {
  constexpr int kWidth = kBarColumns - 2;
  const int total = std::max<int>(1, core::total_points(state));
  const int ended = state.count(core::PointState::Done) + state.count(core::PointState::Failed);
  const int running = state.count(core::PointState::Running) + state.count(core::PointState::Leased);
  const int full = kWidth * ended / total;
  const int begun = std::min(kWidth - full, (kWidth * running + total - 1) / total);
  return "[" + painted(std::string(static_cast<std::size_t>(full), '#'), kGreen, style) +
         std::string(static_cast<std::size_t>(begun), '>') +
         painted(std::string(static_cast<std::size_t>(kWidth - full - begun), '.'), kDim, style) + "]";
}

/// Returns the progress of the running attempts as reported by the agents: "n1 45/100, n2 loading".
std::string running_text(const core::State& state, const Facts& facts) {
  std::string out;
  for (const auto& [id, agent] : state.agents) {
    for (const auto& [index, number] : agent.held) {
      const auto found = facts.progress.find({core::point_at(state, index).spec.id, number});
      if (found == facts.progress.end()) continue;
      out += (out.empty() ? "" : ", ") + printable(agent.info.node) + " " + progress_text(found->second);
    }
  }
  return out;
}

/// Returns how the point ended; std::nullopt if it is done with a valid result, or withdrawn.
std::optional<Ending> ending_of(const Plan& plan, const core::State& state, std::size_t index) {
  const core::PointStatus& point = state.points[index];
  const std::vector<std::string>& invalid = core::invalid_reasons(point);
  const bool done = point.state == core::PointState::Done;
  if (point.state == core::PointState::Withdrawn || (done && invalid.empty())) return std::nullopt;
  Ending out;
  out.word = done ? "invalid" : point.state == core::PointState::Failed ? "failed" : "unfinished";
  out.label = printable(label(plan.points[index]));
  out.reason = printable(done ? join(invalid, "; ") : point.reason);
  if (point.attempts.empty()) return out;
  const core::Attempt& last = point.attempts.back();
  // A point that waits for another attempt has no reason of its own.
  if (out.reason.empty() && last.outcome) out.reason = printable(describe(*last.outcome));
  out.log_stem = log_stem(plan, static_cast<int>(index), static_cast<int>(point.attempts.size()), last.node);
  if (done) return out;
  for (const std::string& line : last.account.server_says)
    out.server_says.push_back(printable(line));
  return out;
}

}  // namespace

std::string points_text(int done, int total, int invalid) {
  const std::string points =
      std::to_string(done) + " of " + counted(static_cast<std::size_t>(std::max(total, 0)), "point");
  return invalid == 0 ? points + " done" : points + " ran, " + std::to_string(done - invalid) + " valid";
}

Instant session_start(const core::State& state, const Facts& facts) {
  return state.resumed.value_or(facts.opened);
}

std::string duration_text(Millis time) {
  char text[64];
  const double seconds = static_cast<double>(time.count()) / 1000;
  const auto whole = static_cast<long long>(seconds);
  if (seconds < 10) {
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  } else if (seconds < 120) {
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  } else if (seconds < 3600) {
    std::snprintf(text, sizeof text, "%lld min %02lld s", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld h %02lld min", whole / 3600, whole / 60 % 60);
  }
  return text;
}

std::string size_text(std::int64_t bytes) {
  constexpr double kMega = 1e6, kGiga = 1e9;
  char text[64];
  const auto number = static_cast<double>(bytes);
  std::snprintf(text, sizeof text, number < kGiga ? "%.1f MB" : "%.1f GB",
                number / (number < kGiga ? kMega : kGiga));
  return text;
}

std::string progress_text(const AttemptProgress& progress) {
  if ((progress.phase == "image" || progress.phase == "files") && progress.done > 0) {
    // The total is known when the image is already here and only has to be unpacked; before that it rarely
    // is.
    const bool more_to_come = progress.total > progress.done;
    return progress.phase + " " + size_text(progress.done) +
           (more_to_come ? " of " + size_text(progress.total) : std::string());
  }
  if (progress.total > 0) return std::to_string(progress.done) + "/" + std::to_string(progress.total);
  return printable(progress.phase);
}

std::string event_line(const Plan& plan, const core::State& state, const core::Event& event,
                       const Facts& facts, const Style& style) {
  const LineContext context{plan, state, style};
  const std::string what = std::visit([&](const auto& e) { return on(context, e); }, event.what);
  if (what.empty()) return {};
  return painted("[" + clock_text(event.at - session_start(state, facts)) + "]", kDim, style) + " " + what;
}

std::string bar_line(const Plan&, const core::State& state, const Facts& facts, Instant now,
                     const Style& style) {
  using core::PointState;
  const Pace speed = pace(state, now);
  const int invalid = core::invalid_points(state);
  std::string text = " " + std::to_string(state.count(PointState::Done)) + " done, " +
                     (invalid > 0 ? std::to_string(invalid) + " not valid, " : std::string()) +
                     std::to_string(state.count(PointState::Running) + state.count(PointState::Leased)) +
                     " running, " + std::to_string(state.count(PointState::Failed)) + " failed, " +
                     std::to_string(state.count(PointState::Pending)) + " pending";
  if (speed.points_per_minute > 0) {
    char rate[64];
    std::snprintf(rate, sizeof rate, ", %.1f/min", speed.points_per_minute);
    text += rate;
  }
  if (speed.to_go) text += ", ETA " + clock_text(*speed.to_go);
  if (const std::string running = running_text(state, facts); !running.empty()) text += " | " + running;
  // The last column stays free, so that no terminal wraps. Bytes are counted, because a character never takes
  // more columns than bytes.
  const std::size_t room = static_cast<std::size_t>(std::max(style.columns - 1, 0));
  if (room < 2 * kBarColumns) return clipped(text.substr(1), room);
  return bar(state, style) + clipped(text, room - kBarColumns);
}

std::string closing_lines(const Plan& plan, const core::State& state, const Style& style,
                          const FindLog& find_log) {
  constexpr std::size_t kWord = sizeof "unfinished" - 1;
  using core::PointState;
  const int invalid = core::invalid_points(state);
  std::string out = points_text(state.count(PointState::Done), core::total_points(state), invalid);
  if (const int failed = state.count(PointState::Failed); failed > 0)
    out += ", " + std::to_string(failed) + " failed";
  const int unfinished =
      core::total_points(state) - state.count(PointState::Done) - state.count(PointState::Failed);
  if (unfinished > 0) out += ", " + std::to_string(unfinished) + " unfinished";
  out = painted(out, !core::complete(state) ? kRed : invalid > 0 ? kYellow : kGreen, style);
  if (!state.end_reason.empty()) out += " (" + printable(state.end_reason) + ")";
  out += "\n";
  Endings endings(find_log);
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    if (auto ending = ending_of(plan, state, i)) endings.add(*std::move(ending));
  }
  out += endings.text(kWord);
  for (const auto& [name, node] : state.nodes) {
    if (!node.quarantine.empty())
      out += "  quarantined " + printable(name) + ": " + printable(node.quarantine) + "\n";
  }
  return out;
}

}  // namespace sweep::view
