#include "controller/matrix/inferencemax/expand.hpp"

#include <algorithm>

#include "controller/matrix/subcommands.hpp"
#include "controller/python/text.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::matrix {

namespace {

using Entry = nlohmann::ordered_json;

// Lengths in tokens.
constexpr std::int64_t kFullSweepSlack = 200;  // added to isl + osl for max-model-len
constexpr std::int64_t kShortLength = 1024;    // isl and osl of a runner's short test
constexpr std::int64_t kShortMaxModelLen = 2 * kShortLength;

// The order of an entry's keys after tp.
enum class Layout {
  ConcurrencyFirst,  // conc, max-model-len, ep, dp-attn, exp-name
  NameLast,          // ep, dp-attn, conc, max-model-len, exp-name
  NameThenLength,    // ep, dp-attn, conc, exp-name, max-model-len
};

// The members of an entry, except its concurrency.
struct Draft {
  std::string image, model, precision, framework, runner;
  Number isl, osl, tp, ep{1, false};
  bool dp_attn = false;
  std::int64_t max_model_len = 0;
  std::string exp_name;
};

Entry number(Number value) {
  return value.is_bool ? Entry(value.value != 0) : Entry(value.value);
}

// Appends the members without looking for duplicate keys, because a matrix may have a million entries.
Entry make_entry(const Draft& draft, Number conc, Layout layout) {
  constexpr std::size_t kKeys = 13;
  Entry::object_t out;
  out.reserve(kKeys);
  out.emplace_back("image", draft.image);
  out.emplace_back("model", draft.model);
  out.emplace_back("precision", draft.precision);
  out.emplace_back("framework", draft.framework);
  out.emplace_back("runner", draft.runner);
  out.emplace_back("isl", number(draft.isl));
  out.emplace_back("osl", number(draft.osl));
  out.emplace_back("tp", number(draft.tp));
  if (layout == Layout::ConcurrencyFirst) {
    out.emplace_back("conc", number(conc));
    out.emplace_back("max-model-len", draft.max_model_len);
  }
  out.emplace_back("ep", number(draft.ep));
  out.emplace_back("dp-attn", draft.dp_attn);
  if (layout != Layout::ConcurrencyFirst) out.emplace_back("conc", number(conc));
  if (layout == Layout::NameLast) out.emplace_back("max-model-len", draft.max_model_len);
  out.emplace_back("exp-name", draft.exp_name);
  if (layout == Layout::NameThenLength) out.emplace_back("max-model-len", draft.max_model_len);
  return out;
}

Draft draft_of(const Config& config, const std::string& runner, const Element& element) {
  Draft out;
  out.image = config.image;
  out.model = config.model;
  out.precision = config.precision;
  out.framework = config.framework;
  out.runner = runner;
  out.tp = element.tp;
  if (element.ep) out.ep = *element.ep;
  out.dp_attn = element.dp_attn;
  return out;
}

// Returns true if `wanted` is empty or contains `text`.
bool passes(const std::vector<std::string>& wanted, const std::string& text) {
  return wanted.empty() || contains(wanted, text);
}

const NamedLengths* named(std::int64_t isl, std::int64_t osl) {
  const auto found =
      std::find_if(kNamedLengths.begin(), kNamedLengths.end(),
                   [&](const NamedLengths& lengths) { return lengths.isl == isl && lengths.osl == osl; });
  return found == kNamedLengths.end() ? nullptr : found;
}

bool passes_lengths(const std::vector<std::string>& wanted, const Block& block) {
  if (wanted.empty()) return true;
  const NamedLengths* lengths = named(block.isl.value, block.osl.value);
  return lengths != nullptr && contains(wanted, std::string(lengths->name));
}

// Returns the number as Python's str() prints it: a bool is True or False.
std::string python_number(Number number) {
  if (number.is_bool) return number.value != 0 ? "True" : "False";
  return std::to_string(number.value);
}

std::string lengths_text(const Block& block) {
  if (const NamedLengths* lengths = named(block.isl.value, block.osl.value))
    return std::string(lengths->name);
  return python_number(block.isl) + "_" + python_number(block.osl);
}

// Returns the first of the elements with the highest tp.
const Element& highest_tp(const std::vector<Element>& elements) {
  return *std::max_element(elements.begin(), elements.end(),
                           [](const Element& a, const Element& b) { return a.tp.value < b.tp.value; });
}

Expected<void> add(Matrix& matrix, Entry entry, const std::string& place) {
  if (matrix.size() >= kMaxPoints) {
    return fail("More than " + std::to_string(kMaxPoints) + " points in the matrix (at " + place +
                "): narrow it with filters or split the files");
  }
  matrix.push_back(std::move(entry));
  return {};
}

// Adds one entry for each concurrency of the element.
Expected<void> add_range(Matrix& matrix, const Draft& draft, const Element& element, std::int64_t step,
                         Layout layout) {
  const auto range = concurrencies(element.conc_start, element.conc_end, step);
  if (!range) return fail(element.place + ": " + range.error().message);
  for (const Number conc : *range) {
    SWEEP_TRY(add(matrix, make_entry(draft, conc, layout), element.place));
  }
  return {};
}

Expected<void> add_block(Matrix& matrix, const Config& config, const Block& block, const FullSweep& sweep) {
  const std::string exp_name = config.model_prefix + "_" + lengths_text(block);
  const auto complete = [&](const Element& element) {
    Draft draft = draft_of(config, config.runner, element);
    draft.isl = block.isl;
    draft.osl = block.osl;
    draft.max_model_len = block.isl.value + block.osl.value + kFullSweepSlack;
    draft.exp_name = exp_name;
    return draft;
  };
  if (sweep.test_mode) {
    const Element& element = highest_tp(block.search_space);
    return add(matrix, make_entry(complete(element), element.conc_start, Layout::NameLast), element.place);
  }
  for (const Element& element : block.search_space) {
    const auto added =
        add_range(matrix, complete(element), element, sweep.step_size, Layout::ConcurrencyFirst);
    if (!added) return added;
  }
  return {};
}

bool selects(const FullSweep& sweep, const Config& config) {
  const bool key_matches =
      sweep.model_prefix.empty() ||
      std::any_of(sweep.model_prefix.begin(), sweep.model_prefix.end(),
                  [&](const std::string& prefix) { return config.key.starts_with(prefix); });
  return key_matches && passes(sweep.precision, config.precision) &&
         passes(sweep.framework, config.framework) && passes(sweep.runner_type, config.runner);
}

tl::unexpected<Error> nothing_matches(const FullSweep& sweep) {
  std::string message = "No configs found matching filters:";
  const auto name = [&](const std::string& filter, const std::vector<std::string>& wanted) {
    if (!wanted.empty()) message += " " + filter + "=" + python::list(wanted);
  };
  name("model-prefix", sweep.model_prefix);
  name("precision", sweep.precision);
  name("framework", sweep.framework);
  name("runner-type", sweep.runner_type);
  name("seq-lens", sweep.seq_lens);
  return fail(message);
}

// Adds one short test of a configuration for each node: ISL and OSL 1024 at the highest tp.
Expected<void> add_short_tests(Matrix& matrix, const Config& config, const std::vector<std::string>& nodes,
                               Layout layout) {
  const auto block = std::find_if(config.blocks.begin(), config.blocks.end(), [](const Block& candidate) {
    return candidate.isl.value == kShortLength && candidate.osl.value == kShortLength;
  });
  if (block == config.blocks.end()) {
    return fail(
        "Key '" + config.key +
        "' has no seq-len-config with isl 1024 and osl 1024, which the tests of runners use: add one");
  }
  const Element& element = highest_tp(block->search_space);
  for (const std::string& node : nodes) {
    Draft draft = draft_of(config, node, element);
    draft.isl = draft.osl = {kShortLength, false};
    draft.max_model_len = kShortMaxModelLen;
    draft.exp_name = config.model_prefix + "_test";
    if (auto added = add(matrix, make_entry(draft, element.conc_start, layout), element.place); !added) {
      return added;
    }
  }
  return {};
}

// Fails if `node` does not belong to the configuration's runner type.
Expected<void> check_node(const Config& config, const Runners& runners, const std::string& node) {
  const RunnerType* type = runners.find(config.runner);
  if (type != nullptr && type->has_node(node)) return {};
  const std::vector<std::string> nodes = type == nullptr ? std::vector<std::string>() : type->nodes;
  return fail("Runner node '" + node + "' is not compatible with config '" + config.key +
              "' which runs on runner type '" + config.runner +
              "'. Available runner nodes for this config are '" + join(nodes, ", ") + "'.");
}

// Returns the matrix followed by its further passes. times[i] is how many times entry i is run.
Expected<Matrix> repeated(Matrix matrix, const std::vector<std::int64_t>& times) {
  const std::size_t once = matrix.size();
  const std::int64_t passes = *std::max_element(times.begin(), times.end());
  for (std::int64_t pass = 1; pass < passes; ++pass) {
    for (std::size_t i = 0; i < once; ++i) {
      if (times[i] <= pass) continue;
      SWEEP_TRY(add(matrix, Entry(matrix[i]), "repeat " + std::to_string(pass + 1)));
    }
  }
  return matrix;
}

}  // namespace

