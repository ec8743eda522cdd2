// What a plan consists of, as a table for `sweepctl check`: points by scenario, hardware, nodes and GPUs. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/plan/plan.hpp"

namespace sweep::view {

/// The points of a plan that are alike in these fields.
struct PlanRow {
  std::string scenario;  // "fixed-seq-len" or "agentic-coding"
  std::string hardware;  // GPU model of the runner, or the runner if it names none
  int nodes = 1;
  int gpus = 0;       // of all servers
  bool gang = false;  // not run by this version
  std::size_t points = 0;
};

/// Returns the rows, sorted by their fields. Withdrawn points are not counted.
std::vector<PlanRow> plan_rows(const Plan& plan);

/// Returns the table with a header, and a line for what cannot run and why.
std::string plan_table(const Plan& plan);

/// Returns the line of a point: its label, and for a gang whose recipe has roles its nodes and roles: "… conc32 (3 nodes:
/// prefill 1 x 8 GPUs, decode 2 x 8 GPUs, router)".
std::string point_line(const Plan& plan, const Point& point);

/// Returns a point as a JSON object with label, nodes, gpus and entry, and roles if its recipe has some.
nlohmann::ordered_json point_json(const Plan& plan, const Point& point);

/// Returns the rows as a JSON array of objects with the fields' names.
nlohmann::ordered_json plan_table_json(const Plan& plan);

/// Returns how many points have an evaluation: "12 points have an evaluation, 4 of them nothing else"; "" if none has.
std::string evals_text(const Plan& plan);

/// Returns the same as an object with the keys points and only.
nlohmann::ordered_json evals_json(const Plan& plan);

/// Returns how many node-hours the points take whose durations are known (agentic ones have one; others if the profile
/// sets timeouts.point), and how many points have no known duration: "about 3.5 node-hours for 4 points; the durations
/// of 2 points are unknown". "" if none is known. Gangs are not counted.
std::string node_hours_text(const Plan& plan);

}  // namespace sweep::view
