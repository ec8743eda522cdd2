#include "controller/report/command.hpp"

#include <algorithm>
#include <string>

#include "controller/python/json_text.hpp"
#include "controller/report/collect.hpp"
#include "controller/report/documents.hpp"
#include "controller/report/plot.hpp"
#include "controller/report/repeats.hpp"
#include "controller/report/stand_in.hpp"
#include "controller/report/summary.hpp"
#include "controller/report/table.hpp"
#include "controller/report/validity.hpp"
#include "util/json.hpp"
#include "util/os/output_file.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

// Reads the JSON files below `directory`, except `excluded`. Reports files that cannot be read in `output`.
Documents load(const std::string& directory, CommandOutput& output, const std::string& excluded = {}) {
  Documents documents = read_documents(directory, excluded);
  if (!documents.exists)
    output.err += "no results: directory '" + printable(directory) + "' does not exist\n";
  for (const std::string& problem : documents.problems)
    add_error(output, problem + "; skipped");
  return documents;
}

// Returns true for files that a sweep and its tools write beside processed results. Skipping them is not
// reported.
bool is_by_product(const Document& document) {
  const std::string& path = document.path;
  return document.json.is_array() || path.ends_with("/manifest.json") ||
         path.find("/raw/") != std::string::npos;
}

// Reports documents that are not processed results and therefore not in the table and plots.
void report_skipped_documents(const Documents& documents, CommandOutput& output) {
  if (documents.exists && documents.good.empty() && documents.problems.empty())
    output.err += "no results: the directory contains no JSON files\n";
  const auto results =
      std::count_if(documents.good.begin(), documents.good.end(),
                    [](const Document& document) { return is_processed_result(document.json); });
  const auto is_other = [](const Document& document) {
    return !is_processed_result(document.json) && !is_by_product(document);
  };
  const auto others = std::count_if(documents.good.begin(), documents.good.end(), is_other);
  if (results == 0 && !documents.good.empty()) output.status = 1;
  if (others == 0) {
    if (output.status == 1 && documents.problems.empty())
      output.err += "no results: none of the JSON files is a processed result\n";
    return;
  }
  const auto first = std::find_if(documents.good.begin(), documents.good.end(), is_other);
  output.err +=
      "skipped " + counted(static_cast<std::size_t>(others), "JSON file") +
      (others == 1 ? " that is not a processed result: '" : " that are not processed results, first '") +
      printable(first->path) + "'\n";
}

// Reports results that cannot be on a frontier because they lack a value.
void report_incomplete_rows(std::span<const Row> rows, Metric metric, CommandOutput& output) {
  const auto lacks = [&](const Row& row) { return !trade_off(row, metric); };
  const auto count = std::count_if(rows.begin(), rows.end(), lacks);
  if (count == 0) return;
  const auto first = std::find_if(rows.begin(), rows.end(), lacks);
  output.err += "skipped " + counted(static_cast<std::size_t>(count), "result") + " without " +
                std::string(metric_key(metric)) + " or tput_per_gpu" + (count == 1 ? ": '" : ", first '") +
                printable(first->path) + "'\n";
}

}  // namespace

CommandOutput run_collect(const std::string& directory, const std::string& exp_name) {
  CommandOutput output;
  const std::string target = collected_name(exp_name);
  const Documents documents = load(directory, output, target);
  if (auto written = write_output_file(target, collect_text(documents.good)); !written) {
    add_error(output, printable(written.error().message));
  }
  return output;
}

CommandOutput run_summarize(const std::string& directory, bool json) {
  CommandOutput output;
  const Documents documents = load(directory, output);
  report_skipped_documents(documents, output);
  const std::vector<Row> rows = merged_repeats(rows_of(documents.good));
  output.out = json ? python::json_text(summary_json(rows), 2) + "\n" : summary_table(rows);
  return output;
}

CommandOutput run_plot(const std::string& directory, const std::string& exp_name) {
  CommandOutput output;
  const Documents documents = load(directory, output);
  report_skipped_documents(documents, output);
  const auto paths = plot(merged_repeats(rows_of(documents.good)), exp_name, ".");
  if (!paths) {
    add_error(output, printable(paths.error().message));
    return output;
  }
  for (const std::string& path : *paths)
    output.out += printable(path) + "\n";
  return output;
}

CommandOutput pareto_output(std::span<const Row> results, const ParetoOptions& options) {
  CommandOutput output;
  const std::vector<Row> rows = merged_repeats(results);
  report_incomplete_rows(rows, options.metric, output);
  const auto points = frontiers(rows, options.metric, options.by);
  if (points.empty()) {
    add_error(output, "no valid results found in '" + printable(options.directory) + "'");
  }
  output.err += stand_in_note(points) + repeat_note(points) + validity_note(points);
  if (options.json) {
    output.out = python::json_text(table_json(frontier_columns(), points), 2) + "\n";
  } else if (!points.empty()) {
    output.out = aligned_table(frontier_columns(), points);
  }
  return output;
}

}  // namespace sweep::report