std::string lengths_name(std::int64_t isl, std::int64_t osl) {
  if (const NamedLengths* lengths = named(isl, osl)) return std::string(lengths->name);
  return std::to_string(isl) + "_" + std::to_string(osl);
}

Expected<Matrix> expand_full_sweep(const std::vector<Config>& configs, const FullSweep& sweep) {
  Matrix matrix;
  std::vector<std::int64_t> times;  // how many times each entry is run
  for (const Config& config : configs) {
    times.resize(matrix.size(), 1);
    if (!selects(sweep, config)) continue;
    for (const Block& block : config.blocks) {
      if (!passes_lengths(sweep.seq_lens, block)) continue;
      SWEEP_TRY(add_block(matrix, config, block, sweep));
    }
    times.resize(matrix.size(), sweep.repeat > 0 ? sweep.repeat : config.repeat);
  }
  if (matrix.empty()) return nothing_matches(sweep);
  return repeated(std::move(matrix), times);
}

Expected<void> check_runner_types(const std::vector<std::string>& wanted, const Runners& runners) {
  std::vector<std::string> unknown;
  for (const std::string& type : wanted) {
    if (runners.find(type) == nullptr) unknown.push_back(python::repr(type));
  }
  if (unknown.empty()) return {};
  std::vector<std::string> valid = runners.types();
  std::sort(valid.begin(), valid.end());
  return fail("Invalid runner type(s): " + python::set(std::move(unknown)) +
              ". Valid runner types are: " + join(valid, ", "));
}

