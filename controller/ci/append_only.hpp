// Checks that a change of the configurations only adds points, and returns these. Contract of 2026, section
// 5. Pure.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/matrix/inferencex/row.hpp"
#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::ci {

/// The documents of the master files of one revision.
using MasterDocuments = std::vector<yaml::ValueRef>;

/// The scenarios that a changelog selects, by the key of the entry.
using SelectedScenarios = std::vector<std::pair<std::string, std::set<std::string>>>;

/// Fails if anything but the selected scenarios of the selected entries differs between the two revisions.
Expected<void> check_scope(const MasterDocuments& base, const MasterDocuments& head,
                           const SelectedScenarios& selected);

/// Returns the rows of `head` with only the concurrencies that `base` does not have. Fails if a recipe or a
/// concurrency of `base` is gone, if nothing is new, or if a new row belongs to no series of `base` with one
/// and the same image.
Expected<std::vector<matrix::inferencex::Row>> added_points(const std::vector<matrix::inferencex::Row>& base,
                                                            const std::vector<matrix::inferencex::Row>& head);

}  // namespace sweep::ci
