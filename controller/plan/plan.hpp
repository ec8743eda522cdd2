// The plan of a sweep: what to run (points), how (profile), and everything derived from the two. Pure
// functions.
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
  std::vector<Point> points;  // in matrix order
  std::vector<bool>
      shares_name;              // by point: its file names contain its id, as another point's would be equal
  std::vector<int> first_copy;  // by point: index of the first point of the same entry; -1: it has no copies
  std::vector<std::pair<std::string, std::string>>
      runners;  // distinct pairs of core::PointSpec::runner and a runner type that it stands for
  profile::Profile profile;
  std::set<std::string> withdrawn;             // ids of points that are no longer in the sweep
  std::optional<container::StepRequest> step;  // the container in which agents run; nullopt: on the node
};

/// Returns the plan of a matrix. Fails, naming the entry, if one is not valid, and naming the key if a
/// template of the profile cannot be filled. `withdrawn`: ids of points that are no longer in the sweep; if
/// names of result files would be equal, these get the longer ones.
Expected<Plan> make_plan(std::vector<nlohmann::ordered_json> entries, profile::Profile profile,
                         const std::set<std::string>& withdrawn = {});
Expected<Plan> plan_points(std::vector<Point> points, profile::Profile profile,
                           const std::set<std::string>& withdrawn = {});

/// Returns a key that is equal for points that take about equally long: all parameters but the concurrency.
std::string kind_of(const Point& point);

/// Returns the name of the profile's runner section to which a point belongs. If the profile has runner
/// sections but none for this point, returns the point's own runner, which no node serves. Returns "" if the
/// profile has no runner sections; then every node serves every point.
std::string runner_section(const profile::Profile& profile, const Point& point);
/// Returns the runner sections that a node serves; std::nullopt: all points.
std::optional<std::vector<std::string>> served_by(const profile::Profile& profile,
                                                  const profile::NodeTraits& node);
/// True if agents have to ask Slurm for their node's features and GPU types, because a runner section
/// depends on them.
bool asks_node(const profile::Profile& profile);

core::Settings core_settings(const Plan& plan);
std::vector<core::PointSpec> core_points(const Plan& plan);

/// Returns the name of a point's result file without the node; it is distinct for all points of the plan.
std::string stem_of(const Plan& plan, int index);
/// Returns RESULT_FILENAME of a point on a node.
std::string result_filename(const Plan& plan, int index, const std::string& node);

/// Returns the environment variables of a benchmark. If a name occurs repeatedly, the last value applies.
std::vector<std::pair<std::string, std::string>> benchmark_environment(const Plan& plan, int index,
                                                                       const std::string& node);

/// Returns the key of the server that points of a recipe share: a digest of everything that the server
/// depends on; "" without a recipe, or with one of several roles.
std::string server_key(const Plan& plan, int index);

/// Returns the lease of an attempt of points[index] for an agent on `node`.
wire::Lease make_lease(const Plan& plan, int index, int attempt, const std::string& node);

/// Returns the image that the agent will probably need after that of points[index]: that of the first pending
/// point (of the next 200) that the agent can run and that has another image; "" if there is none or the
/// profile turns prefetching off.
std::string next_image(const Plan& plan, const core::State& state, int index, const core::AgentStatus& agent);

/// Returns the names of the experiments, in matrix order.
std::vector<std::string> experiments(const Plan& plan);
/// Returns the sweep's name for folders and titles: its experiment, or "all" if there are several.
std::string sweep_name(const Plan& plan);

}  // namespace sweep
