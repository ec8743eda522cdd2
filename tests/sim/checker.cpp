#include "tests/sim/checker.hpp"

#include <algorithm>

#include "util/json.hpp"

namespace sweep::sim {

std::string result_bytes(const wire::AttemptRef& ref) {
  return "result of " + name_of(ref);
}

std::vector<std::pair<Artifact, std::string>> left_files(const wire::AttemptRef& ref) {
  std::vector<std::pair<Artifact, std::string>> out;
  const std::size_t count = std::hash<std::string>()(name_of(ref) + "files") % 4;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string content = i == 2 ? "" : "file " + std::to_string(i) + " of " + name_of(ref);
    out.push_back(
        {{"results/" + std::to_string(i), static_cast<std::int64_t>(content.size()), i > 0}, content});
  }
  return out;
}

bool is_result(const std::string& bytes) {
  return bytes.starts_with("result of ");
}

// ---- called by the controller

void Checker::committed(const Batch& batch) {
  for (const core::Event& event : batch.events) {
    journal_.push_back(event);
    take(event, batch);
  }
}

void Checker::take(const core::Event& event, const Batch& batch) {
  if (const auto* leased = std::get_if<core::Leased>(&event.what)) return take(*leased, event.at);
  if (const auto* ended = std::get_if<core::Ended>(&event.what)) return take(*ended, batch);
  if (const auto* resumed = std::get_if<core::Resumed>(&event.what)) return take(*resumed);
  if (const auto* joined = std::get_if<core::AgentJoined>(&event.what)) {
    agents_[joined->agent.id] = joined->agent;
    gone_.erase(joined->agent.id);
  } else if (const auto* gone = std::get_if<core::AgentGone>(&event.what)) {
    gone_.insert(gone->agent);
  } else if (const auto* returned = std::get_if<core::AgentReturned>(&event.what)) {
    gone_.erase(returned->agent);
  } else if (const auto* quarantined = std::get_if<core::Quarantined>(&event.what)) {
    quarantined_.insert(quarantined->node);
  } else if (const auto* ends = std::get_if<core::JobEnds>(&event.what)) {
    job_ends_[ends->job] = ends->end;
  }
  ending_ = ending_ || std::holds_alternative<core::Stopping>(event.what) ||
            std::holds_alternative<core::Closed>(event.what);
}

void Checker::take(const core::Resumed& resumed) {
  ending_ = false;
  quarantined_.clear();
  job_ends_.clear();
  withdrawn_ = {resumed.withdrawn.begin(), resumed.withdrawn.end()};
  for (const auto& [name, agent] : agents_)
    gone_.insert(name);
}

void Checker::take(const core::Leased& leased, Instant at) {
  const std::string what = name_of(leased.ref) + " is leased to " + leased.agent + ", ";
  if (!leased_to_.emplace(key(leased.ref), leased.agent).second) violation(what + "but was leased before");
  const core::AgentInfo& agent = agents_.at(leased.agent);
  const auto end = job_ends_.find(agent.job);
  if (ending_) violation(what + "but the sweep is ending");
  if (gone_.contains(leased.agent)) violation(what + "which is gone");
  if (quarantined_.contains(agent.node)) violation(what + "but " + agent.node + " is quarantined");
  if (withdrawn_.contains(leased.ref.point)) violation(what + "but is withdrawn");
  if (has_result(leased.ref.point)) violation(what + "but has a result");
  if (end != job_ends_.end() && at >= end->second) violation(what + "whose job has ended");
}

void Checker::take(const core::Ended& ended, const Batch& batch) {
  if (!ended.lost && !ended_.insert(key(ended.ref)).second)
    violation("the journal has two ends of " + name_of(ended.ref));
  if (!ended.accepted) return;
  const auto [old, first] = accepted_.emplace(ended.ref.point, ended.ref.attempt);
  if (!first)
    violation("a second result of " + ended.ref.point + " is accepted: attempt " +
              std::to_string(ended.ref.attempt) + " after " + std::to_string(old->second));
  const auto stored = std::find_if(batch.results.begin(), batch.results.end(),
                                   [&](const StoredResult& result) { return result.ref == ended.ref; });
  if (stored == batch.results.end() || !stored->accepted)
    violation(name_of(ended.ref) + " is accepted without its result in the same commit");
  if (stored->bytes != result_bytes(ended.ref))
    violation("'" + stored->bytes + "' is accepted as the result of " + name_of(ended.ref));
  check_files(ended);
}

