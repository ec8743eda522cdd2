#include "controller/view/plan_table.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "controller/plan/gang.hpp"
#include "controller/plan/hardware.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::view {

namespace {

using Cells = std::vector<std::string>;

bool is_agentic(const Point& point) {
  return point.inferencex && point.inferencex->agentic;
}

std::string hardware_of_point(const Point& point) {
  const std::string model = gpu_model(point.runner);
  return model.empty() ? point.runner : model;
}

/// Returns the cells in columns; the first two are left-aligned, numbers right-aligned.
std::string aligned(const std::vector<Cells>& rows) {
  constexpr std::size_t kLeft = 2, kNumbers = 5;
  std::vector<std::size_t> widths(kNumbers);
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < kNumbers; ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Cells& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(i < kNumbers ? widths[i] - row[i].size() : 0, ' ');
      line += "  " + (i < kLeft ? row[i] + padding : padding + row[i]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace

std::vector<PlanRow> plan_rows(const Plan& plan) {
  std::map<std::tuple<std::string, std::string, int, int, bool>, std::size_t> counts;
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id)) continue;
    ++counts[{is_agentic(point) ? kAgenticScenario : "fixed-seq-len", hardware_of_point(point),
              nodes_needed(plan.profile, point), gpus_needed(plan.profile, point),
              is_gang(plan.profile, point)}];
  }
  std::vector<PlanRow> out;
  for (const auto& [key, count] : counts) {
    const auto& [scenario, hardware, nodes, gpus, gang] = key;
    out.push_back({scenario, hardware, nodes, gpus, gang, count});
  }
  return out;
}

std::string plan_table(const Plan& plan) {
  std::vector<Cells> cells = {{"scenario", "hardware", "nodes", "GPUs", "points", ""}};
  std::size_t gangs = 0;
  for (const PlanRow& row : plan_rows(plan)) {
    cells.push_back({row.scenario, printable(row.hardware), std::to_string(row.nodes),
                     std::to_string(row.gpus), std::to_string(row.points), row.gang ? "gangs" : ""});
    if (row.gang) gangs += row.points;
  }
  std::string out = aligned(cells);
  if (gangs > 0)
    out += "  " + counted(gangs, "point") + (gangs == 1 ? " needs" : " need") +
           " several servers or nodes (gangs); this version does not run them: they will fail\n";
  return out;
}

std::string point_line(const Plan& plan, const Point& point) {
  const std::string roles = roles_text(gang_spec(plan.profile, point).value_or(core::GangSpec()));
  if (roles.empty()) return printable(label(point));
  return printable(label(point)) + " (" +
         counted(static_cast<std::size_t>(nodes_needed(plan.profile, point)), "node") + ": " + roles + ")";
}

nlohmann::ordered_json point_json(const Plan& plan, const Point& point) {
  nlohmann::ordered_json out = {{"label", label(point)},
                                {"nodes", nodes_needed(plan.profile, point)},
                                {"gpus", gpus_needed(plan.profile, point)}};
  for (const core::GangRole& role : gang_spec(plan.profile, point).value_or(core::GangSpec()).roles)
    out["roles"].push_back({{"name", role.name}, {"workers", role.workers}, {"gpus", role.gpus}});
  out["entry"] = entry_of(point);
  return out;
}

nlohmann::ordered_json plan_table_json(const Plan& plan) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const PlanRow& row : plan_rows(plan))
    out.push_back({{"scenario", row.scenario},
                   {"hardware", row.hardware},
                   {"nodes", row.nodes},
                   {"gpus", row.gpus},
                   {"gang", row.gang},
                   {"points", row.points}});
  return out;
}

namespace {

struct EvalCounts {
  std::size_t all = 0, only = 0;
};

EvalCounts count_evals(const Plan& plan) {
  EvalCounts out;
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id)) continue;
    out.all += is_evaluated(point) ? 1 : 0;
    out.only += is_only_evaluated(point) ? 1 : 0;
  }
  return out;
}

}  // namespace

std::string evals_text(const Plan& plan) {
  const EvalCounts counts = count_evals(plan);
  if (counts.all == 0) return {};
  return counted(counts.all, "point") + (counts.all == 1 ? " has" : " have") + " an evaluation" +
         (counts.only == 0 ? "" : ", " + std::to_string(counts.only) + " of them nothing else");
}

nlohmann::ordered_json evals_json(const Plan& plan) {
  const EvalCounts counts = count_evals(plan);
  return {{"points", counts.all}, {"only", counts.only}};
}

std::string node_hours_text(const Plan& plan) {
  constexpr double kHour = 3600;
  double seconds = 0;
  std::size_t known = 0, unknown = 0;
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id) || is_gang(plan.profile, point)) continue;
    const bool declared = plan.profile.point_timeout_declared;
    if (!is_agentic(point) && !declared) {
      ++unknown;
      continue;
    }
    ++known;
    seconds += is_agentic(point) ? static_cast<double>(point.inferencex->duration)
                                 : static_cast<double>(plan.profile.timeouts.point.count()) / 1000;
  }
  if (known == 0) return {};
  char hours[32];
  std::snprintf(hours, sizeof hours, "%.1f", seconds / kHour);
  return "about " + std::string(hours) + " node-hours for " + counted(known, "point") +
         (unknown == 0 ? std::string()
                       : "; the duration" + std::string(unknown == 1 ? "" : "s") + " of " +
                             counted(unknown, "point") + (unknown == 1 ? " is" : " are") + " unknown");
}

}  // namespace sweep::view
