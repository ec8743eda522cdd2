#include "controller/report/collect.hpp"

#include <vector>

#include "controller/report/json_text.hpp"
#include "proto/base/digest.hpp"
#include "proto/base/point.hpp"

namespace sweep::report {

std::string collect_text(std::span<const Document* const> documents) {
  if (documents.empty()) return "[]";
  std::string out = "[";
  for (const Document* document : documents) {
    out += out.size() > 1 ? ",\n  " : "\n  ";
    append_python_json(out, document->json, 2, 1);
  }
  out += "\n]";
  return out;
}

std::string collect_text(std::span<const Document> documents) {
  std::vector<const Document*> all;
  for (const Document& document : documents)
    all.push_back(&document);
  return collect_text(all);
}

std::string collected_name(const std::string& exp_name) {
  return "agg_" + exp_name + ".json";
}

std::string FileNames::of(const std::string& exp_name) {
  constexpr std::size_t kDigits = 6;
  const std::string name = file_safe(exp_name);
  const std::string& owner = owners_.emplace(name, exp_name).first->second;
  return owner == exp_name ? name : name + "_" + sha256_hex(exp_name).substr(0, kDigits);
}

}  // namespace sweep::report
