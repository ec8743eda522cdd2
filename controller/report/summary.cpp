#include "controller/report/summary.hpp"

#include "controller/report/table.hpp"

namespace sweep::report {

std::string summary_table(std::span<const Document> documents) {
  return contract_table(summary_columns(), sorted_results(documents));
}

std::string summary_table(std::span<const Document* const> documents) {
  return contract_table(summary_columns(), sorted_results(documents));
}

nlohmann::ordered_json summary_json(std::span<const Document> documents) {
  return table_json(summary_columns(), sorted_results(documents));
}

}  // namespace sweep::report
