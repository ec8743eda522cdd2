#include "controller/report/stand_in.hpp"

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

bool truthy(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return !text.empty() && text != "false" && text != "0";
  }
  return false;
}

}  // namespace

std::optional<std::string> stand_in(const Json& document) {
  if (!document.is_object()) return std::nullopt;
  for (const char* key : {kStandInKey, kSimulated}) {
    const auto found = document.find(key);
    if (found == document.end() || !truthy(*found)) continue;
    const bool names_it = found->is_string() && *found != "true" && *found != "1";
    return names_it ? found->get<std::string>() : kSimulated;
  }
  for (const char* key : {"hw", "hardware"}) {
    const auto found = document.find(key);
    if (found != document.end() && (*found == "cpu" || *found == "CPU")) return "cpu";
  }
  return std::nullopt;
}

void mark_stand_in(Json& out, const std::string& what) {
  out[kStandInKey] = what;
  if (what == kSimulated) out[kSimulated] = true;
}

std::string stand_in_note(std::span<const Row* const> rows) {
  std::size_t count = 0;
  std::string what;
  for (const Row* row : rows) {
    if (row->stand_in.empty()) continue;
    ++count;
    what = row->stand_in.str();
  }
  if (count == 0) return {};
  return "Not the hardware named: " + std::to_string(count) + " of " + counted(rows.size(), "result") +
         " measured a stand-in (" + printable(what) + ").\n";
}

}  // namespace sweep::report
