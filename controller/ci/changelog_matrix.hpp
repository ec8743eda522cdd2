// Selects the rows for which a changelog asks: throughput and evaluations, each configuration once. Contract
// of 2026, section 5. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/ci/changelog.hpp"
#include "controller/matrix/inferencex/evals.hpp"
#include "controller/matrix/inferencex/expand.hpp"
#include "controller/matrix/inferencex/row.hpp"
#include "util/error.hpp"

namespace sweep::ci {

/// The options of process-changelog.
struct ChangelogOptions {
  bool trim_conc = false, all_evals = false, evals_only = false;
};

/// An entry with the keys that it names.
struct ResolvedEntry {
  ChangelogEntry entry;
  std::vector<std::string> keys;
};

using ExpandRows = std::function<Expected<std::vector<matrix::inferencex::Row>>(
    const matrix::inferencex::TestConfig&, const matrix::inferencex::EvalOptions&)>;

struct ChangelogRows {
  std::vector<matrix::inferencex::Row> throughput, evals;
};

/// Fails if the entries do not go together, or not with the options.
Expected<void> check_modes(const std::vector<ChangelogEntry>& entries, const ChangelogOptions& options);

/// Returns the rows. `head` makes those of the working tree, `base` those of the older revision, of which
/// only the points that it does not have are kept; it is called for entries that only append.
Expected<ChangelogRows> select_rows(std::vector<ResolvedEntry> entries, const ChangelogOptions& options,
                                    const ExpandRows& head, const ExpandRows& base);

}  // namespace sweep::ci
