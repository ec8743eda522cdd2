#include "controller/agentic/traces.hpp"

#include "controller/python/value.hpp"
#include "util/json.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

std::int64_t output_length(const Json& request) {
  const Json* length = python::member(request, "output_length");
  if (length == nullptr || length->is_null()) length = python::member(request, "out");
  if (length == nullptr || !python::truth_of(*length)) return 0;
  return python::int_of(*length).value_or(0);
}

bool is_turn(const Json& request) {
  const Json* type = python::member(request, "type");
  return type != nullptr && (*type == "n" || *type == "s");
}

}  // namespace

TraceLengths::TraceLengths(const Records& records) : lengths_(records.traces.size()) {
  for (std::size_t i = 0; i < records.traces.size(); ++i)
    index_.emplace(records.traces[i], i);
}

void TraceLengths::take(const Json& trace) {
  const Json* id = python::member(trace, "id");
  const Json* requests = python::member(trace, "requests");
  if (id == nullptr || requests == nullptr || !requests->is_array()) return;
  const auto found = index_.find(python::str_of(*id));
  if (found == index_.end()) return;
  std::vector<std::int64_t> turns;
  for (const Json& request : *requests) {
    if (is_turn(request)) turns.push_back(output_length(request));
  }
  if (!turns.empty()) lengths_[found->second] = std::move(turns);
}

std::vector<std::int64_t> TraceLengths::expected(const Records& records) const {
  std::vector<std::int64_t> out;
  for (const Turn& turn : records.turns) {
    const auto& lengths = lengths_[turn.trace];
    const auto index = static_cast<std::size_t>(turn.index);
    if (index < lengths.size()) out.push_back(lengths[index]);
  }
  return out;
}

}  // namespace sweep::agentic
