#include "controller/report/result_environment.hpp"

#include <array>
#include <span>

#include "controller/python/json_read.hpp"
#include "controller/python/number.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

// The variables that InferenceX's tool reads and InferenceMAX's does not, without those that both have had in
// their jobs (ISL, OSL, IMAGE).
constexpr std::array kOnlyInferencex = {"SPEC_DECODING",      "DISAGG",
                                        "MODEL_PREFIX",       "IS_MULTINODE",
                                        "RECIPE_FINGERPRINT", "ROUTER_METADATA",
                                        "KV_P2P_TRANSFER",    "PP_SIZE",
                                        "DCP_SIZE",           "PCP_SIZE",
                                        "PREFILL_TP",         "PREFILL_EP",
                                        "PREFILL_DP_ATTN",    "PREFILL_NUM_WORKERS",
                                        "PREFILL_PP_SIZE",    "PREFILL_DCP_SIZE",
                                        "PREFILL_PCP_SIZE",   "PREFILL_HARDWARE",
                                        "DECODE_TP",          "DECODE_EP",
                                        "DECODE_DP_ATTN",     "DECODE_NUM_WORKERS",
                                        "DECODE_PP_SIZE",     "DECODE_DCP_SIZE",
                                        "DECODE_PCP_SIZE",    "DECODE_HARDWARE"};

constexpr std::array kOfInferenceMax = {"TP", "EP_SIZE", "MTP_MODE", "PREFILL_GPUS", "DECODE_GPUS"};

constexpr std::array kRequired = {"RUNNER_TYPE", "FRAMEWORK", "PRECISION", "SPEC_DECODING", "RESULT_FILENAME",
                                  "ISL",         "OSL",       "DISAGG",    "MODEL_PREFIX",  "IMAGE"};
constexpr std::array kRequiredOnOneNode = {"TP", "EP_SIZE", "DP_ATTENTION"};
constexpr std::array kRequiredOnManyNodes = {
    "PREFILL_GPUS",    "DECODE_GPUS",        "PREFILL_NUM_WORKERS", "PREFILL_TP", "PREFILL_EP",
    "PREFILL_DP_ATTN", "DECODE_NUM_WORKERS", "DECODE_TP",           "DECODE_EP",  "DECODE_DP_ATTN"};

std::vector<std::string> present(const Lookup& lookup, std::span<const char* const> names) {
  std::vector<std::string> out;
  for (const char* name : names) {
    if (lookup(name)) out.emplace_back(name);
  }
  return out;
}

// Returns why the environment counts as InferenceX's, for the message about what it lacks.
std::string why_inferencex(const Lookup& lookup) {
  const auto found = generation_of(lookup);
  if (found.signs.empty()) return "; set them, or TP and EP_SIZE for a record of InferenceMAX (2025)";
  constexpr std::size_t kMostNamed = 3;
  std::vector<std::string> first = found.signs;
  const bool more = first.size() > kMostNamed;
  if (more) first.resize(kMostNamed);
  return "; set them, or unset " + (more ? join(first, ", ") + " and others" : listed(first, "and")) +
         ", by which the environment is known as that of InferenceX (2026)";
}

Expected<void> require(const Lookup& lookup, std::span<const char* const> names) {
  std::vector<std::string> missing;
  for (const char* name : names) {
    if (!lookup(name)) missing.emplace_back(name);
  }
  if (missing.empty()) return {};
  return fail("Missing required environment variables: " + join(missing, ", ") + why_inferencex(lookup));
}

std::string text(const Lookup& lookup, const std::string& name) {
  return lookup(name.c_str()).value_or("");
}

bool is_true(const Lookup& lookup, const std::string& name) {
  return ascii_lower(text(lookup, name)) == "true";
}

Expected<std::int64_t> integer(const Lookup& lookup, const std::string& name) {
  const std::string value = text(lookup, name);
  if (const auto number = python::parse_int(value)) return *number;
  return fail(name + " must be an integer, but is '" + printable(value) + "'");
}

// Returns 1 for a variable that is not set or empty.
Expected<std::int64_t> size_or_one(const Lookup& lookup, const std::string& name) {
  if (text(lookup, name).empty()) return 1;
  return integer(lookup, name);
}

// Returns an object with name and version; null if the variable says that there is no such component.
Expected<Json> component(const Lookup& lookup, const std::string& name) {
  const std::string value = text(lookup, name);
  if (value.empty() || value == "null") return Json(nullptr);
  const std::string example = R"(; set it to {"name": "…", "version": "…"}, or unset it)";
  auto parsed = python::read_json(value);
  if (!parsed) return fail(name + " must contain valid JSON: " + parsed.error().message + example);
  if (!parsed->is_object() || parsed->size() != 2 || !parsed->contains("name") ||
      !parsed->contains("version"))
    return fail(name + " must contain exactly 'name' and 'version', but is '" +
                printable(clipped(value, 80)) + "'" + example);
  for (const auto& [key, part] : parsed->items()) {
    if (!part.is_string() || part.get_ref<const std::string&>().empty())
      return fail(name + " name and version must be non-empty strings, but '" + key + "' is not" + example);
  }
  return parsed;
}

