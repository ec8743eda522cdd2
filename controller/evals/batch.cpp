#include "controller/evals/batch.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

#include "controller/evals/eval_set.hpp"
#include "controller/python/number.hpp"
#include "controller/python/value.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

using Json = nlohmann::ordered_json;
using Concurrencies = std::set<std::int64_t>;

Concurrencies without_those(const Concurrencies& all, const Concurrencies& removed) {
  Concurrencies out;
  std::set_difference(all.begin(), all.end(), removed.begin(), removed.end(), std::inserter(out, out.end()));
  return out;
}

// Adds a message that ends with the concurrencies, unless there are none.
void add_concurrencies(const std::string& message, const Concurrencies& values,
                       std::vector<std::string>& out) {
  if (values.empty()) return;
  std::vector<std::string> texts;
  for (const std::int64_t value : values)
    texts.push_back(std::to_string(value));
  out.push_back(message + join(texts, ", "));
}

// Checks an evaluation whose meta_env.json does not list concurrencies.
std::vector<std::string> single_problems(const Json& meta, std::size_t results,
                                         const std::optional<std::vector<std::int64_t>>& expected) {
  if (!expected) return {};
  if (expected->size() > 1)
    return {"workflow requested multiple concurrencies but batched eval metadata is missing"};
  std::vector<std::string> out;
  const Json* conc = python::member(meta, "conc");
  if (conc == nullptr || *conc != Json(expected->front()))
    out.emplace_back("eval metadata concurrency does not match workflow request");
  if (results != 1) out.emplace_back("eval must produce exactly one result file");
  return out;
}

// One of the lists in meta_env.json.
struct ConcurrencyList {
  bool is_list = false, valid = true;  // valid: only positive integers
  std::size_t size = 0;
  Concurrencies values;
};

ConcurrencyList list_at(const Json& meta, const char* key) {
  ConcurrencyList out;
  const Json* list = python::member(meta, key);
  if (list == nullptr || !list->is_array()) return out;
  out.is_list = true;
  out.size = list->size();
  for (const Json& value : *list) {
    const auto number =
        value.is_number_integer() || value.is_boolean() ? python::int_of(value) : std::nullopt;
    if (!number || *number <= 0) out.valid = false;
    out.values.insert(number.value_or(0));
  }
  return out;
}

void check_results(std::span<const std::string> paths, const Concurrencies& expected,
                   std::vector<std::string>& out) {
  Concurrencies present;
  for (const std::string& path : paths) {
    if (const auto conc = concurrency_in_name(path)) {
      present.insert(*conc);
    } else {
      out.push_back("batched eval result lacks a concurrency suffix: " + printable(path));
    }
  }
  add_concurrencies(
      "batched eval is missing result files for concurrency: ", without_those(expected, present), out);
  add_concurrencies(
      "batched eval has unexpected result files for concurrency: ", without_those(present, expected), out);
}

std::vector<std::string> problems_of_batch(const Json& meta, std::span<const std::string> paths,
                                           const std::optional<std::vector<std::int64_t>>& requested) {
  const auto listed = list_at(meta, "eval_concs"), completed = list_at(meta, "completed_eval_concs"),
             failed = list_at(meta, "failed_eval_concs");
  if (!listed.is_list || !completed.is_list || !failed.is_list)
    return {"batched eval metadata must contain list-valued concurrency fields"};
  if (!listed.valid || !completed.valid || !failed.valid)
    return {"batched eval metadata contains an invalid concurrency"};
  std::vector<std::string> out;
  const Concurrencies expected =
      requested ? Concurrencies(requested->begin(), requested->end()) : listed.values;
  if (listed.values.size() != listed.size)
    out.emplace_back("batched eval metadata contains duplicate expected concurrencies");
  if (completed.values.size() != completed.size)
    out.emplace_back("batched eval metadata contains duplicate completed concurrencies");
  if (listed.values != expected)
    out.emplace_back("batched eval metadata does not match workflow concurrencies");
  add_concurrencies("batched eval failed for concurrency: ", failed.values, out);
  add_concurrencies(
      "batched eval is missing completed concurrency: ", without_those(expected, completed.values), out);
  add_concurrencies(
      "batched eval completed unexpected concurrency: ", without_those(completed.values, expected), out);
  check_results(paths, expected, out);
  return out;
}

}  // namespace

std::optional<std::vector<std::int64_t>> parse_concurrencies(const std::string& text) {
  std::vector<std::int64_t> out;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto number = python::parse_int(word);
    if (!number || *number <= 0 || std::find(out.begin(), out.end(), *number) != out.end())
      return std::nullopt;
    out.push_back(*number);
  }
  return out.empty() ? std::nullopt : std::optional(std::move(out));
}

std::vector<std::string> batch_problems(const Expected<Json>& meta, const std::string& meta_path,
                                        std::span<const std::string> paths,
                                        const std::optional<std::vector<std::int64_t>>& expected) {
  if (!meta) {
    const bool is_batch =
        std::any_of(paths.begin(), paths.end(), [](const auto& path) { return concurrency_in_name(path); });
    if (!expected && !is_batch) return {};
    return {"batched eval result files exist but " + printable(meta_path) +
            " is unavailable or invalid: " + meta.error().message};
  }
  if (python::member(*meta, "eval_concs") == nullptr) return single_problems(*meta, paths.size(), expected);
  return problems_of_batch(*meta, paths, expected);
}

}  // namespace sweep::evals
