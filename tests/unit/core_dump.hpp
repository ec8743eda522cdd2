// Prints a State as text, so that two states can be compared and the difference read. It contains everything
// except what the journal does not store (when an agent was last seen).
#pragma once

#include <sstream>
#include <string>

#include "controller/core/state.hpp"
#include "util/json.hpp"

namespace sweep::core {

inline std::string dump_time(const std::optional<Instant>& at) {
  return at ? std::to_string(to_unix_ms(*at)) : "-";
}

inline std::string dump(const Attempt& a) {
  std::ostringstream out;
  out << "    " << a.agent << " " << a.node << " state " << static_cast<int>(a.state) << " leased "
      << to_unix_ms(a.leased) << " started " << dump_time(a.started) << " ended " << dump_time(a.ended)
      << " pid " << a.pid << " in " << a.directory.str() << a.shared << " wall " << a.wall.count() << " "
      << account_to_json(a.account) << (a.accepted ? " accepted " : " ")
      << (a.outcome ? outcome_to_json(*a.outcome).dump() : "-");
  for (const GangMember& member : a.members)
    out << " " << member.agent << ":" << member.gpus << (member.ended ? " ended" : "");
  out << "\n";
  return out.str();
}

inline std::string dump(const PointStatus& p) {
  std::ostringstream out;
  out << "  " << p.spec.id << " gpus " << p.spec.gpus << " " << state_word(p.state) << " failures "
      << p.infrastructure_failures << " " << p.benchmark_failures << " bad";
  for (const std::string& node : p.bad_nodes)
    out << " " << node;
  out << " reason '" << p.reason << "'\n";
  for (const Attempt& attempt : p.attempts)
    out << dump(attempt);
  return out.str();
}

inline std::string dump(const AgentStatus& a) {
  std::ostringstream out;
  out << "  " << a.info.id << " " << a.info.node << " " << a.info.job << "." << a.info.step << " task "
      << a.info.task << "/" << a.info.tasks << " pid " << a.info.pid << " order " << a.order << " ready "
      << a.ready << " session " << a.session << " leaving " << a.leaving << " gone " << a.gone << " '"
      << a.gone_reason << "' gpus";
  for (const std::string& gpu : a.info.gpus)
    out << " " << gpu;
  out << " of " << a.hardware.gpus << " from " << a.hardware.from << " mapped " << a.hardware.mapped;
  out << " held";
  for (const auto& [index, number] : a.held)
    out << " " << index << "/" << number;
  out << " (" << a.gpus_held << ") sending";
  for (const auto& [index, number] : a.sending)
    out << " " << index << "/" << number;
  out << " warm";
  for (const WarmServer& server : a.warm)
    out << " " << server.key << ":" << server.gpus;
  out << "\n";
  return out.str();
}

inline std::string dump(const State& s) {
  std::ostringstream out;
  out << "session " << s.session << " announced " << s.announced << " phase " << static_cast<int>(s.phase)
      << " '" << s.end_reason << "' start failures " << s.start_failures.points << s.start_failures.others
      << " '" << s.start_failures.reason << "' joins " << s.joins << " first " << dump_time(s.first_join)
      << " stop " << dump_time(s.stop_deadline) << " counts";
  for (const int count : s.counts)
    out << " " << count;
  out << " pending";
  for (const auto& [gpus, index] : s.pending)
    out << " " << gpus << ":" << index;
  out << "\npoints\n";
  for (const PointStatus& point : s.points)
    out << dump(point);
  for (const auto& [name, node] : s.nodes)
    out << "node " << name << " " << node.failures << " '" << node.last_reason << "' '" << node.quarantine
        << "'\n";
  for (const auto& [key, failed] : s.failed_starts) {
    out << "server " << key << " failed to start " << failed.count << " times, '" << failed.reason << "' on";
    for (const std::string& node : failed.nodes)
      out << " " << node;
    out << "\n";
  }
  for (const auto& [job, end] : s.job_ends)
    out << "job " << job << " ends " << to_unix_ms(end) << "\n";
  for (const auto& [job, answered] : s.job_end_answered)
    out << "job " << job << (answered ? " end is answered\n" : " end is not answered\n");
  for (const auto& [kind, walls] : s.walls)
    out << "kind '" << kind << "' takes " << walls.value().value_or(Millis(-1)).count() << "\n";
  out << "servers start in " << s.server_starts.value().value_or(Millis(-1)).count() << "\n";
  out << "agents\n";
  for (const auto& [id, agent] : s.agents)
    out << dump(agent);
  return out.str();
}

}  // namespace sweep::core
