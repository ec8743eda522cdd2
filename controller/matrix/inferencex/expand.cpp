#include "controller/matrix/inferencex/expand.hpp"

#include <algorithm>

#include "controller/matrix/inferencemax/expand.hpp"
#include "controller/matrix/inferencex/dram_budget.hpp"
#include "controller/matrix/inferencex/glob.hpp"
#include "controller/python/text.hpp"
#include "util/text.hpp"

namespace sweep::matrix::inferencex {

namespace {

using Values = std::vector<Scalar>;

bool has_text(const std::vector<std::string>& texts, const std::string& text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

bool selects_text(const std::vector<std::string>& wanted, const std::string& text) {
  return wanted.empty() || has_text(wanted, text);
}

std::string place_of(const Entry& entry, const Element& element) {
  return entry.file + ":" + std::to_string(element.line);
}

std::string worker_tag(char role, const Worker& worker) {
  std::string out = "_" + std::string(1, role) + python_str(worker.num_worker) + "x" + python_str(worker.tp);
  if (worker.ep != scalar(1)) out += "ep" + python_str(worker.ep);
  if (python_truth(worker.dp_attn)) out += "dpa";
  return out;
}

// Returns "kvnone" or "kvdram-mooncake".
std::string offload_tag(const Element& element) {
  if (!element.kv_offload_backend || element.kv_offloading == "none") return "kvnone";
  return "kv" + element.kv_offloading + "-" + element.kv_offload_backend->name;
}

std::string agentic_name(const Entry& entry, const Element& element, const Scalar& conc) {
  const std::string conc_tag = "_conc" + python_str(conc);
  if (element.workers) {
    const bool offloads = element.kv_offloading != "none";
    return entry.model_prefix + worker_tag('p', element.workers->prefill) +
           worker_tag('d', element.workers->decode) + conc_tag +
           (offloads ? "_" + offload_tag(element) : std::string());
  }
  return entry.model_prefix + "_tp" + python_str(element.tp) + conc_tag + "_" + offload_tag(element) +
         (element.spec_decoding == "none" ? "" : "_spec-" + element.spec_decoding);
}

// How one subcommand selects within an element. A list without values skips the element.
class ElementSelector {
 public:
  ElementSelector() = default;
  ElementSelector(const ElementSelector&) = delete;
  ElementSelector& operator=(const ElementSelector&) = delete;
  virtual ~ElementSelector() = default;
  virtual Expected<Values> fixed(const Entry& entry, const Element& element) = 0;
  virtual Expected<Values> agentic(const Entry& entry, const Element& element) = 0;
  /// Returns ep of a point of one node.
  virtual std::optional<Scalar> ep(const Element& element) = 0;
  /// True if an element of many nodes without a concurrency makes a row nevertheless.
  virtual bool keeps_empty() const = 0;

  FilterEffects effects;
};

class FullSweepSelector : public ElementSelector {
 public:
  explicit FullSweepSelector(const FullSweep& sweep) : sweep_(sweep) {}

  Expected<Values> fixed(const Entry& entry, const Element& element) override {
    if (!entry.multinode && !passes_sizes(element)) return Values();
    const auto& select = entry.multinode ? many_node_values : one_node_values;
    SWEEP_ASSIGN(Values out, select(element.concurrency, sweep_.limits, sweep_.step_size));
    SWEEP_TRY(count_added(entry, element, out));
    return out;
  }

  Expected<Values> agentic(const Entry& entry, const Element& element) override {
    SWEEP_ASSIGN(Values out, agentic_values(element.concurrency, sweep_.limits, sweep_.step_size));
    if (out.empty() && effects.dropped_agentic++ == 0)
      effects.first_dropped_agentic = place_of(entry, element);
    return out;
  }

  std::optional<Scalar> ep(const Element& element) override {
    if (!sweep_.max_ep || !element.ep || element.ep->number <= *sweep_.max_ep) return element.ep;
    ++effects.lowered_ep;
    return scalar(*sweep_.max_ep);
  }

  bool keeps_empty() const override { return false; }

 private:
  bool passes_sizes(const Element& element) const {
    if (sweep_.max_tp && (*sweep_.max_tp <= 0 || element.tp.number > *sweep_.max_tp)) return false;
    return !sweep_.max_ep || *sweep_.max_ep > 0;
  }

  // Counts the values that the file does not have.
  Expected<void> count_added(const Entry& entry, const Element& element, const Values& values) {
    if (!sweep_.limits.min && !sweep_.limits.max) return {};
    SWEEP_ASSIGN(const Values own, values_of(element.concurrency, sweep_.step_size));
    const auto is_own = [&](const Scalar& value) {
      return std::any_of(own.begin(), own.end(),
                         [&](const Scalar& candidate) { return candidate.number == value.number; });
    };
    for (const Scalar& value : values) {
      if (!is_own(value) && effects.added++ == 0) effects.first_added = place_of(entry, element);
    }
    return {};
  }

  const FullSweep& sweep_;
};

class TestConfigSelector : public ElementSelector {
 public:
  explicit TestConfigSelector(const TestConfig& test) : test_(test) {}

  Expected<Values> fixed(const Entry& entry, const Element& element) override {
    const Concurrency& conc = element.concurrency;
    if (!conc.has_empty_list) return listed_values(conc);
    // The contract's tool uses the empty list although there is a range.
    if (effects.empty_lists++ == 0) effects.first_empty_list = place_of(entry, element);
    return Values();
  }

  Expected<Values> agentic(const Entry& /*entry*/, const Element& element) override {
    return listed_values(element.concurrency);
  }

  std::optional<Scalar> ep(const Element& element) override { return element.ep; }
  bool keeps_empty() const override { return test_.conc.empty(); }

 private:
  Expected<Values> listed_values(const Concurrency& concurrency) const {
    SWEEP_ASSIGN(Values out, values_of(concurrency, 2));
    if (test_.conc.empty()) return out;
    std::erase_if(out, [&](const Scalar& value) {
      return std::none_of(test_.conc.begin(), test_.conc.end(),
                          [&](std::int64_t wanted) { return value == scalar(wanted); });
    });
    return out;
  }

  const TestConfig& test_;
};

class Expander {
 public:
  Expander(const Selection& selection, const RunnerFile& runners, ElementSelector& selector, Rows& out)
      : selection_(selection), runners_(runners), selector_(selector), out_(out) {}

  Expected<void> add_entry(const Entry& entry, const std::vector<std::string>& runners) {
    entry_runners_ = &runners;
    for (const FixedBlock& block : entry.fixed) {
      if (!selection_.fixed || !passes_lengths(block)) continue;
      for (const Element& element : block.elements)
        SWEEP_TRY(add_fixed(entry, block, element));
    }
    for (const AgenticBlock& block : entry.agentic) {
      for (std::size_t i = 0; selection_.agentic && i < block.elements.size(); ++i)
        SWEEP_TRY(add_agentic(entry, block, block.elements[i]));
    }
    return {};
  }

 private:
  bool passes_lengths(const FixedBlock& block) const {
    if (selection_.seq_lens.empty()) return true;
    return (block.isl.spelling != Scalar::Spelling::Text && block.osl.spelling != Scalar::Spelling::Text) &&
           has_text(selection_.seq_lens, lengths_name(block));
  }

  static tl::unexpected<Error> at(const Entry& entry, const Element& element, const Error& error) {
    return fail(place_of(entry, element) + ": " + error.message);
  }

  Expected<void> add_fixed(const Entry& entry, const FixedBlock& block, const Element& element) {
    auto values = selector_.fixed(entry, element);
    if (!values) return at(entry, element, values.error());
    const bool keeps_row = entry.multinode && selector_.keeps_empty() && element.concurrency.has_empty_list;
    if (values->empty() && !keeps_row) return {};
    Row row;
    row.entry = &entry;
    row.element = &element;
    row.block = &block;
    row.exp_name = entry.model_prefix + "_" + lengths_name(block);
    row.evals.run_eval = false;
    if (entry.multinode) {
      row.conc = *std::move(values);
      return add_for_runners(row);
    }
    for (Scalar& conc : *values) {
      row.ep = selector_.ep(element);
      row.conc = {std::move(conc)};
      SWEEP_TRY(add_for_runners(row));
    }
    return {};
  }

  Expected<void> add_agentic(const Entry& entry, const AgenticBlock& block, const Element& element) {
    Row row;
    row.entry = &entry;
    row.element = &element;
    row.ep = element.ep;
    SWEEP_ASSIGN(row.total_cpu_dram_gb, dram_budget(entry, block, element, runners_));
    auto values = selector_.agentic(entry, element);
    if (!values) return at(entry, element, values.error());
    const std::vector<std::string> one(1);
    // Many nodes: all concurrencies of a runner, one row each; one node: all runners of a concurrency.
    for (const std::string& runner : entry.multinode ? *entry_runners_ : one) {
      for (const Scalar& conc : *values) {
        row.conc = {conc};
        row.exp_name = agentic_name(entry, element, conc);
        if (entry.multinode) row.runner = runner;
        SWEEP_TRY(entry.multinode ? add(row) : add_for_runners(row));
      }
    }
    return {};
  }

  Expected<void> add_for_runners(Row& row) {
    for (const std::string& runner : *entry_runners_) {
      row.runner = runner;
      SWEEP_TRY(add(row));
    }
    return {};
  }

  Expected<void> add(const Row& row) {
    if (out_.rows.size() >= kMaxPoints)
      return fail("More than " + std::to_string(kMaxPoints) + " points in the matrix (at " +
                  place_of(*row.entry, *row.element) + "): narrow it with filters or split the files");
    selector_.effects.agentic += row.is_agentic() ? 1 : 0;
    out_.rows.push_back(row);
    return {};
  }

  const Selection& selection_;
  const RunnerFile& runners_;
  ElementSelector& selector_;
  Rows& out_;
  const std::vector<std::string>* entry_runners_ = nullptr;
};

// Returns the runners of a label whose names contain the filter.
std::vector<std::string> matching_runners(const std::string& label, const RunnerFile& runners,
                                          const std::string& filter) {
  std::vector<std::string> out;
  const Label* found = runners.find_label(label);
  if (found == nullptr) return out;
  std::copy_if(found->runners.begin(), found->runners.end(), std::back_inserter(out),
               [&](const std::string& runner) { return runner.find(filter) != std::string::npos; });
  return out;
}

bool selects_entry(const FullSweep& sweep, const Entry& entry) {
  const auto& prefixes = sweep.model_prefix;
  const bool key_matches =
      prefixes.empty() || std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
        return entry.key.starts_with(prefix);
      });
  return key_matches && selects_text(sweep.precision, entry.precision) &&
         selects_text(sweep.framework, entry.framework) && selects_text(sweep.runner_type, entry.runner) &&
         (entry.multinode ? sweep.multi_node : sweep.single_node);
}

Expected<void> check_labels(const std::vector<std::string>& wanted, const RunnerFile& runners) {
  std::vector<std::string> unknown;
  for (const std::string& label : wanted) {
    if (runners.find_label(label) == nullptr) unknown.push_back(python::repr(label));
  }
  if (unknown.empty()) return {};
  std::vector<std::string> valid = runners.label_names();
  std::sort(valid.begin(), valid.end());
  return fail("Invalid runner type(s): " + python::set(std::move(unknown)) +
              ". Valid runner types are: " + join(valid, ", "));
}

}  // namespace

