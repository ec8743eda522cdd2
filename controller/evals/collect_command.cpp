#include "controller/evals/collect_command.hpp"

#include "controller/evals/eval_files.hpp"
#include "controller/evals/eval_rows.hpp"
#include "controller/python/json_text.hpp"
#include "controller/report/collect.hpp"
#include "util/os/output_file.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

using Json = nlohmann::ordered_json;

std::string rows_text(const std::vector<Json>& rows) {
  std::string out;
  report::Collection collection([&](std::string_view piece) { out += piece; });
  for (const Json& row : rows)
    collection.add(python::json_text(row, 2));
  collection.end();
  return out;
}

}  // namespace

report::CommandOutput run_collect_evals(const std::string& directory, const std::string& exp_name,
                                        EvalOrder order) {
  report::CommandOutput output;
  const EvalSets found = read_eval_sets(directory);
  for (const std::string& problem : found.lost)
    report::add_error(output, problem + "; its scores are missing");
  for (const std::string& problem : found.unreadable)
    report::add_warning(output, problem);
  const EvalRows made = eval_rows(found.sets);
  for (const std::string& note : made.notes)
    report::add_warning(output, note);
  output.out = eval_tables(made.rows, order);
  const auto written = write_output_file("agg_eval_" + exp_name + ".json", rows_text(made.rows));
  if (!written) report::add_error(output, printable(written.error().message));
  return output;
}

}  // namespace sweep::evals
