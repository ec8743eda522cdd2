#include "controller/ci/changelog_matrix.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "controller/ci/append_only.hpp"
#include "controller/ci/recipe.hpp"

namespace sweep::ci {

namespace {

using matrix::inferencex::EvalOptions;
using matrix::inferencex::Row;
using matrix::inferencex::TestConfig;

constexpr std::array<const char*, 2> kScenarioTypes = {"fixed-seq-len", "agentic-coding"};

// Which of the two scenarios.
struct ScenarioSet {
  bool fixed = false, agentic = false;
  bool empty() const { return !fixed && !agentic; }
  bool operator==(const ScenarioSet&) const = default;
};

// The keys that are expanded together because the same scenarios of them are still open.
struct Group {
  ScenarioSet scenarios;
  std::vector<std::string> keys;
};

// Remembers which scenarios of a key have been taken by an earlier entry.
class Taken {
 public:
  // Returns the groups of the entry's keys in the order of their first keys, and takes their scenarios.
  std::vector<Group> take(const ResolvedEntry& resolved) {
    std::vector<Group> out;
    for (const std::string& key : resolved.keys) {
      const ScenarioSet open = {take_one(resolved.entry, key, kScenarioTypes[0]),
                                take_one(resolved.entry, key, kScenarioTypes[1])};
      if (open.empty()) continue;
      const auto group =
          std::find_if(out.begin(), out.end(), [&](const Group& known) { return known.scenarios == open; });
      if (group == out.end()) {
        out.push_back({open, {key}});
      } else {
        group->keys.push_back(key);
      }
    }
    return out;
  }

 private:
  bool take_one(const ChangelogEntry& entry, const std::string& key, const char* scenario) {
    return entry.has_scenario(scenario) && taken_.emplace(key, scenario).second;
  }

  std::set<std::pair<std::string, std::string>> taken_;
};

TestConfig config_of(const Group& group) {
  TestConfig out;
  out.selection.fixed = group.scenarios.fixed;
  out.selection.agentic = group.scenarios.agentic;
  out.config_keys = group.keys;
  return out;
}

// Removes rows of many nodes whose prefill has fewer experts in parallel than the entry asks for.
void drop_small_prefill(std::vector<Row>& rows, std::optional<std::int64_t> least_ep) {
  if (!least_ep) return;
  std::erase_if(rows, [&](const Row& row) {
    return row.element->workers && row.element->workers->prefill.ep.number < *least_ep;
  });
}

void append_rows(std::vector<Row>& to, std::vector<Row> rows) {
  std::move(rows.begin(), rows.end(), std::back_inserter(to));
}

}  // namespace

Expected<void> check_modes(const std::vector<ChangelogEntry>& entries, const ChangelogOptions& options) {
  const auto appends = [](const ChangelogEntry& entry) { return entry.append_only; };
  if (std::none_of(entries.begin(), entries.end(), appends)) return {};
  if (!std::all_of(entries.begin(), entries.end(), appends))
    return fail("append-only entries cannot share a sweep with regular changelog entries");
  if (options.all_evals || options.evals_only)
    return fail("append-only sweeps cannot use all-evals or evals-only modifiers");
  return {};
}

Expected<ChangelogRows> select_rows(std::vector<ResolvedEntry> entries, const ChangelogOptions& options,
                                    const ExpandRows& head, const ExpandRows& base) {
  // The evaluations of an all-evals entry are the wider ones, so they are taken first.
  std::stable_partition(entries.begin(), entries.end(),
                        [](const ResolvedEntry& resolved) { return resolved.entry.all_evals; });
  ChangelogRows out;
  Taken throughput, evals;
  for (const ResolvedEntry& resolved : entries) {
    const ChangelogEntry& entry = resolved.entry;
    const EvalOptions no_evals{.none = true};
    const EvalOptions eval_options{.only = true, .all = options.all_evals || entry.all_evals};
    const bool suppressed = options.evals_only || entry.evals_only || entry.all_evals;
    for (const Group& group : suppressed ? std::vector<Group>() : throughput.take(resolved)) {
      SWEEP_ASSIGN(auto rows, head(config_of(group), no_evals));
      if (entry.append_only) {
        SWEEP_ASSIGN(const auto before, base(config_of(group), no_evals));
        SWEEP_ASSIGN(rows, added_points(before, rows));
      }
      append_rows(out.throughput, std::move(rows));
    }
    for (const Group& group : entry.append_only ? std::vector<Group>() : evals.take(resolved)) {
      SWEEP_ASSIGN(auto rows, head(config_of(group), eval_options));
      drop_small_prefill(rows, entry.eval_min_prefill_ep);
      append_rows(out.evals, std::move(rows));
    }
  }
  if (options.trim_conc) out.throughput = with_lowest_concurrencies(std::move(out.throughput));
  return out;
}

}  // namespace sweep::ci
