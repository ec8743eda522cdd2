#include "controller/report/summary.hpp"

#include "controller/report/table.hpp"
#include "util/json.hpp"

namespace sweep::report {

std::string summary_table(std::span<const Row> rows) {
  return contract_table(summary_columns(), sorted_results(rows));
}

std::string summary_table(std::span<const Row* const> rows) {
  return contract_table(summary_columns(), sorted_results(rows));
}

nlohmann::ordered_json summary_json(std::span<const Row> rows) {
  return table_json(summary_columns(), sorted_results(rows));
}

}  // namespace sweep::report
