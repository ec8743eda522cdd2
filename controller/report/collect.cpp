#include "controller/report/collect.hpp"

#include <vector>

#include "controller/python/json_text.hpp"
#include "util/digest.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

void Collection::add(std::string_view element) {
  constexpr std::size_t kIndent = 2;
  out_(empty_ ? "[\n  " : ",\n  ");
  empty_ = false;
  out_(indented(element, kIndent));
}

void Collection::end() {
  out_(empty_ ? "[]" : "\n]");
}

std::string collect_text(std::span<const Document> documents) {
  std::string out;
  Collection collection([&](std::string_view piece) { out += piece; });
  for (const Document& document : documents)
    collection.add(python::json_text(document.json, 2));
  collection.end();
  return out;
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
