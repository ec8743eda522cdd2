#include "proto/base/inferencex_entry.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "proto/base/point.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxSettings = 1000;

constexpr std::array kIntegers = {
    "tp",  "pp",         "dcp-size",      "pcp-size",          "ep",       "conc",     "isl",
    "osl", "num-worker", "max-model-len", "total-cpu-dram-gb", "duration", "eval-conc"};
constexpr std::array kFlags = {"dp-attn", "disagg", "run-eval", "eval-only", "eval-all-concs"};

/// Returns the integer that a text such as " 4 ", "1_0" or "4.0" stands for; the value unchanged if it is not such a
/// text.
json converted_integer(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>() &&
      std::abs(value.get<double>()) <= static_cast<double>(kMaxEntryNumber))
    return static_cast<std::int64_t>(value.get<double>());
  if (!value.is_string()) return value;
  std::string digits(trimmed(value.get_ref<const std::string&>()));
  std::erase(digits, '_');
  if (const std::size_t dot = digits.find('.');
      dot != std::string::npos && digits.find_first_not_of('0', dot + 1) == std::string::npos)
    digits.resize(dot);
  std::int64_t number = 0;
  const auto [rest, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = code == std::errc() && rest == digits.data() + digits.size() && !digits.empty();
  return whole ? json(number) : value;
}

json converted_flag(const json& value) {
  if (value.is_number()) {
    const double number = value.get<double>();
    if (number == 0 || number == 1) return number == 1;
  }
  if (!value.is_string()) return value;
  const std::string word = ascii_lower(value.get_ref<const std::string&>());
  for (const char* yes : {"on", "yes", "y", "t", "true", "1"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"off", "no", "n", "f", "false", "0"}) {
    if (word == no) return false;
  }
  return value;
}

Parallelism read_parallelism(Fields& in) {
  Parallelism out;
  out.tp = in.integer("tp", 1, kMaxEntryNumber);
  out.pp = in.maybe_integer("pp", 1, kMaxEntryNumber).value_or(1);
  out.dcp = in.maybe_integer("dcp-size", 1, kMaxEntryNumber).value_or(1);
  out.pcp = in.maybe_integer("pcp-size", 1, kMaxEntryNumber).value_or(1);
  out.ep = in.maybe_integer("ep", 0, kMaxEntryNumber).value_or(1);
  out.dp_attention = in.has("dp-attn") && in.flag("dp-attn");
  return out;
}

Expected<WorkerGroup> read_workers(const json& body, const char* role) {
  Fields in(body, std::string("matrix entry: '") + role + "'");
  WorkerGroup out;
  out.workers = in.integer("num-worker", 0, kMaxEntryNumber);
  out.each = read_parallelism(in);
  out.hardware = in.maybe_text("hardware", kMaxEntryText).value_or("");
  if (in.has("additional-settings"))
    out.settings = in.texts("additional-settings", kMaxSettings, kMaxEntryText);
  if (in.error()) return fail(*in.error());
  return out;
}

