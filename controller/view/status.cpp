#include "controller/view/status.hpp"

#include <algorithm>

#include "controller/view/endings.hpp"
#include "controller/view/lines.hpp"
#include "controller/view/records.hpp"
#include "controller/view/resume.hpp"
#include "controller/view/scores.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::view {

using nlohmann::ordered_json;

namespace {

std::string sweep_state(const core::State& state, const Facts& facts) {
  if (state.phase == core::Phase::Closed) return core::complete(state) ? "done" : "incomplete";
  if (facts.owner.empty()) return "interrupted";  // its controller has ended without closing it
  return state.phase == core::Phase::Stopping ? "stopping" : "running";
}

ordered_json counts_json(const core::State& state) {
  ordered_json counts = {{"total", core::total_points(state)}};
  for (std::size_t i = 0; i < core::kPointStates; ++i) {
    counts[std::string(core::state_word(static_cast<core::PointState>(i)))] = state.counts[i];
  }
  counts["valid"] = state.count(core::PointState::Done) - core::invalid_points(state);
  return counts;
}

/// A list that accepts entries until no bytes are left; further entries are only counted.
class List {
 public:
  explicit List(std::size_t& bytes_left) : bytes_left_(bytes_left) {}
  void add(ordered_json entry) {
    const std::size_t size =
        entry.dump(-1, ' ', false, ordered_json::error_handler_t::replace).size() + sizeof(", ");
    if (left_out_ > 0 || size > bytes_left_) {
      ++left_out_;
    } else {
      bytes_left_ -= size;
      entries_.push_back(std::move(entry));
    }
  }
  std::size_t left_out() const { return left_out_; }
  ordered_json take() { return std::move(entries_); }

