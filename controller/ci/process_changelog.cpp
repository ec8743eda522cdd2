#include "controller/ci/process_changelog.hpp"

#include <algorithm>

#include "controller/ci/append_only.hpp"
#include "controller/ci/changelog.hpp"
#include "controller/ci/changelog_matrix.hpp"
#include "controller/ci/recipe.hpp"
#include "controller/ci/revision.hpp"
#include "controller/ci/schema_row.hpp"
#include "controller/matrix/inferencex/master_files.hpp"
#include "controller/python/text.hpp"
#include "util/json.hpp"

namespace sweep::ci {

namespace {

using Json = nlohmann::ordered_json;
using matrix::Arity;
using matrix::MatrixFile;
using matrix::Options;
using matrix::OptionSpec;
using matrix::inferencex::Entry;
using matrix::inferencex::EvalOptions;
using matrix::inferencex::Row;
using matrix::inferencex::Rows;
using matrix::inferencex::TestConfig;

const std::vector<std::string> kMasterFiles = {"configs/amd-master.yaml", "configs/nvidia-master.yaml"};
const std::string kRunnerFile = "configs/runners.yaml";
const std::string kGenerator = "utils/matrix_logic/generate_sweep_configs.py";

OptionSpec required_text(std::string name, std::string help) {
  return {.name = std::move(name), .arity = Arity::One, .help = std::move(help), .required = true};
}
OptionSpec modifier(std::string name, std::string help) {
  return {.name = std::move(name), .arity = Arity::Flag, .help = std::move(help)};
}

const matrix::CommandSpec& changelog_spec() {
  static const matrix::CommandSpec kSpec = [] {
    matrix::CommandSpec spec;
    spec.name = "process-changelog";
    spec.help =
        "Prints the jobs for which the lines ask that a changelog gained between two revisions, as one line of JSON: "
        "rows by sequence length, and rows of evaluations. The master configurations are those of the working tree: "
        "configs/amd-master.yaml, configs/nvidia-master.yaml and configs/runners.yaml. Replaces InferenceX's "
        "process_changelog.py. Run it in the root of the repository; it calls git.";
    spec.options = {required_text("--base-ref", "the older revision"),
                    required_text("--head-ref", "the newer revision"),
                    required_text("--changelog-file", "the changelog (YAML), a file of the repository"),
                    modifier("--trim-conc", "only the lowest concurrency of each configuration"),
                    modifier("--all-evals", "evaluate all rows that can be evaluated"),
                    modifier("--evals-only", "no rows of throughput")};
    spec.closing = R"(Exit status:
  0  the jobs were printed
  1  a file or a changelog entry is invalid, or git failed
  2  wrong usage

Examples:
    sweepctl process-changelog --base-ref main --head-ref HEAD \
      --changelog-file perf-changelog.yaml
)";
    return spec;
  }();
  return kSpec;
}

// The configurations of one revision. Rows refer to `entries`.
struct Revision {
  Rows entries;
  MasterDocuments documents;
  MatrixFile runner_file;
};

Expected<Revision> checked_revision(std::vector<MatrixFile> files, MatrixFile runner_file) {
  Revision out;
  for (const MatrixFile& file : files)
    out.documents.push_back(file.document);
  std::vector<std::string> ignored;
  SWEEP_ASSIGN(out.entries.entries, matrix::inferencex::read_entries(std::move(files), false, ignored));
  out.runner_file = std::move(runner_file);
  return out;
}

Expected<Revision> base_revision(const std::string& base) {
  std::vector<std::string> needed = kMasterFiles;
  needed.insert(needed.end(), {kRunnerFile, kGenerator});
  SWEEP_ASSIGN(const auto found, paths_at(base, needed));
  std::vector<std::string> missing;
  std::copy_if(needed.begin(), needed.end(), std::back_inserter(missing), [&](const std::string& path) {
    return std::find(found.begin(), found.end(), path) == found.end();
  });
  std::sort(missing.begin(), missing.end());
  if (!missing.empty())
    return fail("append-only base revision is missing generation inputs: " + python::list(missing));
  std::vector<MatrixFile> files;
  for (const std::string& path : kMasterFiles) {
    SWEEP_ASSIGN(const auto bytes, file_at(base, path));
    files.push_back(matrix::parse_matrix_file(base + ":" + path, bytes));
  }
  SWEEP_ASSIGN(const auto runners, file_at(base, kRunnerFile));
  return checked_revision(std::move(files), matrix::parse_matrix_file(base + ":" + kRunnerFile, runners));
}

// Returns a function that expands entries of the revision. The runner file is read when rows are asked for.
ExpandRows expander_of(Revision& revision) {
  return [&revision](const TestConfig& test, const EvalOptions& evals) -> Expected<std::vector<Row>> {
    std::vector<std::string> ignored;
    SWEEP_ASSIGN(const auto runners, matrix::inferencex::read_runners(revision.runner_file, false, ignored));
    revision.entries.rows.clear();
    SWEEP_TRY(expand_test_config(test, runners, revision.entries));
    mark_evals(revision.entries.rows, evals);
    return std::move(revision.entries.rows);
  };
}

SelectedScenarios scenarios_of(const std::vector<ResolvedEntry>& entries) {
  SelectedScenarios out;
  for (const ResolvedEntry& resolved : entries) {
    for (const std::string& key : resolved.keys) {
      auto place =
          std::find_if(out.begin(), out.end(), [&](const auto& known) { return known.first == key; });
      if (place == out.end()) place = out.insert(out.end(), {key, {}});
      for (const char* scenario : {"fixed-seq-len", "agentic-coding"}) {
        if (resolved.entry.has_scenario(scenario)) place->second.insert(scenario);
      }
    }
  }
  return out;
}

Json entry_json(const ChangelogEntry& entry) {
  Json out = {{"config-keys", entry.config_keys}, {"description", entry.description},
              {"pr-link", entry.pr_link},         {"evals-only", entry.evals_only},
              {"all-evals", entry.all_evals},     {"append-only", entry.append_only}};
  if (entry.eval_min_prefill_ep) out["eval-min-prefill-ep"] = *entry.eval_min_prefill_ep;
  if (entry.scenario_type) out["scenario-type"] = *entry.scenario_type;
  return out;
}

Json output_of(const ChangelogRows& rows) {
  Json out = {{"single_node", Json::object()},    {"multi_node", Json::object()},
              {"evals", Json::array()},           {"agentic_evals", Json::array()},
              {"multinode_evals", Json::array()}, {"multinode_agentic_evals", Json::array()}};
  for (const Row& row : rows.throughput) {
    const std::string bucket = row.is_agentic() ? "agentic" : lengths_name(*row.block);
    out[row.entry->multinode ? "multi_node" : "single_node"][bucket].push_back(
        schema_row(row, recipe_fingerprint(row)));
  }
  for (const Row& row : rows.evals) {
    const std::string bucket = std::string(row.entry->multinode ? "multinode_" : "") +
                               (row.is_agentic() ? "agentic_evals" : "evals");
    out[bucket].push_back(schema_row(row, ""));
  }
  return out;
}

Expected<std::vector<ResolvedEntry>> resolved_entries(std::vector<ChangelogEntry> entries,
                                                      const std::vector<Entry>& masters) {
  std::vector<std::string> keys;
  for (const Entry& entry : masters)
    keys.push_back(entry.key);
  std::vector<ResolvedEntry> out;
  for (ChangelogEntry& entry : entries) {
    SWEEP_ASSIGN(auto named, resolve_keys(entry.config_keys, keys));
    out.push_back({std::move(entry), std::move(named)});
  }
  return out;
}

Expected<std::string> processed(const Options& options) {
  const std::string base_ref = options.text("--base-ref"), head_ref = options.text("--head-ref");
  const std::string file = options.text("--changelog-file");
  const ChangelogOptions modifiers{options.has("--trim-conc"), options.has("--all-evals"),
                                   options.has("--evals-only")};
  SWEEP_ASSIGN(const auto diff, git_diff(base_ref, head_ref, file));
  SWEEP_ASSIGN(const auto added, added_lines(diff, file));
  SWEEP_ASSIGN(const auto entries, read_changelog(added, file));
  SWEEP_TRY(check_modes(entries, modifiers));
  SWEEP_ASSIGN(auto head, checked_revision(matrix::read_matrix_files(kMasterFiles),
                                           matrix::read_matrix_file(kRunnerFile)));
  SWEEP_ASSIGN(auto resolved, resolved_entries(entries, head.entries.entries));
  Revision base;
  if (entries.front().append_only) {
    SWEEP_ASSIGN(base, base_revision(base_ref));
    SWEEP_TRY(check_scope(base.documents, head.documents, scenarios_of(resolved)));
  }
  SWEEP_ASSIGN(const auto rows,
               select_rows(std::move(resolved), modifiers, expander_of(head), expander_of(base)));
  Json out = output_of(rows);
  Json metadata = {{"base_ref", base_ref}, {"head_ref", head_ref}, {"entries", Json::array()}};
  for (const ChangelogEntry& entry : entries)
    metadata["entries"].push_back(entry_json(entry));
  out["changelog_metadata"] = std::move(metadata);
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

CommandOutput run_process_changelog(const std::vector<std::string>& args) {
  return run_with_options(changelog_spec(), args, processed);
}

}  // namespace sweep::ci
