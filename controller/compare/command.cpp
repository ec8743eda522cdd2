#include "controller/compare/command.hpp"

#include "controller/compare/baselines.hpp"
#include "controller/compare/comparison_table.hpp"
#include "controller/python/json_text.hpp"
#include "controller/python/value.hpp"
#include "controller/report/documents.hpp"
#include "util/text.hpp"

namespace sweep::compare {

namespace {

using Json = nlohmann::ordered_json;

// Returns true for files that a sweep and its tools write beside records; skipping them is not an error.
bool is_by_product(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return path.find("/raw/") != std::string::npos || name == "manifest.json" || name == "sweep_configs.json" ||
         name.starts_with("power_validation");
}

// Collects the records of files.
class Records {
 public:
  void add(report::Document document) {
    if (document.json.is_array()) {
      std::size_t number = 0;
      for (Json& element : document.json)
        add_record(std::move(element), document.path, "element " + std::to_string(++number) + " of ");
    } else {
      add_record(std::move(document.json), document.path, "");
    }
  }

  std::vector<ComparedRow> rows;
  std::vector<std::string> problems;  // one line for each that is not a record

 private:
  void add_record(Json record, const std::string& path, const std::string& element) {
    if (is_agentic(record)) return;
    auto point = compared(std::move(record));
    if (point) {
      rows.push_back({std::move(*point), std::nullopt});
    } else if (!is_by_product(path)) {
      problems.push_back(element + "'" + printable(path) +
                         "' is not a record of InferenceX: " + point.error().message + "; skipped");
    }
  }
};

// Returns what the log says about a query.
std::string query_text(const ComparedRow& row) {
  Json texts = Json::object();
  for (const auto& [column, value] : row.point.query.items())
    texts[column] = python::str_of(value);
  std::string out = "\nQuery params: " + python::json_text(texts, 2) + "\n";
  if (!row.baseline) return out + "  -> No baseline found\n";
  const Json* throughput = python::member(row.baseline->metrics, "tput_per_gpu");
  return out + "  -> Matched DB model=" + printable(row.baseline->model) +
         ", tput=" + (throughput == nullptr ? "None" : printable(python::str_of(*throughput))) + "\n";
}

Records read_records(const std::string& directory, report::CommandOutput& output) {
  report::Documents documents = report::read_documents(directory);
  if (!documents.exists)
    report::add_warning(output, "no results: directory '" + printable(directory) + "' does not exist");
  for (const std::string& problem : documents.problems)
    report::add_error(output, problem + "; skipped");
  Records records;
  for (report::Document& document : documents.good)
    records.add(std::move(document));
  for (const std::string& problem : records.problems)
    report::add_error(output, problem);
  return records;
}

}  // namespace

CompareOutput run_compare_results(const std::string& directory,
                                  const std::optional<std::string>& database_url) {
  if (!database_url)
    return {report::failed("DATABASE_URL is not set; set it to the address of the database "
                           "(postgresql://user@host/database) or to file:FILE with the rows as a JSON array"),
            ""};
  CompareOutput out;
  Records records = read_records(directory, out.output);
  out.log = "Loaded " + std::to_string(records.rows.size()) + " benchmark results\n";
  if (!records.rows.empty()) {
    std::vector<Json> queries;
    for (const ComparedRow& row : records.rows)
      queries.push_back(row.point.query);
    auto baselines = find_baselines(*database_url, queries);
    if (!baselines) {
      report::add_error(out.output, baselines.error().message);
      return out;
    }
    std::size_t matched = 0;
    for (std::size_t i = 0; i < baselines->size(); ++i) {
      records.rows[i].baseline = std::move((*baselines)[i]);
      matched += records.rows[i].baseline ? 1 : 0;
      out.log += query_text(records.rows[i]);
    }
    const std::size_t all = records.rows.size();
    out.log += "\nSummary: " + std::to_string(matched) + " matched, " + std::to_string(all - matched) +
               " unmatched out of " + std::to_string(all) + " results\n";
  }
  out.output.out = comparison_tables(std::move(records.rows));
  return out;
}

}  // namespace sweep::compare