 private:
  std::size_t& bytes_left_;
  std::size_t left_out_ = 0;
  ordered_json entries_ = ordered_json::array();
};

/// Returns the points that wait until their server, which failed to start, has been started once more.
ordered_json held_back_json(const core::State& state) {
  constexpr std::size_t kMostKeys = 20;
  ordered_json out = ordered_json::array();
  for (const auto& [key, failed] : state.failed_starts) {
    const std::size_t waiting = state.servers.waiting(key).size();
    if (waiting == 0 || out.size() == kMostKeys) continue;
    out.push_back({{"points", waiting}, {"failed_on", failed.nodes}, {"reason", failed.reason}});
  }
  return out;
}

void list_agents(const core::State& state, List& agents) {
  for (const auto& [id, agent] : state.agents) {
    if (agent.session != state.session) continue;  // of an earlier session
    const std::string word = agent.gone                           ? "gone"
                             : core::is_quarantined(state, agent) ? "quarantined"
                             : core::is_spare(state, agent)       ? "spare"
                             : agent.held.empty()                 ? "idle"
                                                                  : "busy";
    agents.add({{"agent", id},
                {"node", agent.info.node},
                {"gpus", agent.info.gpus.size()},
                {"gpus_in_use", agent.gpus_held},
                {"state", word},
                {"reason", agent.gone_reason}});
  }
}

ordered_json attempt_json(const Plan& plan, const core::State& state, std::size_t index, const Facts& facts,
                          Instant now) {
  const core::PointStatus& point = state.points[index];
  const core::Attempt& attempt = point.attempts.back();
  const int number = static_cast<int>(point.attempts.size());
  ordered_json out = {{"point", point.spec.id},
                      {"label", label(plan.points[index])},
                      {"node", attempt.node},
                      {"attempt", number},
                      {"seconds", static_cast<double>((now - attempt.leased).count()) / 1000}};
  const auto found = facts.progress.find({point.spec.id, number});
  const AttemptProgress progress = found == facts.progress.end() ? AttemptProgress{} : found->second;
  out["phase"] = progress.phase;
  out["progress"] = progress.done;
  out["progress_total"] = progress.total;
  return out;
}

ordered_json point_json(const Plan& plan, const core::State& state, std::size_t index,
                        const FindLog& find_log) {
  const core::PointStatus& point = state.points[index];
  ordered_json out = {{"point", point.spec.id},
                      {"label", label(plan.points[index])},
                      {"state", core::state_word(point.state)},
                      {"attempts", point.attempts.size()},
                      {"node", point.attempts.empty() ? "" : point.attempts.back().node},
                      {"reason", point.reason}};
  const std::vector<std::string>& invalid = core::invalid_reasons(point);
  const bool done = point.state == core::PointState::Done;
  if (find_log && !point.attempts.empty() && (!done || !invalid.empty())) {
    const auto attempts = static_cast<int>(point.attempts.size());
    const std::string log =
        find_log(log_stem(plan, static_cast<int>(index), attempts, point.attempts.back().node));
    if (!log.empty()) out["log"] = log;
  }
  if (!done) return out;
  out["valid"] = invalid.empty();
  if (!invalid.empty()) out["invalid_reasons"] = invalid;
  for (const core::Attempt& attempt : point.attempts) {
    if (attempt.accepted && !attempt.account.scores.empty())
      out["evals"] = scores_json(attempt.account.scores);
  }
  return out;
}

void list_points(const Plan& plan, const core::State& state, const Facts& facts, Instant now,
                 const FindLog& find_log, List& running, List& ended) {
  constexpr std::size_t kMostLogs = 50;  // more would keep a controller busy with the disk
  std::vector<std::size_t> over;
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    const core::PointState now_is = state.points[i].state;
    if (now_is == core::PointState::Leased || now_is == core::PointState::Running) {
      running.add(attempt_json(plan, state, i, facts, now));
    } else if (now_is != core::PointState::Pending && now_is != core::PointState::Withdrawn) {
      over.push_back(i);
    }
  }
  const auto rank = [&](std::size_t i) {
    if (state.points[i].state != core::PointState::Done) return 0;
    return core::has_invalid_result(state.points[i]) ? 1 : 2;
  };
  std::stable_sort(over.begin(), over.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  for (std::size_t n = 0; n < over.size(); ++n)
    ended.add(point_json(plan, state, over[n], n < kMostLogs ? find_log : FindLog()));
}

std::string field(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  return printable(found->is_string() ? found->get<std::string>() : found->dump());
}

void append_running(const ordered_json& status, std::string& out) {
  for (const ordered_json& run : status.value("running", ordered_json::array())) {
    out += "  running  " + field(run, "label") + " on " + field(run, "node");
    const std::string far = progress_text({run.value("phase", ""), run.value("progress", std::int64_t{0}),
                                           run.value("progress_total", std::int64_t{0})});
    if (!far.empty()) out += ", " + far;
    out += ", " + duration_text(Millis(static_cast<std::int64_t>(run.value("seconds", 0.0) * 1000))) + "\n";
  }
}

void append_held_back(const ordered_json& status, std::string& out) {
  for (const ordered_json& held : status.value("held_back", ordered_json::array())) {
    const auto points = held.value("points", std::size_t{0});
    out += "  waiting  " + counted(points, "point") + (points == 1 ? " waits" : " wait") +
           " for one further start of a server that failed to start on " +
           printable(join(held.value("failed_on", std::vector<std::string>()), ", ")) + ": " +
           field(held, "reason") + "\n";
  }
}

void append_failed(const ordered_json& status, std::string& out) {
  const std::string directory = field(status, "directory");
  Endings endings([&](const std::string& log) { return directory.empty() ? log : directory + "/" + log; });
  for (const ordered_json& point : status.value("ended", ordered_json::array())) {
    Ending ending;
    ending.word = field(point, "state");
    ending.reason = field(point, "reason");
    if (ending.word == "done") {
      const auto reasons = point.value("invalid_reasons", std::vector<std::string>());
      if (reasons.empty()) continue;
      ending.word = "invalid";
      ending.reason = printable(join(reasons, "; "));
    }
    ending.label = field(point, "label");
    ending.log_stem = field(point, "log");
    endings.add(std::move(ending));
  }
  out += endings.text(0);
}

}  // namespace

std::optional<Instant> last_end(const core::State& state) {
  std::optional<Instant> last;
  for (const core::PointStatus& point : state.points) {
    for (const core::Attempt& attempt : point.attempts) {
      if (attempt.ended && (!last || *attempt.ended > *last)) last = attempt.ended;
    }
  }
  return last;
}

