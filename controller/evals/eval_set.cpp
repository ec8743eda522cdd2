#include "controller/evals/eval_set.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "controller/python/number.hpp"
#include "controller/python/value.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_newer(const EvalResult& a, const EvalResult& b) {
  return a.modified != b.modified ? a.modified > b.modified : a.path > b.path;
}

// Returns the completed concurrencies of a batch; std::nullopt if meta_env.json does not list them.
std::optional<std::set<std::int64_t>> completed_concurrencies(const EvalSet& set) {
  const auto* list = python::member(set.meta, "completed_eval_concs");
  if (list == nullptr) list = python::member(set.meta, "eval_concs");
  if (!list->is_array()) return std::nullopt;
  std::set<std::int64_t> out;
  for (const auto& value : *list)
    out.insert(python::int_of(value).value_or(-1));
  return out;
}

Choice chosen_of_batch(const EvalSet& set) {
  std::map<std::int64_t, const EvalResult*> newest;
  Choice out;
  for (const EvalResult& result : set.results) {
    const auto conc = concurrency_in_name(result.path);
    if (!conc) {
      out.notes.push_back("left out '" + printable(result.path) +
                          "': the set is a batch (eval_concs), and the name does not end in _conc<N>.json");
      continue;
    }
    const auto [at, is_new] = newest.emplace(*conc, &result);
    if (!is_new && is_newer(result, *at->second)) at->second = &result;
  }
  const auto completed = completed_concurrencies(set);
  for (const auto& [conc, result] : newest) {
    if (!completed || completed->contains(conc)) {
      out.results.push_back({result, conc});
    } else {
      out.notes.push_back("left out '" + printable(result->path) + "': concurrency " + std::to_string(conc) +
                          " is not among completed_eval_concs in meta_env.json");
    }
  }
  for (const std::int64_t conc : completed.value_or(std::set<std::int64_t>())) {
    if (!newest.contains(conc))
      out.notes.push_back("'" + printable(set.directory) + "' has no result for concurrency " +
                          std::to_string(conc) + ", which meta_env.json lists as completed");
  }
  return out;
}

}  // namespace

std::optional<std::int64_t> concurrency_in_name(std::string_view path) {
  constexpr std::string_view kMark = "_conc", kEnding = ".json";
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.ends_with(kEnding)) return std::nullopt;
  name.remove_suffix(kEnding.size());
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view rest = name.substr(mark + kMark.size());
  const std::string_view digits = rest.substr(0, rest.find('_'));
  if (!is_digits(digits)) return std::nullopt;
  if (digits.size() < rest.size() && !is_digits(rest.substr(digits.size() + 1))) return std::nullopt;
  return python::parse_int(digits);
}

bool is_batch(const EvalSet& set) {
  const auto* concurrencies = python::member(set.meta, "eval_concs");
  return concurrencies != nullptr && concurrencies->is_array();
}

Choice chosen_results(const EvalSet& set) {
  if (is_batch(set)) return chosen_of_batch(set);
  if (set.results.empty()) return {};
  const auto newest = std::max_element(set.results.begin(), set.results.end(),
                                       [](const auto& a, const auto& b) { return is_newer(b, a); });
  return {{{&*newest, std::nullopt}}, {}};
}

}  // namespace sweep::evals
