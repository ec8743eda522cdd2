// Reads what a changelog gained between two revisions. Contract of 2026, section 5. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"

namespace sweep::ci {

/// The lines that a file gained.
struct AddedLines {
  std::string text;
  std::vector<int> numbers;  // of each line in the newer file, from 1
};

/// Returns the lines that `diff`, the output of `git diff` for one file, adds. Fails if a line that is not
/// blank was removed, or if nothing was added.
Expected<AddedLines> added_lines(std::string_view diff, const std::string& file);

/// One entry of the changelog.
struct ChangelogEntry {
  std::vector<std::string> config_keys = {}, description = {};
  std::string pr_link = {};
  bool evals_only = false, all_evals = false, append_only = false;
  std::optional<std::int64_t> eval_min_prefill_ep = {};
  std::optional<std::vector<std::string>> scenario_type = {};

  /// True if the entry applies to the scenario.
  bool has_scenario(std::string_view scenario) const;
};

/// Returns the entries in the added lines alone. Fails with the file's line.
Expected<std::vector<ChangelogEntry>> read_changelog(const AddedLines& added, const std::string& file);

/// Returns the keys that the patterns name, each once: * stands for any characters. Fails if one names no
/// key.
Expected<std::vector<std::string>> resolve_keys(const std::vector<std::string>& patterns,
                                                const std::vector<std::string>& keys);

}  // namespace sweep::ci