Pace pace(const core::State& state, Instant now) {
  // Only this session counts: its speed does not depend on earlier ones.
  std::optional<Instant> first;
  int ended = 0, left = 0;
  for (const core::PointStatus& point : state.points) {
    const bool over = point.state == core::PointState::Done || point.state == core::PointState::Failed;
    left += !over && point.state != core::PointState::Withdrawn;
    if (point.attempts.empty()) continue;
    const core::Attempt& last = point.attempts.back();
    if (state.resumed && last.leased < *state.resumed) continue;
    const auto begun = std::find_if(
        point.attempts.begin(), point.attempts.end(),
        [&](const core::Attempt& attempt) { return !state.resumed || attempt.leased >= *state.resumed; });
    first = earlier(first, begun->leased);
    ended += over;
  }
  Pace out;
  if (!first || ended == 0 || now <= *first) return out;
  const double minutes = static_cast<double>((now - *first).count()) / 60'000;
  out.points_per_minute = ended / minutes;
  if (left > 0 && state.phase == core::Phase::Running)
    out.to_go = Millis(static_cast<std::int64_t>(left / out.points_per_minute * 60'000));
  return out;
}

Instant last_change(const core::State& state, const Facts& facts) {
  Instant last = facts.opened;
  for (const core::PointStatus& point : state.points) {
    for (const core::Attempt& attempt : point.attempts) {
      last = std::max({last, attempt.leased, attempt.started.value_or(last), attempt.ended.value_or(last)});
    }
  }
  return last;
}

ordered_json status_json(const Plan& plan, const core::State& state, const Facts& facts, Instant now,
                         std::size_t max_bytes, const FindLog& find_log) {
  // The elapsed time of a closed sweep ends when its last attempt ended, no matter when the status is read.
  const bool over = state.phase == core::Phase::Closed;
  const Instant until = over ? std::max(facts.opened, last_end(state).value_or(facts.opened)) : now;
  const Pace speed = pace(state, until);
  ordered_json out = {{"sweep", facts.sweep},
                      {"directory", facts.directory},
                      {"job", facts.job},
                      {"state", sweep_state(state, facts)},
                      {"reason", state.end_reason},
                      {"controller", facts.owner},
                      {"points", counts_json(state)},
                      {"strict", state.settings.strict},
                      {"elapsed_s", static_cast<double>((until - facts.opened).count()) / 1000},
                      {"rate_per_minute", speed.points_per_minute}};
  out["eta_s"] =
      speed.to_go ? ordered_json(static_cast<double>(speed.to_go->count()) / 1000) : ordered_json();
  // A large sweep has many ended points; they get half of the bytes, so that running ones and agents are
  // listed, too.
  std::size_t left_for_ended = max_bytes / 2, left_for_others = max_bytes - left_for_ended;
  List running(left_for_others), agents(left_for_others), ended(left_for_ended);
  list_points(plan, state, facts, now, find_log, running, ended);
  list_agents(state, agents);
  out["agents"] = agents.take();
  out["running"] = running.take();
  out["ended"] = ended.take();
  out["held_back"] = held_back_json(state);
  const auto advice = resume_advice(state, facts);
  out["resume"] =
      advice ? ordered_json{{"what", advice->what}, {"command", advice->command}} : ordered_json();
  const std::size_t left_out = agents.left_out() + running.left_out() + ended.left_out();
  if (left_out > 0) {
    out["left_out"] = {
        {"agents", agents.left_out()}, {"running", running.left_out()}, {"ended", ended.left_out()}};
  }
  return out;
}

std::string status_text(const ordered_json& status) {
  const ordered_json counts = status.value("points", ordered_json::object());
  std::string out = "sweep " + field(status, "sweep") + ": " + field(status, "state");
  if (!field(status, "reason").empty()) out += " (" + field(status, "reason") + ")";
  if (!field(status, "job").empty()) out += ", job " + field(status, "job");
  if (!field(status, "controller").empty()) out += ", controller on " + field(status, "controller");
  const int running = counts.value("running", 0) + counts.value("leased", 0);
  const int done = counts.value("done", 0), invalid = done - counts.value("valid", done);
  out += "\n  " +
         (invalid > 0 ? points_text(done, counts.value("total", 0), invalid)
                      : field(counts, "done") + " of " + field(counts, "total") + " done") +
         ", " + std::to_string(running) + " running, " + field(counts, "failed") + " failed, " +
         field(counts, "pending") + " pending";
  if (const int cancelled = counts.value("cancelled", 0); cancelled > 0) {
    out += ", " + std::to_string(cancelled) + " cancelled";
  }
  if (status.contains("eta_s") && status["eta_s"].is_number()) {
    out += ", ETA " + duration_text(Millis(static_cast<std::int64_t>(status["eta_s"].get<double>() * 1000)));
  }
  out += "\n";
  append_running(status, out);
  append_held_back(status, out);
  append_failed(status, out);
  if (status.contains("left_out")) {
    out += "  not listed: " + field(status["left_out"], "running") + " more running, " +
           field(status["left_out"], "ended") + " more ended\n";
  }
  if (const auto resume = status.find("resume"); resume != status.end() && resume->is_object())
    out += "  " + field(*resume, "what") + ": " + field(*resume, "command") + "\n";
  return out;
}

}  // namespace sweep::view
