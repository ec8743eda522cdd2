#include "controller/ci/append_only.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "controller/ci/recipe.hpp"
#include "controller/matrix/inferencex/scalar.hpp"
#include "controller/python/text.hpp"
#include "util/text.hpp"

namespace sweep::ci {

namespace {

using matrix::inferencex::Row;
using matrix::inferencex::Scalar;

bool is_number(const yaml::Value& value) {
  return value.is(yaml::Kind::Int) || value.is(yaml::Kind::Float) || value.is(yaml::Kind::Bool);
}

bool python_equal(const yaml::Value& a, const yaml::Value& b);

bool equal_dicts(const yaml::Value& a, const yaml::Value& b, std::string_view without = {}) {
  const auto counted_members = [&](const yaml::Value& dict) {
    return std::count_if(dict.members.begin(), dict.members.end(),
                         [&](const yaml::Member& member) { return python_str(*member.key) != without; });
  };
  if (counted_members(a) != counted_members(b)) return false;
  return std::all_of(a.members.begin(), a.members.end(), [&](const yaml::Member& member) {
    if (python_str(*member.key) == without) return true;
    return std::any_of(b.members.begin(), b.members.end(), [&](const yaml::Member& other) {
      return python_equal(*member.key, *other.key) && python_equal(*member.value, *other.value);
    });
  });
}

// True if Python's == holds for the two values.
bool python_equal(const yaml::Value& a, const yaml::Value& b) {
  if (is_number(a) && is_number(b))
    return matrix::inferencex::read_real(a) == matrix::inferencex::read_real(b);
  if (a.kind() != b.kind()) return false;
  if (a.is(yaml::Kind::Dict)) return equal_dicts(a, b);
  if (!a.is(yaml::Kind::List)) return a.text == b.text || a.is(yaml::Kind::Null);
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                    [](const yaml::ValueRef& x, const yaml::ValueRef& y) { return python_equal(*x, *y); });
}

// The entries of one revision by key.
std::map<std::string, const yaml::Value*> entries_of(const MasterDocuments& documents) {
  std::map<std::string, const yaml::Value*> out;
  for (const yaml::ValueRef& document : documents) {
    for (const yaml::Member& member : document->members)
      out[python_str(*member.key)] = member.value.get();
  }
  return out;
}

const yaml::Value* entry_in(const std::map<std::string, const yaml::Value*>& entries,
                            const std::string& key) {
  const auto found = entries.find(key);
  return found == entries.end() ? nullptr : found->second;
}

Expected<void> check_unrelated(const std::map<std::string, const yaml::Value*>& base,
                               const std::map<std::string, const yaml::Value*>& head,
                               const SelectedScenarios& selected) {
  std::set<std::string> keys, changed;
  for (const auto* entries : {&base, &head}) {
    for (const auto& [key, value] : *entries)
      keys.insert(key);
  }
  for (const auto& [key, scenarios] : selected)
    keys.erase(key);
  for (const std::string& key : keys) {
    const yaml::Value *before = entry_in(base, key), *after = entry_in(head, key);
    if (before == nullptr || after == nullptr || !python_equal(*before, *after)) changed.insert(key);
  }
  if (changed.empty()) return {};
  return fail("append-only PR changed configs not selected by its changelog entry: " +
              python::list(std::vector<std::string>(changed.begin(), changed.end())) +
              "; name them in config-keys or undo the change");
}

Expected<void> check_entry_scope(const std::string& key, const yaml::Value& base, const yaml::Value& head,
                                 const std::set<std::string>& selected) {
  const std::string name = python::repr(key);
  const yaml::Value *before = find(base, "scenarios"), *after = find(head, "scenarios");
  std::set<std::string> old_names, new_names;
  for (const auto& [scenarios, names] : {std::pair(before, &old_names), std::pair(after, &new_names)}) {
    for (const yaml::Member& member : scenarios->members)
      names->insert(python_str(*member.key));
  }
  if (old_names != new_names) return fail("append-only added or removed a scenario in config " + name);
  const bool all_selected =
      std::includes(selected.begin(), selected.end(), old_names.begin(), old_names.end());
  if (!all_selected && !equal_dicts(base, head, "scenarios"))
    return fail(
        "append-only changed config-wide fields that can affect scenarios outside its changelog scope: " +
        name);
  for (const yaml::Member& member : before->members) {
    const std::string scenario = python_str(*member.key);
    if (!selected.contains(scenario) && !python_equal(*member.value, *find(*after, scenario)))
      return fail("append-only changed a scenario outside its changelog scope: " + name + " / " +
                  python::repr(scenario));
  }
  return {};
}

// The concurrencies of one recipe.
struct Curve {
  std::string recipe;
  std::set<std::int64_t> concurrencies;
};

// The curves of a revision in the order of their first rows.
class Curves {
 public:
  Expected<void> add(const Row& row) {
    for (const Scalar& conc : row.conc) {
      const bool real = conc.spelling == Scalar::Spelling::Int || conc.spelling == Scalar::Spelling::Bool;
      if (!real)
        return fail("append-only matrix entry has invalid concurrency value: " + python_str(conc) +
                    "; write it as an integer");
    }
    if (row.conc.empty()) return fail("append-only matrix entry has invalid concurrency value: []");
    const auto [place, is_new] = places_.emplace(recipe_text(row), all_.size());
    if (is_new) all_.push_back({place->first, {}});
    for (const Scalar& conc : row.conc)
      all_[place->second].concurrencies.insert(conc.number);
    return {};
  }

