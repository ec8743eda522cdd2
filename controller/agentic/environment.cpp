#include "controller/agentic/environment.hpp"

#include <algorithm>
#include <initializer_list>

#include "controller/python/json_read.hpp"
#include "controller/python/number.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

class Environment {
 public:
  explicit Environment(const Variables& variables) : variables_(variables) {}

  std::string text(const char* name, const char* otherwise = "") const {
    return variables_(name).value_or(otherwise);
  }
  bool truth(const char* name) const {
    const std::string value = ascii_lower(text(name));
    return value == "1" || value == "true" || value == "yes" || value == "on";
  }
  // Returns the whole number; `otherwise` if the variable is not set or empty.
  Expected<std::int64_t> number(const std::string& name, std::int64_t otherwise) const {
    const std::string value = text(name.c_str());
    if (value.empty()) return otherwise;
    if (const auto number = python::parse_int(value)) return *number;
    return fail("cannot use " + name + ": '" + printable(clipped(value, 60)) +
                "' is not a whole number; set " + name + " to one");
  }
  // Returns the JSON object in a variable; null if it is not set, empty or "null".
  Expected<Json> object(const char* name) const {
    const std::string value = text(name);
    if (value.empty() || value == "null") return Json();
    auto json = python::read_json(value);
    if (json) return json;
    return fail(std::string(name) + " must contain valid JSON: '" + printable(clipped(value, 60)) + "' (" +
                json.error().message + R"(); set it to {"name": "NAME", "version": "VERSION"})");
  }

 private:
  const Variables& variables_;
};

bool all_filled(const Json& object) {
  return std::all_of(object.begin(), object.end(), [](const Json& value) {
    return value.is_string() && !value.get_ref<const std::string&>().empty();
  });
}

bool has_only(const Json& object, std::initializer_list<const char*> keys) {
  for (auto item = object.begin(); item != object.end(); ++item) {
    if (std::find(keys.begin(), keys.end(), item.key()) == keys.end()) return false;
  }
  return true;
}

// Returns the router or another component, with name and version; null if there is none.
Expected<Json> component(const Environment& environment, const char* name) {
  SWEEP_ASSIGN(Json value, environment.object(name));
  if (value.is_null()) return value;
  if (!value.is_object() || value.size() != 2 || !has_only(value, {"name", "version"}))
    return fail(std::string(name) + " must contain exactly 'name' and 'version'");
  if (!all_filled(value)) return fail(std::string(name) + " name and version must be non-empty strings");
  return value;
}

// The same for the backend of KV offloading, whose version may be missing.
Expected<Json> offload_backend(const Environment& environment) {
  const std::string name = "KV_OFFLOAD_BACKEND_METADATA";
  SWEEP_ASSIGN(Json value, environment.object(name.c_str()));
  if (value.is_null()) return value;
  if (!value.is_object() || !has_only(value, {"name", "version"}))
    return fail(name + " may contain only 'name' and 'version'");
  if (!value.contains("name")) return fail(name + " must contain 'name' and optional 'version'");
  if (!all_filled(value)) return fail(name + " values must be non-empty strings");
  return value;
}

// Returns kv_offload_backend for KV_OFFLOADING; null without offloading.
Expected<Json> checked_backend(const Environment& environment, const std::string& offloading) {
  const std::string name = environment.text("KV_OFFLOAD_BACKEND");
  SWEEP_ASSIGN(Json backend, offload_backend(environment));
  if (offloading == "none") {
    if (name.empty() && backend.is_null()) return backend;
    return fail("KV_OFFLOAD_BACKEND must be empty when KV_OFFLOADING=none, but it is '" + printable(name) +
                "'; unset it and KV_OFFLOAD_BACKEND_METADATA, or set KV_OFFLOADING to dram");
  }
  if (name.empty() || name == "none" || backend.is_null())
    return fail(
        "KV_OFFLOAD_BACKEND is required when KV_OFFLOADING is enabled; set it to the backend's name and "
        "KV_OFFLOAD_BACKEND_METADATA to {\"name\": \"NAME\"}");
  if (backend["name"] != Json(name))
    return fail("KV_OFFLOAD_BACKEND must match KV_OFFLOAD_BACKEND_METADATA.name: '" + printable(name) +
                "' is not '" + printable(backend["name"].get<std::string>()) + "'");
  return backend;
}

// How a deployment, or one of its workers, is split over GPUs.
struct Split {
  std::int64_t tp = 1, ep = 1, pp = 1, dcp = 1, pcp = 1;
  bool sizes_positive() const { return pp > 0 && dcp > 0 && pcp > 0; }
  std::int64_t gpus() const { return tp * pp * pcp; }
};

// `prefix`: "", "PREFILL_" or "DECODE_".
Expected<Split> read_split(const Environment& environment, const std::string& prefix) {
  Split out;
  SWEEP_ASSIGN(out.tp, environment.number(prefix + "TP", prefix.empty() ? 1 : 0));
  SWEEP_ASSIGN(out.ep, environment.number(prefix + (prefix.empty() ? "EP_SIZE" : "EP"), 1));
  SWEEP_ASSIGN(out.pp, environment.number(prefix + "PP_SIZE", 1));
  SWEEP_ASSIGN(out.dcp, environment.number(prefix + "DCP_SIZE", 1));
  SWEEP_ASSIGN(out.pcp, environment.number(prefix + "PCP_SIZE", 1));
  return out;
}

// What the result says about the GPUs of the deployment.
struct Shape {
  std::int64_t tp = 1, ep = 1, gpus = 0;
  std::string dp_attention;
  Json fields;
};

