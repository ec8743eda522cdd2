#include "proto/base/outcome.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::array<std::pair<OutcomeKind, std::string_view>, 9> kWords = {{
    {OutcomeKind::Ok, "ok"},
    {OutcomeKind::BenchmarkFailed, "benchmark-failed"},
    {OutcomeKind::NoResult, "no-result"},
    {OutcomeKind::InvalidResult, "invalid-result"},
    {OutcomeKind::TimedOut, "timed-out"},
    {OutcomeKind::ServerFailed, "server-failed"},
    {OutcomeKind::Infrastructure, "infrastructure"},
    {OutcomeKind::Cancelled, "cancelled"},
    {OutcomeKind::Preempted, "preempted"},
}};

constexpr std::size_t kMaxPhase = 64;
constexpr std::size_t kMaxReason = 4096;

}  // namespace

std::string_view outcome_word(OutcomeKind kind) {
  for (const auto& [value, word] : kWords) {
    if (value == kind) return word;
  }
  return "unknown";
}

std::optional<OutcomeKind> outcome_kind(std::string_view word) {
  for (const auto& [value, name] : kWords) {
    if (name == word) return value;
  }
  return std::nullopt;
}

std::string describe(const Outcome& outcome) {
  std::string detail;
  const auto add = [&](const std::string& text) { detail += (detail.empty() ? "" : ", ") + text; };
  if (outcome.signal) {
    const char* name = sigabbrev_np(*outcome.signal);
    add("killed by signal " + std::to_string(*outcome.signal) +
        (name ? " (SIG" + std::string(name) + ")" : ""));
  }
  if (outcome.exit_code && (*outcome.exit_code != 0 || outcome.kind == OutcomeKind::BenchmarkFailed)) {
    const std::string code = std::to_string(*outcome.exit_code);
    if (!outcome.reason.ends_with("exited with status " + code)) add("exit status " + code);
  }
  if (!outcome.reason.empty()) add(outcome.reason);
  std::string out(outcome_word(outcome.kind));
  return detail.empty() ? out : out + ": " + detail;
}

nlohmann::json outcome_to_json(const Outcome& outcome) {
  nlohmann::json out = {{"kind", outcome_word(outcome.kind)}};
  if (outcome.exit_code) out["exit_code"] = *outcome.exit_code;
  if (outcome.signal) out["signal"] = *outcome.signal;
  if (!outcome.phase.empty()) out["phase"] = clipped(printable(outcome.phase), kMaxPhase);
  if (!outcome.reason.empty()) out["reason"] = clipped(printable(outcome.reason), kMaxReason);
  return out;
}

Expected<Outcome> outcome_from_json(const nlohmann::json& body) {
  Fields in(body, "outcome");
  Outcome out;
  const auto kind = outcome_kind(in.text("kind", 64));
  if (!kind) in.complain("outcome: 'kind' is not a known outcome");
  out.kind = kind.value_or(OutcomeKind::Infrastructure);
  if (const auto code = in.maybe_integer("exit_code", 0, 255)) out.exit_code = static_cast<int>(*code);
  if (const auto signal = in.maybe_integer("signal", 1, 64)) out.signal = static_cast<int>(*signal);
  out.phase = printable(in.maybe_text("phase", kMaxPhase).value_or(""));
  out.reason = printable(in.maybe_text("reason", kMaxReason).value_or(""));
  if (in.error()) return fail(*in.error());
  return out;
}

Outcome sanitized(const Outcome& outcome) {
  return outcome_from_json(outcome_to_json(outcome)).value_or(outcome);
}

}  // namespace sweep
