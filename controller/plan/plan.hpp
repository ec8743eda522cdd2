// The plan of a sweep: what to run (points) and how (profile), and all that follows from the two. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "container/core/step.hpp"
#include "controller/core/state.hpp"
#include "controller/profile/profile.hpp"
#include "controller/profile/runner.hpp"
#include "proto/base/point.hpp"
#include "proto/wire/messages.hpp"
#include "util/error.hpp"

namespace sweep {

struct Plan {
  std::vector<Point> points;    // in matrix order
  std::vector<bool> has_twins;  // of each: whether its files are told from another point's by its identity
  std::vector<int> first_copy;  // of each: the index of the first of its copies; -1: it is the only one
  profile::Profile profile;
  std::set<std::string> withdrawn;             // ids of points that are no longer wanted
  std::optional<container::StepRequest> step;  // what agents run in, where they do not run on the node
};

/// Fails, naming the entry, when the entries are no matrix, and naming the template when the profile's
/// benchmark cannot be made out. `withdrawn`: ids of points that are no longer wanted; they give way to the
/// others where names of result files must be distinct.
Expected<Plan> make_plan(std::vector<nlohmann::ordered_json> entries, profile::Profile profile,
                         const std::set<std::string>& withdrawn = {});
Expected<Plan> plan_points(std::vector<Point> points, profile::Profile profile,
                           const std::set<std::string>& withdrawn = {});

/// What all agents run in where the profile wants them in the image; an empty workspace stands for the folder
/// where srun was started. Nothing: they run on the node. Fails, naming key and points, where one container
/// cannot serve all points.
Expected<std::optional<container::StepRequest>> step_container(const std::vector<Point>& points,
                                                               const profile::Profile& profile,
                                                               const std::set<std::string>& withdrawn);

/// What points have in common that take about equally long: all but the concurrency.
std::string kind_of(const Point& point);

/// The name of the profile's runner section that a point belongs to; the point's own runner where the profile
/// has others and not this one, so that nobody serves it; empty where any node serves any.
std::string runner_section(const profile::Profile& profile, const Point& point);
/// The runner sections that a node serves; nothing: all.
std::optional<std::vector<std::string>> served_by(const profile::Profile& profile,
                                                  const profile::NodeTraits& node);
/// Whether an agent has to find out what Slurm says of its node.
bool asks_node(const profile::Profile& profile);

core::Settings core_settings(const Plan& plan);
std::vector<core::PointSpec> core_points(const Plan& plan);

/// The result file's name without the node: distinct for all points of the plan.
std::string stem_of(const Plan& plan, int index);
/// RESULT_FILENAME of a point on a node.
std::string result_filename(const Plan& plan, int index, const std::string& node);

/// The variables of a benchmark; of those with one name the last counts.
std::vector<std::pair<std::string, std::string>> benchmark_environment(const Plan& plan, int index,
                                                                       const std::string& node);

/// The key of the server that a recipe's points share: a digest of all that the server sees. Empty without a
/// recipe.
std::string server_key(const Plan& plan, int index);

/// The lease of an attempt at points[index] for an agent on `node`.
wire::Lease make_lease(const Plan& plan, int index, int attempt, const std::string& node);

/// The image that an agent is likely to need after that of points[index]: of the first point that waits for a
/// node like its, among the next few, and has another image. Empty: none, or the profile does not want it
/// staged ahead.
std::string next_image(const Plan& plan, const core::State& state, int index, const core::AgentStatus& agent);

/// The distinct exp-names, in matrix order.
std::vector<std::string> exp_names(const Plan& plan);
/// The name of the sweep for folders and titles: the exp-name, or "all" when there are several.
std::string sweep_name(const Plan& plan);

}  // namespace sweep
