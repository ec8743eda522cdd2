#include "controller/ci/priority_policy.hpp"

#include <array>
#include <charconv>

#include "controller/matrix/inferencex/scalar.hpp"
#include "controller/yaml/document.hpp"

namespace sweep::ci {

namespace {

// Reads the policy's values; every function fails with file and line.
class PolicyReader {
 public:
  explicit PolicyReader(const std::string& file) : file_(file) {}

  tl::unexpected<Error> problem(const yaml::Value& at, const std::string& reason) const {
    return fail(file_ + ":" + std::to_string(at.line) + ": " + reason);
  }

  // Returns the value of `key`, a mapping.
  Expected<const yaml::Value*> section(const yaml::Value& parent, const char* key) const {
    const yaml::Value* value = find(parent, key);
    if (value == nullptr) return problem(parent, std::string("the policy has no '") + key + "'; add it");
    if (!value->is(yaml::Kind::Dict)) return problem(*value, std::string("'") + key + "' must be a mapping");
    return value;
  }

  Expected<DecimalScore> number(const yaml::Value& value) const {
    auto out = DecimalScore::parse(decimal_of(value));
    return out ? out : problem(value, out.error().message);
  }

  // Returns the number of `key`; 0 if it is absent.
  Expected<DecimalScore> number_or_zero(const yaml::Value& parent, const char* key) const {
    const yaml::Value* value = find(parent, key);
    return value == nullptr ? Expected<DecimalScore>(DecimalScore()) : number(*value);
  }

  Expected<Adjustments> adjustments(const yaml::Value& parent, const char* key) const {
    Adjustments out;
    if (find(parent, key) == nullptr) return out;
    SWEEP_ASSIGN(const yaml::Value* all, section(parent, key));
    for (const yaml::Member& member : all->members) {
      SWEEP_ASSIGN(const DecimalScore score, number(*member.value));
      out.emplace_back(python_str(*member.key), score);
    }
    return out;
  }

  Expected<std::set<std::string>> names(const yaml::Value& parent, const char* key) const {
    std::set<std::string> out;
    const yaml::Value* list = find(parent, key);
    if (list == nullptr) return out;
    if (!list->is(yaml::Kind::List))
      return problem(*list, std::string("'") + key + "' must be a list of labels");
    for (const yaml::ValueRef& item : list->items)
      out.insert(python_str(*item));
    return out;
  }

 private:
  // Returns the number as Python's str() prints it.
  static std::string decimal_of(const yaml::Value& value) {
    if (!value.is(yaml::Kind::Float)) return python_str(value);
    const auto real = matrix::inferencex::read_real(value);
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), real.value_or(0)).ptr;
    return real ? std::string(digits.data(), end) : value.text;
  }

  const std::string& file_;
};

Expected<void> read_adjustments(const PolicyReader& in, const yaml::Value& document, PriorityPolicy& out) {
  SWEEP_ASSIGN(const yaml::Value* all, in.section(document, "adjustments"));
  for (const auto& [key, target] : {std::pair<const char*, Adjustments*>{"event", &out.event},
                                    {"precision", &out.precision},
                                    {"spec-decoding", &out.spec_decoding},
                                    {"framework-prefix", &out.framework_prefix},
                                    {"model-prefix", &out.model_prefix}}) {
    SWEEP_ASSIGN(*target, in.adjustments(*all, key));
  }
  SWEEP_ASSIGN(out.multi_node, in.number_or_zero(*all, "multi-node"));
  SWEEP_ASSIGN(out.agentic, in.number_or_zero(*all, "agentic"));
  SWEEP_ASSIGN(out.eval_only, in.number_or_zero(*all, "eval-only"));
  return {};
}

Expected<void> read_labels(const PolicyReader& in, const yaml::Value& document, PriorityPolicy& out) {
  SWEEP_ASSIGN(const yaml::Value* labels, in.section(document, "labels"));
  SWEEP_ASSIGN(const yaml::Value* patchwork, in.section(*labels, "patchwork"));
  const yaml::Value* score = find(*patchwork, "score");
  if (score == nullptr || find(*patchwork, "names") == nullptr)
    return in.problem(*patchwork, "'patchwork' needs 'names' and 'score'");
  SWEEP_ASSIGN(out.patchwork_score, in.number(*score));
  SWEEP_ASSIGN(out.patchwork_names, in.names(*patchwork, "names"));
  SWEEP_ASSIGN(out.waiver_names, in.names(*patchwork, "waived-by"));
  if (find(*labels, "checklist-complete") != nullptr) {
    SWEEP_ASSIGN(const yaml::Value* checklist, in.section(*labels, "checklist-complete"));
    SWEEP_ASSIGN(out.checklist_names, in.names(*checklist, "names"));
    SWEEP_ASSIGN(out.checklist_adjustment, in.number_or_zero(*checklist, "adjustment"));
  }
  if (const yaml::Value* skip = find(*labels, "skip-queue")) {
    if (const yaml::Value* name = find(*skip, "name")) out.skip_queue = python_str(*name);
  }
  return {};
}

}  // namespace

Expected<PriorityPolicy> read_policy(std::string_view bytes, const std::string& file) {
  const auto document = yaml::parse_document(bytes);
  if (!document) return fail(file + ": " + document.error().message);
  const PolicyReader in(file);
  if (!(*document)->is(yaml::Kind::Dict)) return in.problem(**document, "the policy must be a mapping");
  const yaml::Value* version = find(**document, "version");
  const auto number = version == nullptr ? std::nullopt : matrix::inferencex::read_integer(*version);
  if (!number || version->is(yaml::Kind::Text) || number->number != 1)
    return in.problem(version == nullptr ? **document : *version,
                      "Unsupported CI priority policy version: " +
                          (version == nullptr ? std::string("None") : python_str(*version)) +
                          "; supported: 1");
  PriorityPolicy out;
  const yaml::Value* base = find(**document, "base-score");
  if (base == nullptr) return in.problem(**document, "the policy has no 'base-score'; add it");
  SWEEP_ASSIGN(out.base_score, in.number(*base));
  SWEEP_TRY(read_adjustments(in, **document, out));
  SWEEP_TRY(read_labels(in, **document, out));
  return out;
}

std::set<std::string> known_criteria(const PriorityPolicy& policy) {
  std::set<std::string> out = {"multi-node", "agentic", "eval-only", "checklist-complete", "patchwork"};
  for (const Adjustments* adjustments :
       {&policy.precision, &policy.spec_decoding, &policy.framework_prefix, &policy.model_prefix}) {
    for (const auto& [name, score] : *adjustments)
      out.insert(name);
  }
  return out;
}

}  // namespace sweep::ci
