#include "controller/report/stand_in.hpp"

#include <set>
#include <vector>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

bool is_set(const Json& value) {
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
    if (found == document.end() || !is_set(*found)) continue;
    const bool is_name = found->is_string() && *found != "true" && *found != "1";
    return is_name ? found->get<std::string>() : kSimulated;
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
  std::set<std::string> stand_ins, hardware;
  for (const Row* row : rows) {
    if (row->stand_in.empty()) continue;
    ++count;
    stand_ins.insert(row->stand_in.str());
    const std::string hw = ascii_upper((*row)["hw"].text("unknown"));
    if (hw != "CPU" && hw != "UNKNOWN") hardware.insert(hw);
  }
  if (count == 0) return {};
  const auto listed = [](const std::set<std::string>& names) {
    return printable(join(std::vector<std::string>(names.begin(), names.end()), ", "));
  };
  const std::string from =
      listed(stand_ins) == kSimulated ? "simulated" : "from a stand-in (" + listed(stand_ins) + ")";
  return "WARNING: " + std::to_string(count) + " of " + counted(rows.size(), "result") +
         (rows.size() == 1 ? " is " : " are ") + from + ", not measured on " +
         (hardware.empty() ? "GPUs" : listed(hardware)) + ".\n";
}

}  // namespace sweep::report
