#include "controller/matrix/inferencex/evals.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>

#include "controller/matrix/inferencex/row_json.hpp"

namespace sweep::matrix::inferencex {

namespace {

constexpr std::int64_t kLeastConcurrency = 16;  // of evaluations, except of agentic rows of one node

// Row numbers by a key that is equal for the rows of a group.
using Groups = std::unordered_map<std::string, std::vector<std::size_t>>;

bool is_less(const Scalar& a, const Scalar& b) {
  return a.number < b.number;
}

// Returns the largest of the concurrencies that an evaluation may have; nullptr if there is none.
const Scalar* largest_concurrency(const Row& row) {
  const auto largest = std::max_element(row.conc.begin(), row.conc.end(), is_less);
  if (largest == row.conc.end() || largest->number < kLeastConcurrency) return nullptr;
  return &*largest;
}

// Returns texts as one key; no text has the separator.
std::string joined_key(std::initializer_list<const std::string*> texts) {
  std::string out;
  for (const std::string* text : texts)
    out += *text + '\0';
  return out;
}

std::string key_of_runner(const Row& row) {
  return joined_key({&row.entry->model, &row.runner, &row.entry->framework, &row.entry->precision});
}

// Returns dp-attn so that two values are equal if Python takes them for equal.
std::string comparable(const std::optional<Scalar>& value) {
  if (!value) return "0";
  return value->spelling == Scalar::Spelling::Text ? "'" + value->text : std::to_string(value->number);
}

// Marks the rows of a group at its largest concurrency and at the upper median of its set.
void mark_largest_and_median(std::vector<Row>& rows, const std::vector<std::size_t>& group) {
  std::vector<std::int64_t> values;
  values.reserve(group.size());
  for (const std::size_t i : group)
    values.push_back(rows[i].conc.front().number);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  const std::int64_t median = values[values.size() / 2], largest = values.back();
  for (const std::size_t i : group) {
    const std::int64_t conc = rows[i].conc.front().number;
    if (conc == median || conc == largest) rows[i].evals.run_eval = true;
  }
}

// Marks the row of a group with the largest concurrency; the first one if several have it.
void mark_largest(std::vector<Row>& rows, const std::vector<std::size_t>& group) {
  const auto conc_of = [&](std::size_t i) {
    return std::max_element(rows[i].conc.begin(), rows[i].conc.end(), is_less)->number;
  };
  const std::size_t best = *std::max_element(
      group.begin(), group.end(), [&](std::size_t a, std::size_t b) { return conc_of(a) < conc_of(b); });
  rows[best].evals.run_eval = true;
  if (rows[best].entry->multinode) rows[best].evals.eval_conc = *largest_concurrency(rows[best]);
}

void mark_selected(std::vector<Row>& rows, bool with_agentic) {
  Groups one_node, many_nodes, agentic;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row& row = rows[i];
    row.evals.run_eval = false;
    if (row.is_agentic() ? !with_agentic : !has_eval_lengths(*row.block)) continue;
    if (row.kind() == RowKind::AgenticOneNode) {
      agentic[key_of_runner(row)].push_back(i);
    } else if (largest_concurrency(row) == nullptr) {
      continue;
    } else if (row.entry->multinode) {
      many_nodes[configuration_key(row)].push_back(i);
    } else {
      one_node[key_of_runner(row) + row.element->spec_decoding + '\0' + comparable(row.element->dp_attn)]
          .push_back(i);
    }
  }
  for (const auto& [key, group] : one_node)
    mark_largest_and_median(rows, group);
  for (const Groups* groups : {&many_nodes, &agentic}) {
    for (const auto& [key, group] : *groups)
      mark_largest(rows, group);
  }
}

// Sorts the concurrencies and removes repetitions.
void make_set(std::vector<Scalar>& values) {
  std::stable_sort(values.begin(), values.end(), is_less);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// Marks every row that can be evaluated, and merges rows of many nodes of one configuration.
void mark_all(std::vector<Row>& rows) {
  std::unordered_map<std::string, std::size_t> places;  // of merged rows, by configuration
  std::vector<Row> out;
  out.reserve(rows.size());
  for (Row& row : rows) {
    const bool evaluated = row.is_agentic() || has_eval_lengths(*row.block);
    if (evaluated && row.entry->multinode) {
      const auto [place, is_new] = places.emplace(configuration_key(row), out.size());
      if (is_new) {
        out.push_back(std::move(row));
      } else {
        Row& merged = out[place->second];
        merged.conc.insert(merged.conc.end(), row.conc.begin(), row.conc.end());
      }
      continue;
    }
    if (evaluated) row.evals.run_eval = true;
    out.push_back(std::move(row));
  }
  for (const auto& [key, place] : places) {
    Row& row = out[place];
    make_set(row.conc);
    row.evals.run_eval = true;
    row.evals.eval_all_concs = !row.is_agentic();
    row.evals.eval_conc.reset();
    if (row.is_agentic() && !row.conc.empty()) row.evals.eval_conc = row.conc.back();
  }
  rows = std::move(out);
}

}  // namespace

void mark_evals(std::vector<Row>& rows, const EvalOptions& options) {
  if (options.none) return;
  mark_selected(rows, options.only || options.all);
  if (options.all) mark_all(rows);
  if (!options.only && !options.all) return;
  std::erase_if(rows, [](const Row& row) { return !row.evals.run_eval.value_or(false); });
  for (Row& row : rows)
    row.evals.eval_only = true;
}

}  // namespace sweep::matrix::inferencex