void Checker::installed(const wire::AttemptRef& ref, std::map<std::string, std::string> files) {
  files_[ref.point] = {ref.attempt, std::move(files)};
}

/// What the account says was collected must be in place, whole and of this attempt.
void Checker::check_files(const core::Ended& ended) const {
  const auto left = left_files(ended.ref);
  const auto& collected = ended.account.collected;
  if (collects && !left.empty() && !collected)
    violation("files of " + name_of(ended.ref) + " are missing without a reason");
  if (!collected || collected->files == 0) return;
  const auto found = files_.find(ended.ref.point);
  if (found == files_.end() || found->second.first != ended.ref.attempt)
    violation("the files of " + name_of(ended.ref) + " are not in place");
  const auto& files = found->second.second;
  if (static_cast<std::int64_t>(files.size()) != collected->files)
    violation("some files of " + name_of(ended.ref) + " are missing");
  for (const auto& [file, content] : left) {
    const auto there = files.find(file.name);
    if (there == files.end() && collected->left_out.empty())
      violation(file.name + " of " + name_of(ended.ref) + " is missing without a reason");
    if (there == files.end()) continue;
    if (there->second != content) violation(file.name + " of " + name_of(ended.ref) + " is damaged");
    if (!file.own && mixed_.contains(key(ended.ref)))
      violation(file.name + " of " + name_of(ended.ref) + " may be mixed with another attempt's");
  }
}

void Checker::leased(const wire::AttemptRef& ref, const std::string& agent) {
  const auto found = leased_to_.find(key(ref));
  if (found == leased_to_.end())
    violation(name_of(ref) + " is leased to " + agent + " before the lease is committed");
  if (found->second != agent)
    violation(name_of(ref) + ", leased to " + found->second + ", is sent to " + agent);
}

void Checker::settled(const wire::Settled& message) {
  if (!message.accepted) return;
  const auto found = accepted_.find(message.ref.point);
  if (found == accepted_.end() || found->second != message.ref.attempt)
    violation("the result of " + name_of(message.ref) + " is acknowledged, but the journal does not have it");
}

// ---- called by the agents

void Checker::received(const wire::AttemptRef& ref, std::uint64_t process) {
  if (received_by_.emplace(key(ref), process).first->second != process)
    violation("two agents get the lease " + name_of(ref));
}

void Checker::finished(const wire::Finished& message, const std::string& bulk) {
  const std::string all =
      outcome_to_json(message.outcome).dump() + " " + std::to_string(message.wall_ms) + " " + bulk;
  const auto [known, first] = reported_ends_.try_emplace(key(message.ref), all);
  if (known->second != all)
    violation("two different ends of " + name_of(message.ref) + " are reported: " + known->second +
              ", then " + all);
  if (bulk.empty() == (message.outcome.kind == OutcomeKind::Ok))
    violation("the end of " + name_of(message.ref) +
              " is reported with a result although it is not ok, or without one although it is");
}

void Checker::forgotten(const wire::AttemptRef& ref) {
  if (!has_result(ref.point) && !has_end(ref))
    violation("the result of " + name_of(ref) + " is deleted, but the journal has no result of the point");
}

// ---- results

void Checker::check_points(const core::State& state) const {
  for (const core::PointStatus& point : state.points) {
    const std::string& id = point.spec.id;
    if (point.state == core::PointState::Done && !has_result(id)) violation(id + " is done without a result");
    const bool should = point.state == core::PointState::Done || point.state == core::PointState::Withdrawn;
    if (has_result(id) && !should)
      violation(id + " has a result but is " + std::string(core::state_word(point.state)));
  }
}

}  // namespace sweep::sim
