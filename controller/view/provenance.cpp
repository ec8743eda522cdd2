#include "controller/view/provenance.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include "controller/plan/image_use.hpp"
#include "controller/profile/benchmark.hpp"
#include "util/json.hpp"
#include "util/recorded.hpp"
#include "util/secrets.hpp"

namespace sweep::view {

namespace {

using nlohmann::ordered_json;

/// Returns a time as "2026-11-25T03:00:00Z".
std::string utc_text(Instant at) {
  using namespace std::chrono;
  const auto whole = floor<seconds>(at);
  const year_month_day date(floor<days>(whole));
  const hh_mm_ss time(whole - floor<days>(whole));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text.data();
}

template <class Number>
void put_scaled(ordered_json& out, const char* key, const Number& number, double scale) {
  if (number) out[key] = static_cast<double>(*number) / scale;
}

/// The names of the keys contain their units.
ordered_json telemetry_json(const GpuUse& use, std::int64_t output_tokens) {
  constexpr double kMilli = 1'000;
  ordered_json out = {{"seconds", static_cast<double>(use.window.count()) / kMilli}};
  put_scaled(out, "mean_power_w", use.power_mw, kMilli);
  put_scaled(out, "energy_j", use.energy_mj, kMilli);
  if (use.energy_mj && output_tokens > 0)
    put_scaled(out, "joules_per_output_token", use.energy_mj, kMilli * static_cast<double>(output_tokens));
  if (use.clock_mhz) out["mean_sm_clock_mhz"] = *use.clock_mhz;
  if (use.max_temperature_c) out["max_temperature_c"] = *use.max_temperature_c;
  if (use.max_memory_bytes) out["max_memory_bytes"] = *use.max_memory_bytes;
  out["throttled"] = !use.throttled.empty();
  if (!use.throttled.empty()) out["throttle_reasons"] = use.throttled;
  return out;
}

ordered_json environment_json(const Plan& plan, int index, const std::string& node) {
  ordered_json out = ordered_json::object();
  for (const auto& [name, value] : benchmark_environment(plan, index, node))
    out[name] = recorded_value(name, value);
  return out;
}

void put_text(ordered_json& out, const char* key, const std::string& text) {
  if (!text.empty()) out[key] = text;
}

void put_agent(ordered_json& out, const core::AgentInfo& info) {
  put_text(out, "job", info.job);
  put_text(out, "step", info.step);
  if (!info.gpus.empty()) out["gpu_ids"] = info.gpus;
}

ordered_json provenance_json(const Plan& plan, const core::State& state, const Facts& facts, int index,
                             int number) {
  const Point& point = plan.points[static_cast<std::size_t>(index)];
  const core::PointStatus& status = core::point_at(state, index);
  const core::Attempt& attempt = core::attempt_at(status, number);
  const Origin& origin = attempt.account.origin;
  const auto agent = state.agents.find(attempt.agent);
  ordered_json out = {{"sweep", facts.sweep}, {"point", point.id}, {"attempt", number}};
  if (attempt.started) out["started"] = utc_text(*attempt.started);
  if (attempt.ended) out["ended"] = utc_text(*attempt.ended);
  out["node"] = attempt.node;
  if (agent != state.agents.end()) put_agent(out, agent->second.info);
  put_text(out, "gpus", origin.gpus.str());
  put_text(out, "driver", origin.driver.str());
  put_text(out, "kernel", origin.kernel.str());
  put_text(out, "slurm", origin.slurm.str());
  out["slurm_sweep"] = facts.version;
  if (is_image_of_point(plan, index, origin.image.str())) out["image"] = without_secrets(point.image);
  put_text(out, "container", origin.runtime.str());
  put_text(out, "container_image", without_secrets(origin.image.str()));
  put_text(out, "image_digest", origin.digest.str());
  const bool own_command = agent != state.agents.end() && !agent->second.info.command.empty();
  const auto command = profile::benchmark_command(plan.profile, point);
  if (own_command) out["command"] = recorded_command(agent->second.info.command);
  if (!own_command && command) out["command"] = recorded_command(*command);
  if (const auto* recipe = own_command ? nullptr : profile::recipe_of(plan.profile, point))
    out["server_command"] = recorded_command(profile::server_command(*recipe));
  out["environment"] = environment_json(plan, index, attempt.node);
  put_text(out, "workspace", profile::workspace_of(plan.profile, point).value_or(""));
  put_text(out, "workspace_commit", origin.commit.str());
  return out;
}

}  // namespace

void describe_result(ordered_json& record, const Plan& plan, const core::State& state, const Facts& facts,
                     const core::AttemptRef& ref, std::int64_t output_tokens) {
  const int index = core::find_point(state, ref.point);
  const core::Attempt* attempt = core::find_attempt(state, ref);
  if (attempt == nullptr) return;
  if (attempt->account.gpu_use)
    record["telemetry"] = telemetry_json(*attempt->account.gpu_use, output_tokens);
  record["provenance"] = provenance_json(plan, state, facts, index, ref.attempt);
}

}  // namespace sweep::view
