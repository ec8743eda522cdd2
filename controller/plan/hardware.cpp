#include "controller/plan/hardware.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "util/text.hpp"

namespace sweep {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::vector<std::string> tokens_of(std::string_view name) {
  std::vector<std::string> out(1);
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out.back() += c;
    } else if (!out.back().empty()) {
      out.emplace_back();
    }
  }
  return out;
}

/// True for one or two letters, two to four digits and at most one more letter (h200, gb200, mi300x, l40s), and
/// for l4 and t4. Other parts of names, such as sxm4, hbm3 and 80gb, do not have this form.
bool is_model(std::string_view token) {
  constexpr std::size_t kMaxLetters = 2, kMinDigits = 2, kMaxDigits = 4;
  if (token == "l4" || token == "t4") return true;
  std::size_t letters = 0, digits = 0;
  while (letters < token.size() && !is_digit(token[letters]))
    ++letters;
  while (letters + digits < token.size() && is_digit(token[letters + digits]))
    ++digits;
  const std::size_t rest = token.size() - letters - digits;
  return letters >= 1 && letters <= kMaxLetters && digits >= kMinDigits && digits <= kMaxDigits && rest <= 1;
}

std::set<std::string> models_in(const std::vector<std::string>& names) {
  std::set<std::string> out;
  for (const std::string& name : names) {
    if (std::string model = gpu_model(name); !model.empty()) out.insert(std::move(model));
  }
  return out;
}

/// Returns the models of the node's GPUs, and where they are known from.
std::pair<std::set<std::string>, std::string> models_of(const profile::NodeTraits& node) {
  if (auto models = models_in(node.gpu_names); !models.empty()) return {std::move(models), "nvml"};
  if (auto models = models_in(node.gpu_types); !models.empty()) return {std::move(models), "gres"};
  return {};
}

/// Returns the runner types of the points as text, with their numbers of points: "b200 (3 points)".
std::vector<std::string> counted_types(const std::map<std::string, std::size_t>& types) {
  std::vector<std::string> out;
  for (const auto& [type, count] : types)
    out.push_back(type + " (" + counted(count, "point") + ")");
  return out;
}

}  // namespace

std::string gpu_model(std::string_view name) {
  const std::string lower = ascii_lower(std::string(name));
  for (const std::string& token : tokens_of(lower)) {
    if (is_model(token)) return token;
  }
  return {};
}

core::Hardware hardware_of(const profile::Profile& profile, const profile::NodeTraits& node) {
  const auto [models, from] = models_of(node);
  return {join(std::vector<std::string>(models.begin(), models.end()), ","), from, !profile.runners.empty()};
}

bool contradicts(const profile::Profile& profile, const std::string& runner,
                 const profile::NodeTraits& node) {
  const std::string model = gpu_model(runner);
  if (profile.ignore_gpus || model.empty()) return false;
  const profile::Runner* section = profile::runner_of(profile, runner);
  if (section != nullptr && !section->gpus.empty()) return false;
  const auto [models, from] = models_of(node);
  return !models.empty() && !models.contains(model);
}

std::optional<std::vector<std::string>> served_by(const Plan& plan, const profile::NodeTraits& node) {
  const profile::Profile& profile = plan.profile;
  auto sections = served_by(profile, node);
  std::vector<std::string> out;
  bool all = true;
  for (const auto& [name, runner] : plan.runners) {
    const profile::Runner* section = profile::runner_of(profile, runner);
    const bool mapped = profile.runners.empty() || (section != nullptr && profile::serves(*section, node));
    const bool serves = mapped && !contradicts(profile, runner, node);
    all = all && serves;
    if (serves) out.push_back(name);
  }
  if (!sections) return all ? std::nullopt : std::optional(std::move(out));
  // Sections without points are listed, too: the journal shows what the node serves.
  for (std::string& name : *sections) {
    const bool has_points = std::any_of(plan.runners.begin(), plan.runners.end(),
                                        [&](const auto& known) { return known.first == name; });
    if (!has_points) out.push_back(std::move(name));
  }
  return out;
}

bool asks_gpus(const Plan& plan) {
  return !plan.profile.ignore_gpus &&
         std::any_of(plan.runners.begin(), plan.runners.end(),
                     [](const auto& known) { return !gpu_model(known.second).empty(); });
}

Expected<void> check_hardware(const Plan& plan, const std::optional<std::string>& selection) {
  if (!plan.profile.runners.empty()) return {};
  std::map<std::string, std::size_t> types;
  for (const Point& point : plan.points) {
    if (!plan.withdrawn.contains(point.id)) ++types[point.runner];
  }
  if (types.size() < 2) return {};
  std::vector<std::string> sections;
  for (const auto& [type, count] : types)
    sections.push_back(type + ": { nodes: [...] }");
  std::string remedy;
  if (selection) {
    const std::string option =
        *selection + (selection->empty() ? "" : " ") + "--runner-type " + plan.points.front().runner;
    remedy = "select one type with --sweep-select='" + option + "' (sweepctl: --select), or ";
  }
  return fail("the points name " + std::to_string(types.size()) + " hardware types, " +
              join(counted_types(types), ", ") +
              ", but the profile does not say which nodes have which, so results would be labelled with "
              "hardware that they were not measured on; " +
              remedy + "map them to nodes in the profile: runners: { " + join(sections, ", ") + " }");
}

std::string hardware_source(const Plan& plan, const core::State& state, const core::AttemptRef& ref) {
  const int index = core::find_point(state, ref.point);
  const core::Attempt* attempt = core::find_attempt(state, ref);
  if (index < 0 || attempt == nullptr) return "matrix";
  const auto agent = state.agents.find(attempt->agent);
  if (agent == state.agents.end()) return "matrix";
  const core::Hardware& hardware = agent->second.hardware;
  const std::string model = gpu_model(plan.points[static_cast<std::size_t>(index)].runner);
  const auto models = split(hardware.gpus, ',');
  const bool confirmed = !model.empty() && std::find(models.begin(), models.end(), model) != models.end();
  if (confirmed) return hardware.from;
  return hardware.mapped ? "runners" : "matrix";
}

}  // namespace sweep