Expected<Matrix> expand_test_config(const std::vector<Config>& configs, const Runners& runners,
                                    const TestConfig& test) {
  const auto config = std::find_if(configs.begin(), configs.end(),
                                   [&](const Config& candidate) { return candidate.key == test.key; });
  if (config == configs.end())
    return fail("Specified key '" + test.key + "' does not exist in config files.");
  if (!test.runner_node.empty()) {
    SWEEP_TRY(check_node(*config, runners, test.runner_node));
  }
  const std::string& runner = test.runner_node.empty() ? config->runner : test.runner_node;
  Matrix matrix;
  for (const Block& block : config->blocks) {
    if (!passes_lengths(test.seq_lens, block)) continue;
    for (const Element& element : block.search_space) {
      Draft draft = draft_of(*config, runner, element);
      draft.isl = block.isl;
      draft.osl = block.osl;
      draft.max_model_len = block.isl.value + block.osl.value;
      draft.exp_name = config->model_prefix + "_" + (test.test_mode ? "test" : lengths_text(block));
      const auto added =
          test.test_mode ? add(matrix, make_entry(draft, element.conc_start, Layout::NameLast), element.place)
                         : add_range(matrix, draft, element, test.step_size, Layout::NameLast);
      if (!added) return tl::unexpected(added.error());
    }
  }
  return matrix;
}

Expected<Matrix> expand_runner_model_sweep(const std::vector<Config>& configs, const Runners& runners,
                                           const std::string& runner_type) {
  SWEEP_TRY(runners.check_type(runner_type));
  Matrix matrix;
  for (const Config& config : configs) {
    if (config.runner != runner_type) continue;
    SWEEP_ASSIGN(const auto nodes, runners.nodes_of(runner_type));
    SWEEP_TRY(add_short_tests(matrix, config, nodes, Layout::NameLast));
  }
  return matrix;
}

Expected<Matrix> expand_runner_sweep(const std::vector<Config>& configs, const Runners& runners,
                                     const RunnerSweep& sweep) {
  SWEEP_TRY(runners.check_type(sweep.runner_type));
  Matrix matrix;
  for (const Config& config : configs) {
    if (!config.key.starts_with(sweep.model_prefix) || config.runner != sweep.runner_type) continue;
    if (!sweep.precision.empty() && config.precision != sweep.precision) continue;
    if (!sweep.framework.empty() && config.framework != sweep.framework) continue;
    SWEEP_ASSIGN(const auto nodes, runners.nodes_of(sweep.runner_type));
    SWEEP_TRY(add_short_tests(matrix, config, nodes, Layout::NameThenLength));
  }
  if (!matrix.empty()) return matrix;
  std::string message = "No configs found matching model prefix '" + sweep.model_prefix + "'";
  if (!sweep.precision.empty()) message += ", precision '" + sweep.precision + "'";
  if (!sweep.framework.empty()) message += ", framework '" + sweep.framework + "'";
  return fail(message + ".");
}

Expected<Matrix> expand_custom(const Runners& runners, const Custom& custom) {
  if (!runners.contains(custom.runner_label)) {
    return fail("Unable to find specified runner label '" + custom.runner_label + "'.");
  }
  Draft draft;
  draft.image = custom.image;
  draft.model = custom.model;
  draft.precision = custom.precision;
  draft.framework = custom.framework;
  draft.runner = custom.runner_label;
  draft.isl = draft.osl = {kShortLength, false};
  draft.tp = {8, false};
  draft.max_model_len = kShortMaxModelLen;
  draft.exp_name = custom.exp_name;
  return Matrix{make_entry(draft, {4, false}, Layout::NameThenLength)};
}

}  // namespace sweep::matrix
