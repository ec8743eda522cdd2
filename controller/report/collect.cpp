#include "controller/report/collect.hpp"

#include "controller/report/json_text.hpp"

namespace sweep::report {

std::string collect_text(std::span<const Document> documents) {
  if (documents.empty()) return "[]";
  std::string out = "[";
  for (const Document& document : documents) {
    out += out.size() > 1 ? ",\n  " : "\n  ";
    append_python_json(out, document.json, 2, 1);
  }
  return out + "\n]";
}

std::string collected_name(const std::string& exp_name) {
  return "agg_" + exp_name + ".json";
}

}  // namespace sweep::report
