#include "controller/report/validity.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

std::optional<double> number(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::string percent(double part) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f %%", part * 100);
  return text;
}

std::string rounded(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

void check_failures(const Json& result, std::vector<std::string>& out) {
  const auto completed = number(result, "completed"), prompts = number(result, "num_prompts");
  if (!completed || !prompts || *prompts <= 0) return;
  const double failed = std::max(0.0, *prompts - *completed);
  if (failed / *prompts > kMaxFailed)
    out.push_back("failures: " + std::to_string(static_cast<long long>(failed)) + " of " +
                  std::to_string(static_cast<long long>(*prompts)) + " requests failed, more than " +
                  percent(kMaxFailed));
}

// The expected mean input length of completed requests and its statistical tolerance, in tokens.
struct Expected {
  double mean = 0, tolerance = 0;
};

// The formulas are in validity.hpp.
std::optional<Expected> expected_input(const Json& result, const RequestedInput& requested,
                                       double completed) {
  if (const auto tokens = number(result, "requested_input_tokens")) return Expected{*tokens / completed, 0};
  if (requested.isl <= 0) return std::nullopt;
  const double isl = static_cast<double>(requested.isl), ratio = std::clamp(requested.range_ratio, 0.0, 1.0);
  // The standard deviation of a uniform distribution is its width divided by the square root of 12.
  const double deviation = isl * (1 - ratio) / std::sqrt(12.0);
  return Expected{isl * (1 + ratio) / 2, 3 * deviation / std::sqrt(completed)};
}

void check_input_length(const Json& result, const RequestedInput& requested, std::vector<std::string>& out) {
  const auto completed = number(result, "completed"), tokens = number(result, "total_input_tokens");
  if (!completed || !tokens || *completed <= 0) return;
  const auto expected = expected_input(result, requested, *completed);
  if (!expected || expected->mean <= 0) return;
  const double mean = *tokens / *completed, error = mean - expected->mean;
  if (std::abs(error) <= kMaxInputError * expected->mean + expected->tolerance) return;
  out.push_back("input-length: prompts had " + rounded(mean) + " tokens on average instead of " +
                rounded(expected->mean) + ", " + percent(std::abs(error) / expected->mean) +
                (error < 0 ? " less" : " more") + " than requested");
}

}  // namespace

std::vector<std::string> doubts(const Json& result, const RequestedInput& requested, const Account& account) {
  std::vector<std::string> out;
  if (number(result, "total_output_tokens").value_or(1) <= 0)
    out.emplace_back("no-output: the responses have no output tokens");
  check_failures(result, out);
  check_input_length(result, requested, out);
  const auto bound = result.find("client_bound");
  if (bound != result.end() && bound->is_boolean() && bound->get<bool>()) {
    const auto why = result.find("client_bound_reason");
    out.push_back("client-bound: " + (why != result.end() && why->is_string()
                                          ? printable(why->get<std::string>())
                                          : std::string("the client was the bottleneck, not the server")));
  }
  for (const std::string& flaw : account.flaws)
    out.push_back(printable(flaw));
  return out;
}

std::vector<std::string> without(std::vector<std::string> reasons, std::span<const std::string> ignored) {
  std::erase_if(reasons, [&](const std::string& reason) {
    return std::find(ignored.begin(), ignored.end(), reason.substr(0, reason.find(':'))) != ignored.end();
  });
  return reasons;
}

void mark_validity(Json& processed, const std::vector<std::string>& reasons) {
  processed["valid"] = reasons.empty();
  if (!reasons.empty()) processed["invalid_reasons"] = reasons;
}

bool is_marked_invalid(const Json& processed) {
  const auto found = processed.find("valid");
  return found != processed.end() && found->is_boolean() && !found->get<bool>();
}

std::string validity_note(std::span<const Row* const> rows) {
  const auto count = std::count_if(rows.begin(), rows.end(), [](const Row* row) { return !row->valid; });
  if (count == 0) return {};
  return "Not valid: " + std::to_string(count) + " of " + counted(rows.size(), "result") +
         "; excluded from rankings and frontiers. Reasons: invalid_reasons in the agg files.\n";
}

}  // namespace sweep::report