Expected<Shape> one_node_shape(const Environment& environment) {
  SWEEP_ASSIGN(const Split split, read_split(environment, ""));
  if (!split.sizes_positive()) return fail("PP_SIZE, DCP_SIZE, and PCP_SIZE must be positive integers.");
  return Shape{split.tp, split.ep, split.gpus(), environment.text("DP_ATTENTION", "false"),
               Json{{"pp", split.pp}, {"dcp_size", split.dcp}, {"pcp_size", split.pcp}}};
}

// Adds the eight fields of one kind of worker.
void add_worker(const std::string& role, std::int64_t workers, const Split& split,
                const std::string& dp_attention, std::int64_t gpus, Json& fields) {
  fields[role + "_num_workers"] = workers;
  fields[role + "_tp"] = split.tp;
  fields[role + "_pp"] = split.pp;
  fields[role + "_dcp_size"] = split.dcp;
  fields[role + "_pcp_size"] = split.pcp;
  fields[role + "_ep"] = split.ep;
  fields[role + "_dp_attention"] = dp_attention;
  fields["num_" + role + "_gpu"] = gpus;
}

Expected<Shape> many_nodes_shape(const Environment& environment) {
  SWEEP_ASSIGN(const Split prefill, read_split(environment, "PREFILL_"));
  SWEEP_ASSIGN(Split decode, read_split(environment, "DECODE_"));
  SWEEP_ASSIGN(const std::int64_t prefill_workers, environment.number("PREFILL_NUM_WORKERS", 0));
  SWEEP_ASSIGN(const std::int64_t decode_workers, environment.number("DECODE_NUM_WORKERS", 0));
  if (!prefill.sizes_positive() || !decode.sizes_positive())
    return fail("Multinode PP, DCP, and PCP sizes must be positive integers.");
  const std::string prefill_hw = environment.text("PREFILL_HARDWARE");
  const std::string decode_hw = environment.text("DECODE_HARDWARE");
  if (prefill_hw.empty() != decode_hw.empty())
    return fail("PREFILL_HARDWARE and DECODE_HARDWARE must be specified together.");
  const std::int64_t prefill_gpus = prefill_workers * prefill.gpus();
  const std::int64_t decode_gpus = decode_workers * decode.gpus();
  // Without GPUs for decode, one kind of worker does both, and counts as prefill.
  if (decode_gpus <= 0) decode = {0, 0, 1, 1, 1};
  const bool dp_attention = environment.truth("PREFILL_DP_ATTN") || environment.truth("DECODE_DP_ATTN");
  Shape out{prefill.tp + decode.tp, std::max(prefill.ep, decode.ep), prefill_gpus + decode_gpus,
            dp_attention ? "true" : "false", Json::object()};
  add_worker("prefill", prefill_workers, prefill, environment.text("PREFILL_DP_ATTN", "false"), prefill_gpus,
             out.fields);
  add_worker("decode", decode_workers, decode, environment.text("DECODE_DP_ATTN", "false"), decode_gpus,
             out.fields);
  if (!prefill_hw.empty()) {
    out.fields["prefill_hw"] = prefill_hw;
    out.fields["decode_hw"] = decode_hw;
  }
  return out;
}

}  // namespace

Expected<Point> read_point(const Variables& variables) {
  const Environment environment(variables);
  const std::string offloading = environment.text("KV_OFFLOADING");
  if (offloading.empty())
    return fail("Missing required environment variable: KV_OFFLOADING; set it to none or dram");
  SWEEP_ASSIGN(const Json backend, checked_backend(environment, offloading));
  const bool many_nodes = environment.truth("IS_MULTINODE");
  SWEEP_ASSIGN(const Shape shape, many_nodes ? many_nodes_shape(environment) : one_node_shape(environment));
  SWEEP_ASSIGN(const std::int64_t concurrency, environment.number("CONC", 0));
  SWEEP_ASSIGN(const std::int64_t dram, environment.number("TOTAL_CPU_DRAM_GB", 0));
  Point out;
  out.framework = environment.text("FRAMEWORK");
  out.gpus = shape.gpus;
  out.shape = shape.fields;
  out.head = Json{{"hw", environment.text("RUNNER_TYPE")},
                  {"conc", concurrency},
                  {"image", environment.text("IMAGE")},
                  {"recipe_fingerprint", environment.text("RECIPE_FINGERPRINT")},
                  {"model", environment.text("MODEL")},
                  {"infmax_model_prefix", environment.text("MODEL_PREFIX")},
                  {"framework", out.framework},
                  {"precision", environment.text("PRECISION")},
                  {"spec_decoding", environment.text("SPEC_DECODING", "none")},
                  {"disagg", environment.truth("DISAGG")},
                  {"scenario_type", "agentic-coding"},
                  {"is_multinode", many_nodes},
                  {"tp", shape.tp},
                  {"ep", shape.ep},
                  {"dp_attention", shape.dp_attention},
                  {"kv_offloading", offloading},
                  {"kv_offload_backend", backend},
                  {"allocated_cpu_dram_gb", dram}};
  out.components = Json::object();
  SWEEP_ASSIGN(const Json router, component(environment, "ROUTER_METADATA"));
  if (!router.is_null()) out.components["router"] = router;
  if (const std::string transfer = environment.text("KV_P2P_TRANSFER"); !transfer.empty())
    out.components["kv_p2p_transfer"] = transfer;
  return out;
}

}  // namespace sweep::agentic
