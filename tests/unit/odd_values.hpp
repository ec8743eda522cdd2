// For tests of functions that read documents of other programs: every value of a document in turn is replaced by
// one of another kind.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "util/json.hpp"

namespace sweep {

/// Calls `see` with every document that differs from `sample` in one value, and with some that are no object.
inline void each_odd_document(const nlohmann::ordered_json& sample,
                              const std::function<void(const nlohmann::ordered_json&)>& see) {
  using Json = nlohmann::ordered_json;
  std::set<std::string> places = {""};
  const Json leaves = sample.flatten();
  for (const auto& [leaf, value] : leaves.items()) {
    for (std::size_t at = 0; at != std::string::npos; at = leaf.find('/', at + 1))
      places.insert(leaf.substr(0, leaf.find('/', at + 1)));
  }
  const std::vector<Json> odd = {
      nullptr,      true, -3, 1e300, "x", "", Json::array(), Json::object(), 2.5, Json::array({nullptr}),
      Json{{"", 1}}};
  for (const std::string& place : places) {
    for (const Json& value : odd) {
      Json document = sample;
      document[Json::json_pointer(place)] = value;
      see(document);
    }
  }
}

}  // namespace sweep