Expected<ParallelSizes> parallel_sizes(const Lookup& lookup, const std::string& prefix,
                                       const std::string& ep_name, const std::string& dp_name) {
  ParallelSizes out;
  SWEEP_ASSIGN(out.tp, integer(lookup, prefix + "TP"));
  SWEEP_ASSIGN(out.ep, integer(lookup, prefix + ep_name));
  SWEEP_ASSIGN(out.pp, size_or_one(lookup, prefix + "PP_SIZE"));
  SWEEP_ASSIGN(out.dcp, size_or_one(lookup, prefix + "DCP_SIZE"));
  SWEEP_ASSIGN(out.pcp, size_or_one(lookup, prefix + "PCP_SIZE"));
  out.dp_attention = text(lookup, prefix + dp_name);
  return out;
}

Expected<Workers> workers(const Lookup& lookup, const std::string& prefix) {
  Workers out;
  SWEEP_ASSIGN(out.gpus, integer(lookup, prefix + "GPUS"));
  SWEEP_ASSIGN(out.count, integer(lookup, prefix + "NUM_WORKERS"));
  SWEEP_ASSIGN(out.sizes, parallel_sizes(lookup, prefix, "EP", "DP_ATTN"));
  out.hardware = text(lookup, prefix + "HARDWARE");
  return out;
}

}  // namespace

FoundGeneration generation_of(const Lookup& lookup) {
  auto signs = present(lookup, kOnlyInferencex);
  if (!signs.empty()) return {Generation::InferenceX, std::move(signs)};
  signs = present(lookup, kOfInferenceMax);
  if (signs.empty()) return {Generation::InferenceX, {}};
  return {Generation::InferenceMax, std::move(signs)};
}

ResultContext result_context(const Lookup& lookup) {
  ResultContext context;
  context.result_filename = lookup("RESULT_FILENAME").value_or("");
  context.runner_type = lookup("RUNNER_TYPE");
  context.framework = lookup("FRAMEWORK");
  context.precision = lookup("PRECISION");
  context.tp = lookup("TP");
  context.ep = lookup("EP_SIZE");
  context.dp_attention = lookup("DP_ATTENTION");
  context.mtp_mode = lookup("MTP_MODE").value_or("");
  context.prefill_gpus = lookup("PREFILL_GPUS").value_or("");
  context.decode_gpus = lookup("DECODE_GPUS").value_or("");
  return context;
}

std::vector<std::string> unclear_switches(const Lookup& lookup) {
  std::vector<std::string> out;
  for (const char* name : {"DISAGG", "IS_MULTINODE"}) {
    const std::string value = ascii_lower(text(lookup, name));
    if (!value.empty() && value != "true" && value != "false")
      out.push_back(std::string(name) + " is '" + printable(clipped(value, 40)) +
                    "', which counts as false; set it to true or false");
  }
  return out;
}

Expected<InferencexPoint> inferencex_point(const Lookup& lookup) {
  SWEEP_TRY(require(lookup, kRequired));
  InferencexPoint out;
  out.hw = text(lookup, "RUNNER_TYPE");
  out.image = text(lookup, "IMAGE");
  out.model_prefix = text(lookup, "MODEL_PREFIX");
  out.framework = text(lookup, "FRAMEWORK");
  out.precision = text(lookup, "PRECISION");
  out.spec_decoding = text(lookup, "SPEC_DECODING");
  out.recipe_fingerprint = text(lookup, "RECIPE_FINGERPRINT");
  out.disagg = is_true(lookup, "DISAGG");
  SWEEP_ASSIGN(out.isl, integer(lookup, "ISL"));
  SWEEP_ASSIGN(out.osl, integer(lookup, "OSL"));
  SWEEP_ASSIGN(out.router, component(lookup, "ROUTER_METADATA"));
  out.kv_p2p_transfer = text(lookup, "KV_P2P_TRANSFER");
  if (is_true(lookup, "IS_MULTINODE")) {
    SWEEP_TRY(require(lookup, kRequiredOnManyNodes));
    ManyNodes nodes;
    SWEEP_ASSIGN(nodes.prefill, workers(lookup, "PREFILL_"));
    SWEEP_ASSIGN(nodes.decode, workers(lookup, "DECODE_"));
    out.placement = std::move(nodes);
  } else {
    if (out.disagg) SWEEP_TRY(check_point(out));  // before TP is asked for, which a disaggregated job has not
    SWEEP_TRY(require(lookup, kRequiredOnOneNode));
    OneNode node;
    SWEEP_ASSIGN(node.sizes, parallel_sizes(lookup, "", "EP_SIZE", "DP_ATTENTION"));
    out.placement = std::move(node);
  }
  SWEEP_TRY(check_point(out));
  return out;
}

}  // namespace sweep::report
