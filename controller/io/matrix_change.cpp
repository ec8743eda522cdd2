#include "controller/io/matrix_change.hpp"

#include <map>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

std::string json_text(const nlohmann::ordered_json& value) {
  return printable(value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

/// Returns for example "max-model-len 2248 -> 4096, disagg true was added".
std::string difference(const nlohmann::ordered_json& before, const nlohmann::ordered_json& after) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  for (const auto& [key, value] : before.items()) {
    if (!after.contains(key)) {
      add(printable(key) + " " + json_text(value) + " was removed");
    } else if (after[key] != value) {
      add(printable(key) + " " + json_text(value) + " -> " + json_text(after[key]));
    }
  }
  for (const auto& [key, value] : after.items()) {
    if (!before.contains(key)) add(printable(key) + " " + json_text(value) + " was added");
  }
  return out;
}

}  // namespace

MatrixChange compare_matrix(const std::vector<Point>& old_points,
                            const std::set<std::string>& withdrawn_before,
                            const std::vector<Point>& new_points) {
  MatrixChange out;
  std::set<std::string> new_ids;
  for (const Point& point : new_points) {
    new_ids.insert(point.id);
    out.entries.push_back(point.entry);
  }
  std::map<std::string, const Point*> removed;  // by label
  std::set<std::string> old_ids;                // without those that were withdrawn before
  for (const Point& point : old_points) {
    const bool withdrawn = withdrawn_before.contains(point.id);
    if (!withdrawn) old_ids.insert(point.id);
    if (new_ids.contains(point.id)) continue;
    out.withdrawn.insert(point.id);
    out.entries.push_back(point.entry);
    if (!withdrawn) removed[label(point)] = &point;
  }
  for (const Point& point : new_points) {
    if (old_ids.contains(point.id)) continue;
    const std::string name = label(point);
    const auto old = removed.find(name);
    if (old == removed.end()) {
      out.lines.push_back("added    " + printable(name));
    } else {
      out.lines.push_back("changed  " + printable(name) + ": " +
                          difference(entry_of(*old->second), entry_of(point)));
      removed.erase(old);
    }
  }
  for (const auto& [name, point] : removed)
    out.lines.push_back("removed  " + printable(name));
  return out;
}

}  // namespace sweep
