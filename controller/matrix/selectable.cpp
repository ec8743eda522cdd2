#include "controller/matrix/selectable.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "controller/matrix/subcommands.hpp"
#include "util/text.hpp"

namespace sweep::matrix {

namespace {

/// A filter, its values, and what the entries have.
struct Filter {
  std::string name;
  const std::vector<std::string>* wanted;
  std::vector<std::string> present;
  bool is_prefix = false;
};

std::string selectable_lengths(const Block& block) {
  for (const NamedLengths& lengths : kNamedLengths) {
    if (lengths.isl == block.isl.value && lengths.osl == block.osl.value) return std::string(lengths.name);
  }
  return std::to_string(block.isl.value) + "/" + std::to_string(block.osl.value) + " (not selectable)";
}

std::vector<Filter> filters_of(const std::vector<Config>& configs, const FullSweep& sweep) {
  std::set<std::string> keys, precisions, frameworks, runners, lengths;
  for (const Config& config : configs) {
    keys.insert(config.key);
    precisions.insert(config.precision);
    frameworks.insert(config.framework);
    runners.insert(config.runner);
    for (const Block& block : config.blocks)
      lengths.insert(selectable_lengths(block));
  }
  const auto list = [](const std::set<std::string>& texts) {
    return std::vector<std::string>(texts.begin(), texts.end());
  };
  return {{"model-prefix", &sweep.model_prefix, list(keys), true},
          {"precision", &sweep.precision, list(precisions)},
          {"framework", &sweep.framework, list(frameworks)},
          {"runner-type", &sweep.runner_type, list(runners)},
          {"seq-lens", &sweep.seq_lens, list(lengths)}};
}

bool has(const Filter& filter, const std::string& wanted) {
  return std::any_of(filter.present.begin(), filter.present.end(), [&](const std::string& text) {
    return filter.is_prefix ? text.starts_with(wanted) : text == wanted;
  });
}

std::string some_of(std::vector<std::string> names) {
  constexpr std::size_t kMost = 12;
  const std::size_t more = names.size() > kMost ? names.size() - kMost : 0;
  names.resize(names.size() - more);
  return join(names, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

}  // namespace

std::string selectable_values(const std::vector<Config>& configs, const FullSweep& sweep) {
  if (configs.empty()) return "; the files have no entries";
  std::string out;
  for (const Filter& filter : filters_of(configs, sweep)) {
    if (filter.wanted->empty()) continue;
    out += (out.empty() ? "; there is " : "; ") + filter.name + " " + some_of(filter.present);
  }
  return out.empty() ? "; every conc-start is above its conc-end" : out;
}

std::vector<std::string> unused_filters(const std::vector<Config>& configs, const FullSweep& sweep) {
  std::vector<std::string> out;
  for (const Filter& filter : filters_of(configs, sweep)) {
    for (const std::string& wanted : *filter.wanted) {
      if (has(filter, wanted)) continue;
      const auto near = nearest(wanted, filter.present);
      out.push_back("--" + filter.name + " '" + wanted + "' matches no entry" +
                    (near ? "; did you mean '" + *near + "'?" : "; there is " + some_of(filter.present)));
    }
  }
  return out;
}

}  // namespace sweep::matrix
