#include "controller/compare/comparison.hpp"

#include <array>
#include <utility>

#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "controller/python/number.hpp"
#include "controller/python/value.hpp"
#include "util/text.hpp"

namespace sweep::compare {

namespace {

using Json = nlohmann::ordered_json;

Json value_at(const Json& record, const char* key, const Json& otherwise) {
  const Json* value = python::member(record, key);
  return value == nullptr ? otherwise : *value;
}

Expected<std::string> text_at(const Json& record, const char* key) {
  const Json* value = python::member(record, key);
  if (value == nullptr) return fail("it has no '" + std::string(key) + "'");
  if (!value->is_string())
    return fail("its '" + std::string(key) + "' must be a text, but is " + python::shown_value(*value));
  return value->get<std::string>();
}

Expected<std::int64_t> number_in(const Json& record, const char* key) {
  const Json* value = python::member(record, key);
  if (value == nullptr) return fail("it has no '" + std::string(key) + "'");
  const auto number = python::int_of(*value);
  if (!number)
    return fail("its '" + std::string(key) + "' must be an integer, but is " + python::shown_value(*value));
  return *number;
}

bool truth_in(const Json& value) {
  return value.is_boolean() ? value.get<bool>() : ascii_lower(python::str_of(value)) == "true";
}

std::string without_suffix(std::string hardware) {
  for (const char* suffix : {"-multinode", "-trt", "-disagg"}) {
    if (hardware.ends_with(suffix)) return hardware.substr(0, hardware.size() - std::string(suffix).size());
  }
  return hardware;
}

struct Role {
  const char *tp, *ep, *dp_attention;          // keys of the record
  const char *query_tp, *query_ep, *query_dp;  // columns
};

Expected<void> add_role(const Json& record, const Role& role, Json& query) {
  SWEEP_ASSIGN(query[role.query_tp], number_in(record, role.tp));
  SWEEP_ASSIGN(query[role.query_ep], number_in(record, role.ep));
  const Json* dp = python::member(record, role.dp_attention);
  if (dp == nullptr) return fail("it has no '" + std::string(role.dp_attention) + "'");
  query[role.query_dp] = truth_in(*dp);
  return {};
}

Expected<void> add_parallelism(const Json& record, bool many_nodes, Json& query) {
  constexpr std::array<Role, 2> kMany = {
      {{"prefill_tp", "prefill_ep", "prefill_dp_attention", "prefill_tp", "prefill_ep",
        "prefill_dp_attention"},
       {"decode_tp", "decode_ep", "decode_dp_attention", "decode_tp", "decode_ep", "decode_dp_attention"}}};
  constexpr std::array<Role, 2> kOne = {
      {{"tp", "ep", "dp_attention", "prefill_tp", "prefill_ep", "prefill_dp_attention"},
       {"tp", "ep", "dp_attention", "decode_tp", "decode_ep", "decode_dp_attention"}}};
  for (const Role& role : many_nodes ? kMany : kOne)
    SWEEP_TRY(add_role(record, role, query));
  return {};
}

constexpr std::array kColumns = {"hardware",    "framework",  "precision",
                                 "spec_method", "disagg",     "is_multinode",
                                 "prefill_tp",  "prefill_ep", "prefill_dp_attention",
                                 "decode_tp",   "decode_ep",  "decode_dp_attention",
                                 "isl",         "osl",        "conc"};

// Returns a text that is the same for rows and queries with the same values; std::nullopt if one is missing.
std::optional<std::string> configuration_key(const Json& row) {
  std::string out;
  for (const char* column : kColumns) {
    const Json* value = python::member(row, column);
    if (value == nullptr) return std::nullopt;
    // 8 and 8.0 are the same number, but not the same as the text "8".
    out += value->is_number() ? python::repr(value->get<double>()) : python::json_text(*value, -1);
    out += '\n';
  }
  return out;
}

// Returns the row's metrics, which a database may have as a text; null if they are not an object.
Json metrics_of(const Json& row) {
  Json metrics = value_at(row, "metrics", nullptr);
  if (metrics.is_string())
    metrics = python::read_json(metrics.get_ref<const std::string&>()).value_or(Json(nullptr));
  return metrics.is_object() ? metrics : Json(nullptr);
}

}  // namespace

Expected<Compared> compared(Json record) {
  if (!record.is_object()) return fail("it is " + python::shown_value(record) + ", not an object");
  Compared out;
  out.many_nodes = python::truth_of(value_at(record, "is_multinode", false));
  SWEEP_ASSIGN(const std::string hw, text_at(record, "hw"));
  SWEEP_ASSIGN(const std::string model, text_at(record, "infmax_model_prefix"));
  SWEEP_ASSIGN(const std::string framework, text_at(record, "framework"));
  SWEEP_ASSIGN(const std::string precision, text_at(record, "precision"));
  if (python::member(record, "model") == nullptr) return fail("it has no 'model'");
  out.hardware = ascii_upper(without_suffix(hw));
  Json& query = out.query = Json::object();
  query["hardware"] = ascii_lower(without_suffix(hw));
  query["model"] = ascii_lower(model);
  query["framework"] = ascii_lower(framework);
  query["precision"] = ascii_lower(precision);
  query["spec_method"] = ascii_lower(python::str_of(value_at(record, "spec_decoding", "none")));
  query["disagg"] = truth_in(value_at(record, "disagg", false));
  query["is_multinode"] = out.many_nodes;
  SWEEP_TRY(add_parallelism(record, out.many_nodes, query));
  for (const char* key : {"isl", "osl", "conc"}) {
    SWEEP_ASSIGN(query[key], number_in(record, key));
  }
  out.record = std::move(record);
  return out;
}

BaselineRows::BaselineRows(std::span<const Json> rows) {
  for (const Json& row : rows) {
    if (value_at(row, "head_branch", nullptr) != Json("main") || !value_at(row, "error", nullptr).is_null())
      continue;
    const auto key = configuration_key(row);
    const Json* model = python::member(row, "model");
    if (!key || model == nullptr || !model->is_string()) continue;
    const Json date = value_at(row, "date", nullptr);
    by_configuration_[*key].push_back(
        {&row, model->get<std::string>(), date.is_null() ? std::string() : python::str_of(date)});
  }
}

std::optional<Baseline> BaselineRows::newest(const Json& query) const {
  const auto key = configuration_key(query);
  const auto found = key ? by_configuration_.find(*key) : by_configuration_.end();
  if (found == by_configuration_.end()) return std::nullopt;
  const std::string prefix = python::str_of(value_at(query, "model", ""));
  const Row* newest = nullptr;
  for (const Row& row : found->second) {
    if (row.model.starts_with(prefix) && (newest == nullptr || row.date > newest->date)) newest = &row;
  }
  if (newest == nullptr) return std::nullopt;
  return Baseline{newest->model, metrics_of(*newest->json)};
}

bool is_agentic(const Json& record) {
  return value_at(record, "scenario_type", nullptr) == Json("agentic-coding");
}

}  // namespace sweep::compare
