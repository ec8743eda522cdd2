#include "controller/evals/eval_rows.hpp"

#include "controller/python/value.hpp"
#include "util/error.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

using Json = nlohmann::ordered_json;

Json get(const Json& dict, const std::string& key, const Json& otherwise = nullptr) {
  const Json* value = python::member(dict, key);
  return value == nullptr ? otherwise : *value;
}

std::int64_t integer_or(const Json& value, std::int64_t otherwise) {
  return python::int_of(value).value_or(otherwise);
}

std::string lower_text(const Json& value) {
  return ascii_lower(python::str_of(value));
}

// ---- scores of one task

struct TaskScores {
  Json strict, strict_error, flexible, flexible_error, accuracy, accuracy_error;  // null: not measured
};

// Returns the metric by which the task is measured: the first of its metric_list.
std::string base_metric(const Json& config) {
  const Json list = get(config, "metric_list");
  if (!list.is_array() || list.empty()) return "exact_match";
  const Json name = get(list[0], "metric");
  return name.is_string() ? name.get<std::string>() : "exact_match";
}

bool contains_any(const std::string& text, const char* first, const char* second) {
  return text.find(first) != std::string::npos || text.find(second) != std::string::npos;
}

TaskScores task_scores(const Json& results, const Json& config) {
  TaskScores out;
  const std::string metric = base_metric(config);
  const Json filters = get(config, "filter_list");
  if (!filters.is_array() || filters.empty()) {
    if (results.contains("acc")) {
      out.accuracy = get(results, "acc");
      out.accuracy_error = get(results, "acc_stderr");
    } else {
      out.strict = get(results, metric);
      out.strict_error = get(results, metric + "_stderr");
    }
    return out;
  }
  for (const Json& filter : filters) {
    const std::string name = python::str_of(get(filter, "name"));
    // SWE-bench's share of resolved issues is its score.
    if (contains_any(name, "strict", "resolved")) {
      out.strict = get(results, metric + "," + name);
      out.strict_error = get(results, metric + "_stderr," + name);
    } else if (contains_any(name, "flex", "extract")) {
      out.flexible = get(results, metric + "," + name);
      out.flexible_error = get(results, metric + "_stderr," + name);
    }
  }
  return out;
}

void add_scores(Json& row, const TaskScores& scores, const Json& samples, const std::string& source) {
  row["em_strict"] = scores.strict;
  row["em_strict_se"] = scores.strict_error;
  row["em_flexible"] = scores.flexible;
  row["em_flexible_se"] = scores.flexible_error;
  row["n_eff"] = samples;
  row["source"] = source;
  const bool strict = !scores.strict.is_null(), accuracy = !strict && !scores.accuracy.is_null();
  row["score"] = strict ? scores.strict : scores.accuracy;
  row["score_name"] = strict ? Json("em_strict") : accuracy ? Json("accuracy") : Json(nullptr);
  row["score_se"] = strict ? scores.strict_error : accuracy ? scores.accuracy_error : Json(nullptr);
}

// ---- what meta_env.json says about the point

bool is_many_nodes(const Json& meta) {
  const Json value = get(meta, "is_multinode", false);
  return value.is_boolean() ? value.get<bool>() : !value.is_null() && lower_text(value) == "true";
}

void add_parallelism(Json& row, const Json& meta, const Json& conc) {
  const auto size = [&](const char* role_key, const char* key) {
    return integer_or(get(meta, role_key, get(meta, key, 1)), 1);
  };
  const std::int64_t tp = size("prefill_tp", "tp"), ep = size("prefill_ep", "ep");
  row["tp"] = integer_or(get(meta, "tp", tp), tp);
  row["ep"] = integer_or(get(meta, "ep", ep), ep);
  row["prefill_tp"] = tp;
  row["prefill_ep"] = ep;
  row["prefill_num_workers"] = integer_or(get(meta, "prefill_num_workers", 1), 1);
  row["decode_tp"] = size("decode_tp", "tp");
  row["decode_ep"] = size("decode_ep", "ep");
  row["decode_num_workers"] = integer_or(get(meta, "decode_num_workers", 1), 1);
  row["conc"] = integer_or(conc, 0);
}

void add_dp_attention(Json& row, const Json& meta, bool many_nodes) {
  Json all = get(meta, "dp_attention", "none");
  Json prefill = get(meta, "prefill_dp_attention"), decode = get(meta, "decode_dp_attention");
  if (prefill.is_null()) prefill = all;
  if (decode.is_null()) decode = all;
  if (many_nodes)
    all = prefill == decode ? prefill
                            : Json("prefill=" + lower_text(prefill) + ",decode=" + lower_text(decode));
  row["dp_attention"] = lower_text(all);
  row["prefill_dp_attention"] = lower_text(prefill);
  row["decode_dp_attention"] = lower_text(decode);
}

Json point_row(const Json& meta, const Json& model, const Json& conc) {
  Json row = Json::object();
  const bool many_nodes = is_many_nodes(meta);
  row["is_multinode"] = many_nodes;
  row["model_prefix"] = get(meta, "infmax_model_prefix", "unknown");
  row["model"] = python::truth_of(model) ? model : get(meta, "model", "unknown");
  row["hw"] = ascii_upper(python::str_of(get(meta, "hw", "unknown")));
  row["framework"] = lower_text(get(meta, "framework", "unknown"));
  row["precision"] = lower_text(get(meta, "precision", "unknown"));
  row["spec_decoding"] = get(meta, "spec_decoding", "unknown");
  row["isl"] = integer_or(get(meta, "isl", 0), 0);
  row["osl"] = integer_or(get(meta, "osl", 0), 0);
  add_parallelism(row, meta, conc);
  add_dp_attention(row, meta, many_nodes);
  return row;
}

// ---- rows

void add_result(const EvalSet& set, const ChosenResult& chosen, EvalRows& out) {
  const Json& json = chosen.result->json;
  const Json results = get(json, "results", Json::object()), configs = get(json, "configs");
  const Json conc = chosen.conc ? Json(*chosen.conc) : get(set.meta, "conc", 0);
  const std::string path = printable(chosen.result->path);
  if (!results.is_object() || results.empty()) {
    out.notes.push_back("'" + path + "' has no scores: its results are " + python::shown_value(results));
    return;
  }
  for (const auto& [task, scores] : results.items()) {
    if (!scores.is_object()) {
      out.notes.push_back("'" + path + "': the results of task '" + printable(task) + "' are " +
                          python::shown_value(scores) + ", not an object; left out");
      continue;
    }
    const Json config = get(configs, task), named = get(json, "model_name");
    const Json model = python::truth_of(named) ? named : get(get(config, "metadata"), "model");
    Json row = point_row(set.meta, model, conc);
    row["task"] = task;
    add_scores(row, task_scores(scores, config), get(get(get(json, "n-samples"), task), "effective"),
               chosen.result->path);
    out.rows.push_back(std::move(row));
  }
}

}  // namespace

EvalRows eval_rows(std::span<const EvalSet> sets) {
  EvalRows out;
  for (const EvalSet& set : sets) {
    const Choice choice = chosen_results(set);
    out.notes.insert(out.notes.end(), choice.notes.begin(), choice.notes.end());
    if (set.results.empty())
      out.notes.push_back("'" + printable(set.directory) +
                          "' has a meta_env.json but no result of lm-eval (a JSON object with the key "
                          "lm_eval_version)");
    for (const ChosenResult& chosen : choice.results)
      add_result(set, chosen, out);
  }
  return out;
}

}  // namespace sweep::evals