  const std::vector<Curve>& all() const { return all_; }
  /// Returns the concurrencies of a recipe; nullptr if there is no such curve.
  const std::set<std::int64_t>* find(const std::string& recipe) const {
    const auto found = places_.find(recipe);
    return found == places_.end() ? nullptr : &all_[found->second].concurrencies;
  }

 private:
  std::vector<Curve> all_;
  std::unordered_map<std::string, std::size_t> places_;
};

Expected<Curves> curves_of(const std::vector<Row>& rows) {
  Curves out;
  for (const Row& row : rows)
    SWEEP_TRY(out.add(row));
  return out;
}

// Fails if a curve or a concurrency of `base` is gone.
Expected<void> check_kept(const Curves& base, const Curves& head) {
  if (base.all().empty()) return fail("append-only requires an existing curve in the base revision");
  for (const Curve& curve : base.all()) {
    if (head.find(curve.recipe) == nullptr)
      return fail("append-only may not remove or modify existing generated recipes");
  }
  for (const Curve& curve : base.all()) {
    const auto& kept = *head.find(curve.recipe);
    std::vector<std::string> gone;
    for (const std::int64_t conc : curve.concurrencies) {
      if (!kept.contains(conc)) gone.push_back(std::to_string(conc));
    }
    if (!gone.empty())
      return fail("append-only may not remove existing concurrency points: [" + join(gone, ", ") + "]");
  }
  return {};
}

// Returns what identifies the series of a row in a chart.
std::string series_of(const Row& row) {
  const auto& entry = *row.entry;
  const auto& element = *row.element;
  const auto hardware = [&](bool prefill) -> std::string {
    if (!element.workers) return "";
    const auto& worker = prefill ? element.workers->prefill : element.workers->decode;
    return worker.hardware.value_or("");
  };
  std::vector<std::string> parts = {
      entry.model,     entry.model_prefix, entry.precision,
      entry.framework, row.runner,         matrix::inferencex::python_truth(entry.disagg) ? "disagg" : "",
      hardware(true),  hardware(false),    element.kv_offloading == "none" ? "off" : "on"};
  if (row.block != nullptr) {
    parts.push_back(std::to_string(row.block->isl.number) + "/" + std::to_string(row.block->osl.number));
    parts.push_back(element.spec_decoding);
  }
  std::string out;
  for (const std::string& part : parts)
    out += part + '\0';
  return out;
}

Expected<void> check_series(const std::vector<Row>& base, const std::vector<Row>& added) {
  std::unordered_map<std::string, std::set<std::string>> images;
  for (const Row& row : base)
    images[series_of(row)].insert(row.entry->image);
  for (const Row& row : added) {
    if (images[series_of(row)] != std::set<std::string>{row.entry->image})
      return fail(
          "append-only additions must belong to an existing visual curve with one unchanged non-null image");
  }
  return {};
}

}  // namespace

Expected<void> check_scope(const MasterDocuments& base, const MasterDocuments& head,
                           const SelectedScenarios& selected) {
  const auto before = entries_of(base), after = entries_of(head);
  std::set<std::string> missing;
  for (const auto& [key, scenarios] : selected) {
    if (!before.contains(key)) missing.insert(key);
  }
  if (!missing.empty())
    return fail("append-only requires every selected config to exist in the base revision; missing: " +
                python::list(std::vector<std::string>(missing.begin(), missing.end())));
  SWEEP_TRY(check_unrelated(before, after, selected));
  for (const auto& [key, scenarios] : selected)
    SWEEP_TRY(check_entry_scope(key, *before.at(key), *after.at(key), scenarios));
  return {};
}

Expected<std::vector<Row>> added_points(const std::vector<Row>& base, const std::vector<Row>& head) {
  SWEEP_ASSIGN(const auto old_curves, curves_of(base));
  SWEEP_ASSIGN(const auto new_curves, curves_of(head));
  SWEEP_TRY(check_kept(old_curves, new_curves));
  std::unordered_map<std::string, std::set<std::int64_t>> emitted;
  std::vector<Row> out;
  for (const Row& row : head) {
    const std::string recipe = recipe_text(row);
    const auto* known = old_curves.find(recipe);
    std::vector<Scalar> fresh;
    for (const Scalar& conc : row.conc) {
      const bool is_old = known != nullptr && known->contains(conc.number);
      if (!is_old && emitted[recipe].insert(conc.number).second) fresh.push_back(conc);
    }
    if (fresh.empty()) continue;
    out.push_back(row);
    out.back().conc = std::move(fresh);
  }
  if (out.empty()) return fail("append-only did not add any generated points");
  SWEEP_TRY(check_series(base, out));
  return out;
}

}  // namespace sweep::ci