std::optional<Component> read_component(Fields& in, const char* key) {
  if (!in.has(key)) return std::nullopt;
  const json& body = in.child(key);
  const auto name = body.is_object() ? body.find("name") : body.end();
  if (!body.is_object() || name == body.end() || !name->is_string()) {
    in.complain("matrix entry: '" + std::string(key) + "' must be an object with 'name'");
    return std::nullopt;
  }
  return Component{name->get<std::string>(), body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

void read_agentic(Fields& in, InferenceXEntry& out) {
  out.kv_offloading = in.text("kv-offloading", kMaxEntryText);
  out.kv_offload_backend = read_component(in, "kv-offload-backend");
  out.total_cpu_dram_gb = in.integer("total-cpu-dram-gb", 0, kMaxEntryNumber);
  out.duration = in.integer("duration", 1, kMaxEntryNumber);
}

std::string word(bool flag) {
  return flag ? "true" : "false";
}

std::string number(std::int64_t value) {
  return std::to_string(value);
}

std::string stem_part(const Parallelism& each, const char* dp_name) {
  return "tp" + number(each.tp) + "-pp" + number(each.pp) + "-dcp" + number(each.dcp) + "-pcp" +
         number(each.pcp) + "-ep" + number(each.ep) + "-" + dp_name + word(each.dp_attention);
}

std::string sizes_text(const Parallelism& each) {
  std::string out = "tp" + number(each.tp);
  if (each.pp != 1) out += " pp" + number(each.pp);
  if (each.dcp != 1) out += " dcp" + number(each.dcp);
  if (each.pcp != 1) out += " pcp" + number(each.pcp);
  if (each.ep != 1) out += " ep" + number(each.ep);
  return each.dp_attention ? out + " dpa" : out;
}

using Variables = std::vector<std::pair<std::string, std::string>>;

void add_worker_variables(const std::string& role, const WorkerGroup& group, Variables& out) {
  out.insert(out.end(), {{role + "_NUM_WORKERS", number(group.workers)},
                         {role + "_TP", number(group.each.tp)},
                         {role + "_PP_SIZE", number(group.each.pp)},
                         {role + "_DCP_SIZE", number(group.each.dcp)},
                         {role + "_PCP_SIZE", number(group.each.pcp)},
                         {role + "_EP", number(group.each.ep)},
                         {role + "_DP_ATTN", word(group.each.dp_attention)},
                         {role + "_HARDWARE", group.hardware}});
  for (const std::string& setting : group.settings) {
    const std::size_t equals = setting.find('=');
    if (equals != std::string::npos) out.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
}

}  // namespace

std::int64_t InferenceXEntry::gpus() const {
  return workers ? workers->prefill.gpus() + workers->decode.gpus() : parallelism.gpus();
}

bool is_inferencex_entry(const json& entry) {
  return entry.is_object() && entry.contains("model-prefix");
}

json with_converted_values(const json& entry) {
  json out = entry;
  const auto convert = [](json& object) {
    for (const char* key : kIntegers) {
      if (const auto found = object.find(key); found != object.end()) *found = converted_integer(*found);
    }
    for (const char* key : kFlags) {
      if (const auto found = object.find(key); found != object.end()) *found = converted_flag(*found);
    }
  };
  convert(out);
  for (const char* role : {"prefill", "decode"}) {
    if (const auto found = out.find(role); found != out.end() && found->is_object()) convert(*found);
  }
  return out;
}

Expected<InferenceXEntry> read_inferencex_entry(const json& entry) {
  Fields in(entry, "matrix entry");
  InferenceXEntry out;
  out.model_prefix = in.text("model-prefix", kMaxEntryText);
  out.spec_decoding = in.maybe_text("spec-decoding", kMaxEntryText).value_or("none");
  out.agentic = in.maybe_text("scenario-type", kMaxEntryText).value_or("") == kAgenticScenario;
  if (in.has("prefill") || in.has("decode")) {
    SWEEP_ASSIGN(auto prefill, read_workers(in.child("prefill"), "prefill"));
    SWEEP_ASSIGN(auto decode, read_workers(in.child("decode"), "decode"));
    out.workers = WorkerGroups{std::move(prefill), std::move(decode)};
  } else {
    out.parallelism = read_parallelism(in);
  }
  out.disagg = in.has("disagg") && in.flag("disagg");
  out.run_eval = in.has("run-eval") && in.flag("run-eval");
  out.eval_only = in.has("eval-only") && in.flag("eval-only");
  out.eval_conc = in.maybe_integer("eval-conc", 1, kMaxEntryNumber);
  if (out.workers && out.eval_conc) {
    const auto conc = in.integers("conc", 1, 1, kMaxEntryNumber);
    out.run_eval = out.run_eval && conc.size() == 1 && conc[0] == *out.eval_conc;
  }
  out.router = read_component(in, "router");
  out.kv_p2p_transfer = in.maybe_text("kv-p2p-transfer", kMaxEntryText).value_or("");
  out.recipe_fingerprint = in.maybe_text("recipe-fingerprint", kMaxEntryText).value_or("");
  if (out.agentic) read_agentic(in, out);
  if (in.error()) return fail(*in.error());
  return out;
}

std::vector<nlohmann::ordered_json> split_by_concurrency(nlohmann::ordered_json entry) {
  std::vector<nlohmann::ordered_json> out;
  const auto conc = entry.is_object() ? entry.find("conc") : entry.end();
  if (!entry.is_object() || conc == entry.end() || !conc->is_array() || conc->size() < 2) {
    out.push_back(std::move(entry));
    return out;
  }
  nlohmann::ordered_json all = *conc;
  const auto only = entry.find("eval-conc");
  if (entry.value("eval-only", false) && only != entry.end()) all = nlohmann::ordered_json::array({*only});
  for (const auto& one : all) {
    *conc = nlohmann::ordered_json::array({one});
    out.push_back(entry);
  }
  return out;
}

std::string servers_text(const InferenceXEntry& entry) {
  std::string out;
  if (entry.workers) {
    const auto& [prefill, decode] = *entry.workers;
    out = "p" + number(prefill.workers) + "x(" + sizes_text(prefill.each) + ") d" + number(decode.workers) +
          "x(" + sizes_text(decode.each) + ")";
  } else {
    out = sizes_text(entry.parallelism);
  }
  return entry.spec_decoding == "none" ? out : out + " " + entry.spec_decoding;
}

bool is_evaluated(const Point& point) {
  return point.inferencex && (point.inferencex->run_eval || point.inferencex->eval_only);
}

bool is_only_evaluated(const Point& point) {
  return point.inferencex && point.inferencex->eval_only;
}

std::string inferencex_result_stem(const Point& point) {
  const InferenceXEntry& entry = *point.inferencex;
  std::string out = point.exp_name + "_" + point.precision + "_" + point.framework + "_";
  if (entry.workers) {
    const auto& [prefill, decode] = *entry.workers;
    out += "prefill-" + stem_part(prefill.each, "dp") + "-nw" + number(prefill.workers) + "_decode-" +
           stem_part(decode.each, "dp") + "-nw" + number(decode.workers);
  } else {
    out += stem_part(entry.parallelism, "dpa");
  }
  return out + "_disagg-" + word(entry.disagg) + "_spec-" + entry.spec_decoding + "_conc" +
         number(point.conc);
}

std::vector<std::pair<std::string, std::string>> inferencex_environment(const Point& point) {
  const InferenceXEntry& entry = *point.inferencex;
  const auto name_of = [](const std::optional<Component>& part) { return part ? part->name : std::string(); };
  const auto json_of = [](const std::optional<Component>& part) { return part ? part->json : std::string(); };
  Variables out = {{"EXP_NAME", point.exp_name},
                   {"RECIPE_FINGERPRINT", entry.recipe_fingerprint},
                   {"MODEL", point.model},
                   {"MODEL_PREFIX", entry.model_prefix},
                   {"IMAGE", point.image},
                   {"FRAMEWORK", point.framework},
                   {"PRECISION", point.precision},
                   {"ISL", number(point.isl)},
                   {"OSL", number(point.osl)},
                   {"MAX_MODEL_LEN", number(point.max_model_len)},
                   {"CONC", number(point.conc)},
                   {"SPEC_DECODING", entry.spec_decoding},
                   {"DISAGG", word(entry.disagg)},
                   {"RUN_EVAL", word(entry.run_eval)},
                   {"EVAL_ONLY", word(entry.eval_only)},
                   {"SCENARIO_TYPE", entry.agentic ? kAgenticScenario : "fixed-seq-len"},
                   {"SCENARIO_SUBDIR", entry.agentic ? "agentic/" : "fixed_seq_len/"},
                   {"IS_AGENTIC", entry.agentic ? "1" : "0"},
                   {"KV_OFFLOADING", entry.kv_offloading},
                   {"KV_OFFLOAD_BACKEND", name_of(entry.kv_offload_backend)},
                   {"KV_OFFLOAD_BACKEND_METADATA", json_of(entry.kv_offload_backend)},
                   {"ROUTER_METADATA", json_of(entry.router)},
                   {"ROUTER_NAME", name_of(entry.router)},
                   {"KV_P2P_TRANSFER", entry.kv_p2p_transfer},
                   {"TOTAL_CPU_DRAM_GB", number(entry.total_cpu_dram_gb)},
                   {"DURATION", number(entry.duration)},
                   {"IS_MULTINODE", word(entry.workers.has_value())},
                   {"GPU_COUNT", number(entry.gpus())},
                   {"RUNNER_TYPE", point.runner}};
  if (entry.workers) {
    out.emplace_back("CONC_LIST", number(point.conc));
    out.emplace_back("EVAL_CONC", entry.eval_conc ? number(*entry.eval_conc) : "");
    add_worker_variables("PREFILL", entry.workers->prefill, out);
    add_worker_variables("DECODE", entry.workers->decode, out);
  } else {
    const Parallelism& each = entry.parallelism;
    out.insert(out.end(), {{"TP", number(each.tp)},
                           {"PP_SIZE", number(each.pp)},
                           {"DCP_SIZE", number(each.dcp)},
                           {"PCP_SIZE", number(each.pcp)},
                           {"EP_SIZE", number(each.ep)},
                           {"DP_ATTENTION", word(each.dp_attention)}});
  }
  return out;
}

}  // namespace sweep