Expected<FilterEffects> expand_full_sweep(const FullSweep& sweep, const RunnerFile& runners, Rows& out) {
  SWEEP_TRY(check_labels(sweep.runner_type, runners));
  FullSweepSelector selector(sweep);
  Expander expander(sweep.selection, runners, selector, out);
  const std::string& filter = sweep.selection.runner_node_filter;
  for (const Entry& entry : out.entries) {
    if (!selects_entry(sweep, entry)) continue;
    std::vector<std::string> names = {entry.runner};
    if (!filter.empty()) names = matching_runners(entry.runner, runners, filter);
    SWEEP_TRY(names.empty() ? Expected<void>() : expander.add_entry(entry, names));
  }
  return selector.effects;
}

Expected<FilterEffects> expand_test_config(const TestConfig& test, const RunnerFile& runners, Rows& out) {
  SWEEP_ASSIGN(const auto selected, select_keys(test.config_keys, out.entries));
  TestConfigSelector selector(test);
  Expander expander(test.selection, runners, selector, out);
  const std::string& filter = test.selection.runner_node_filter;
  for (const std::size_t index : selected) {
    const Entry& entry = out.entries[index];
    std::vector<std::string> names;
    if (entry.runner.find(filter) != std::string::npos) names.push_back(entry.runner);
    if (!filter.empty()) {
      for (std::string& name : matching_runners(entry.runner, runners, filter)) {
        if (!has_text(names, name)) names.push_back(std::move(name));
      }
    }
    SWEEP_TRY(names.empty() ? Expected<void>() : expander.add_entry(entry, names));
  }
  return selector.effects;
}

Expected<std::vector<std::size_t>> select_keys(const std::vector<std::string>& keys,
                                               const std::vector<Entry>& entries) {
  std::vector<std::size_t> out;
  const auto unknown = [&](const std::string& problem, const std::string& key) {
    std::vector<std::string> names;
    for (const Entry& entry : entries)
      names.push_back(entry.key);
    const auto near = nearest(key, names);
    std::sort(names.begin(), names.end());
    return fail(problem + (near ? " Did you mean '" + *near + "'?" : "") +
                " Available keys: " + join(names, ", "));
  };
  for (const std::string& key : keys) {
    const bool is_pattern = key.find_first_of("*?") != std::string::npos;
    bool found = false;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (is_pattern ? !glob_matches(key, entries[i].key) : key != entries[i].key) continue;
      found = true;
      if (std::find(out.begin(), out.end(), i) == out.end()) out.push_back(i);
    }
    if (!found)
      return unknown(is_pattern ? "Pattern '" + key + "' matched no config keys."
                                : "Config key(s) not found: " + key + ".",
                     key);
  }
  return out;
}

}  // namespace sweep::matrix::inferencex
