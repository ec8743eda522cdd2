#include "controller/ci/compact_json.hpp"

#include <algorithm>
#include <vector>

#include "controller/python/json_text.hpp"
#include "util/json.hpp"

namespace sweep::ci {

namespace {

using Json = nlohmann::ordered_json;

void append_compact(std::string& out, const Json& value, KeyOrder order);

void append_object(std::string& out, const Json& value, KeyOrder order) {
  std::vector<const Json::object_t::value_type*> members;
  for (const auto& member : value.get_ref<const Json::object_t&>())
    members.push_back(&member);
  if (order == KeyOrder::Sorted)
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
  out += '{';
  for (const auto* member : members) {
    if (member != members.front()) out += ',';
    python::append_json_text(out, member->first, -1, 0);
    out += ':';
    append_compact(out, member->second, order);
  }
  out += '}';
}

// Recursion is bounded by the depth that the reader of the value allows.
void append_compact(std::string& out, const Json& value, KeyOrder order) {
  if (value.is_object()) {
    append_object(out, value, order);
  } else if (value.is_array()) {
    out += '[';
    for (const Json& item : value) {
      if (&item != &value.front()) out += ',';
      append_compact(out, item, order);
    }
    out += ']';
  } else {
    python::append_json_text(out, value, -1, 0);
  }
}

}  // namespace

std::string compact_json(const Json& value, KeyOrder order) {
  std::string out;
  append_compact(out, value, order);
  return out;
}

}  // namespace sweep::ci
