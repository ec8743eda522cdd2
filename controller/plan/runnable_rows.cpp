#include "controller/plan/runnable_rows.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

// Why a row cannot be run, in the order of the message.
constexpr std::array<const char*, 4> kReasons = {"agentic-coding", "several nodes", "pp or pcp-size above 1",
                                                 "spec-decoding"};
constexpr std::size_t kRunnable = kReasons.size();

bool differs(const nlohmann::ordered_json& row, const char* key, const nlohmann::ordered_json& from) {
  const auto found = row.find(key);
  return found != row.end() && *found != from;
}

// Returns the index of the row's reason; kRunnable if it has none. Rows of InferenceMAX have none of these
// keys.
std::size_t reason_of(const nlohmann::ordered_json& row) {
  if (row.contains("scenario-type")) return 0;
  if (row.contains("prefill")) return 1;
  if (differs(row, "pp", 1) || differs(row, "pcp-size", 1)) return 2;
  return differs(row, "spec-decoding", "none") ? 3 : kRunnable;
}

}  // namespace

Expected<void> check_runnable_rows(const std::vector<nlohmann::ordered_json>& entries) {
  std::array<std::size_t, kReasons.size() + 1> counts{};
  for (const nlohmann::ordered_json& row : entries)
    ++counts[reason_of(row)];
  if (counts[kRunnable] == entries.size()) return {};
  std::vector<std::string> reasons;
  for (std::size_t i = 0; i < kReasons.size(); ++i) {
    if (counts[i] > 0) reasons.push_back(kReasons[i] + (": " + std::to_string(counts[i])));
  }
  return fail(
      "cannot run " + std::to_string(entries.size() - counts[kRunnable]) + " of " +
      counted(entries.size(), "row") + " of the matrix (" + join(reasons, ", ") +
      "): a sweep runs rows of fixed-seq-len on one node without speculative decoding; select such rows "
      "with --single-node --scenario-type fixed-seq-len and --model-prefix (srun: --sweep-select, sweepctl: "
      "--select)");
}

}  // namespace sweep
