#include "controller/ci/priority.hpp"

#include <algorithm>
#include <vector>

#include "controller/ci/compact_json.hpp"
#include "controller/python/json_text.hpp"
#include "controller/python/text.hpp"
#include "util/digest.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::ci {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTokenDigits = 32;

// The facts of a job on which its score depends.
struct JobFacts {
  bool multi_node = false, agentic = false, eval_only = false;
  std::string precision, spec_decoding, framework, model_prefix;
};

// Returns the member as Python's str() prints it; "" if it is absent.
std::string text_of(const Json& job, const char* key) {
  const auto found = job.find(key);
  if (found == job.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (found->is_null()) return "None";
  if (found->is_boolean()) return found->get<bool>() ? "True" : "False";
  return python::json_text(*found, -1);
}

JobFacts facts_of(const Json& job) {
  JobFacts out;
  const auto prefill = job.find("prefill"), eval_only = job.find("eval-only");
  out.multi_node = prefill != job.end() && !prefill->is_null();
  out.agentic = text_of(job, "scenario-type") == "agentic-coding";
  out.eval_only = eval_only != job.end() && eval_only->is_boolean() && eval_only->get<bool>();
  out.precision = text_of(job, "precision");
  out.spec_decoding = text_of(job, "spec-decoding");
  out.framework = text_of(job, "framework");
  out.model_prefix = text_of(job, "model-prefix");
  return out;
}

bool is_or_begins(const std::string& value, const std::string& prefix) {
  return value == prefix || value.starts_with(prefix + "-");
}

// Clears the facts that are not among the criteria.
JobFacts restricted(JobFacts facts, const PriorityPolicy& policy, const std::set<std::string>& criteria) {
  const auto matches = [&](const std::string& value, const Adjustments& names) {
    return std::any_of(names.begin(), names.end(), [&](const auto& name) {
      return criteria.contains(name.first) && is_or_begins(value, name.first);
    });
  };
  facts.multi_node = facts.multi_node && criteria.contains("multi-node");
  facts.agentic = facts.agentic && criteria.contains("agentic");
  facts.eval_only = facts.eval_only && criteria.contains("eval-only");
  if (!criteria.contains(facts.precision)) facts.precision.clear();
  if (!criteria.contains(facts.spec_decoding)) facts.spec_decoding.clear();
  if (!matches(facts.framework, policy.framework_prefix)) facts.framework.clear();
  if (!matches(facts.model_prefix, policy.model_prefix)) facts.model_prefix.clear();
  return facts;
}

void add_exact(DecimalScore& score, const Adjustments& adjustments, const std::string& name) {
  for (const auto& [known, adjustment] : adjustments) {
    if (known == name) score += adjustment;
  }
}

// Adds the adjustment of the first prefix of the policy that fits.
void add_first_prefix(DecimalScore& score, const Adjustments& adjustments, const std::string& value) {
  const auto found = std::find_if(adjustments.begin(), adjustments.end(),
                                  [&](const auto& prefix) { return is_or_begins(value, prefix.first); });
  if (found != adjustments.end()) score += found->second;
}

bool intersect(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& name) { return b.contains(name); });
}

Expected<void> check_criteria(const PriorityPolicy& policy, const std::set<std::string>& criteria) {
  const std::set<std::string> known = known_criteria(policy);
  std::vector<std::string> unknown;
  std::copy_if(criteria.begin(), criteria.end(), std::back_inserter(unknown),
               [&](const std::string& name) { return !known.contains(name); });
  if (unknown.empty()) return {};
  const auto near = nearest(unknown.front(), std::vector<std::string>(known.begin(), known.end()));
  return fail("Unknown CI priority criteria: " + python::list(unknown) +
              (near ? "; did you mean '" + *near + "'?" : ""));
}

// Copies a value and adds priorities to its jobs.
class Annotator {
 public:
  Annotator(const PriorityPolicy& policy, const PriorityContext& context)
      : policy_(policy), context_(context) {}

  Expected<Json> annotated(const Json& value) {
    if (value.is_array()) {
      Json out = Json::array();
      for (std::size_t i = 0; i < value.size(); ++i) {
        SWEEP_ASSIGN(auto item, at(std::to_string(i), value[i]));
        out.push_back(std::move(item));
      }
      return out;
    }
    if (!value.is_object()) return value;
    Json out = Json::object();
    for (const auto& [key, member] : value.items()) {
      SWEEP_ASSIGN(out[key], at(key, member));
    }
    if (value.contains("runner") && value.contains("framework")) SWEEP_TRY(add_priority(value, out));
    return out;
  }

 private:
  Expected<Json> at(const std::string& step, const Json& value) {
    path_.push_back(step);
    auto out = annotated(value);
    path_.pop_back();
    return out;
  }

  Expected<void> add_priority(const Json& job, Json& out) const {
    SWEEP_ASSIGN(out["priority"], priority_of(job, policy_, context_));
    const std::string material =
        context_.queue_namespace + ":" + join(path_, "/") + ":" + compact_json(job, KeyOrder::Sorted);
    out["queue-token"] = sha256_hex(material).substr(0, kTokenDigits);
    if (context_.pr_number && !policy_.skip_queue.empty() && context_.labels.contains(policy_.skip_queue))
      out["skip-queue-pr"] = *context_.pr_number;
    return {};
  }

  const PriorityPolicy& policy_;
  const PriorityContext& context_;
  std::vector<std::string> path_;
};

}  // namespace

Expected<std::string> priority_of(const Json& job, const PriorityPolicy& policy,
                                  const PriorityContext& context) {
  const auto& criteria = context.criteria;
  const auto names = [&](const char* criterion) { return criteria && criteria->contains(criterion); };
  const bool patched = names("patchwork") || intersect(context.labels, policy.patchwork_names);
  if (patched && !intersect(context.labels, policy.waiver_names))
    return policy.patchwork_score.three_decimals();
  JobFacts facts = facts_of(job);
  if (criteria) {
    SWEEP_TRY(check_criteria(policy, *criteria));
    facts = restricted(std::move(facts), policy, *criteria);
  }
  DecimalScore score = policy.base_score;
  add_exact(score, policy.event, context.event);
  if (facts.multi_node) score += policy.multi_node;
  if (facts.agentic) score += policy.agentic;
  if (facts.eval_only) score += policy.eval_only;
  add_exact(score, policy.precision, facts.precision);
  add_exact(score, policy.spec_decoding, facts.spec_decoding);
  add_first_prefix(score, policy.framework_prefix, facts.framework);
  add_exact(score, policy.model_prefix, facts.model_prefix);
  if (names("checklist-complete") || intersect(context.labels, policy.checklist_names))
    score += policy.checklist_adjustment;
  return score.three_decimals();
}

Expected<Json> with_priorities(const Json& matrix, const PriorityPolicy& policy,
                               const PriorityContext& context) {
  return Annotator(policy, context).annotated(matrix);
}

}  // namespace sweep::ci
