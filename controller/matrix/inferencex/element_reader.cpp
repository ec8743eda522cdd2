#include "controller/matrix/inferencex/element_reader.hpp"

#include <algorithm>
#include <array>

#include "util/text.hpp"

namespace sweep::matrix::inferencex {

namespace {

using Name = std::string_view;

constexpr std::array<Name, 2> kComponentKeys = {"name", "version"};
constexpr std::array<Name, 9> kWorkerKeys = {
    "num-worker", "tp", "pp", "dcp-size", "pcp-size", "ep", "dp-attn", "hardware", "additional-settings"};
constexpr std::array<Name, 11> kOneNodeKeys = {
    "tp",      "pp",     "dcp-size",   "pcp-size", "ep",       "spec-decoding",
    "dp-attn", "router", "conc-start", "conc-end", "conc-list"};
constexpr std::array<Name, 8> kManyNodeKeys = {"spec-decoding",   "prefill",    "decode",   "router",
                                               "kv-p2p-transfer", "conc-start", "conc-end", "conc-list"};
constexpr std::array<Name, 16> kAgenticKeys = {"tp",
                                               "pp",
                                               "dcp-size",
                                               "pcp-size",
                                               "ep",
                                               "dp-attn",
                                               "spec-decoding",
                                               "prefill",
                                               "decode",
                                               "kv-offloading",
                                               "kv-offload-backend",
                                               "router",
                                               "kv-p2p-transfer",
                                               "conc-start",
                                               "conc-end",
                                               "conc-list"};
constexpr std::array<Name, 3> kSpecDecodings = {"mtp", "draft_model", "none"};
constexpr std::array<Name, 2> kOffloadings = {"none", "dram"};

constexpr const char* kImageAsVersion =
    "component version must be a release, package version, or source commit, not an image reference";

// Returns the text of a key of a component, which must not be empty.
Expected<std::string> read_component_text(const ObjectReader& in, Name name) {
  SWEEP_ASSIGN(auto text, in.text(name));
  if (text.empty()) return in.problem(name, "must not be empty; give a text");
  if (name == "version" && text.starts_with("image:")) return in.problem(name, kImageAsVersion);
  return text;
}

Expected<Component> read_component(const yaml::Value& value, const Path& path, const Subject& subject,
                                   bool needs_version) {
  const ObjectReader in(value, path, subject, kComponentKeys);
  SWEEP_TRY(in.check_mapping());
  Component out;
  SWEEP_ASSIGN(out.name, read_component_text(in, "name"));
  out.has_version = in.find("version") != nullptr;
  if (needs_version || in.given("version") != nullptr) {
    SWEEP_ASSIGN(out.version, read_component_text(in, "version"));
  }
  SWEEP_TRY(in.check_unknown());
  out.version_first = out.has_version && value.members.front().key->text == "version";
  return out;
}

Expected<void> read_settings(const ObjectReader& in, Worker& out) {
  constexpr Name kKey = "additional-settings";
  if (in.given(kKey) == nullptr) return {};
  SWEEP_ASSIGN(const auto items, in.list(kKey));
  const Path list_path(in.path(), kKey);
  out.settings.emplace();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i]->is(yaml::Kind::Text))
      return in.subject().problem(*items[i], Path(list_path, i),
                                  "must be text, got " + shown(*items[i]) + "; write NAME=value in quotes");
    out.settings->push_back(items[i]->text);
  }
  return {};
}

std::string undivided(const Scalar& tp, const Scalar& dcp_size) {
  return "'tp' (" + std::to_string(tp.number) + ") must be divisible by 'dcp-size' (" +
         std::to_string(dcp_size.number) + ")";
}

Expected<void> check_division(const ObjectReader& in, const Scalar& tp, const Scalar& dcp_size) {
  if (tp.number % dcp_size.number == 0) return {};
  return in.problem(undivided(tp, dcp_size));
}

Expected<Worker> read_worker(const yaml::Value& value, const Path& path, const Subject& subject) {
  const ObjectReader in(value, path, subject, kWorkerKeys);
  SWEEP_TRY(in.check_mapping());
  Worker out;
  SWEEP_ASSIGN(out.num_worker, in.integer("num-worker"));
  SWEEP_ASSIGN(out.tp, in.integer("tp"));
  SWEEP_ASSIGN(out.pp, in.size("pp"));
  SWEEP_ASSIGN(out.dcp_size, in.size("dcp-size"));
  SWEEP_ASSIGN(out.pcp_size, in.size("pcp-size"));
  SWEEP_ASSIGN(out.ep, in.integer("ep"));
  SWEEP_ASSIGN(out.dp_attn, in.boolean("dp-attn"));
  SWEEP_ASSIGN(out.hardware, in.optional_text("hardware"));
  SWEEP_TRY(read_settings(in, out));
  SWEEP_TRY(in.check_unknown());
  SWEEP_TRY(check_division(in, out.tp, out.dcp_size));
  for (const yaml::Member& member : value.members) {
    const auto* const name = std::find(kWorkerKeys.begin(), kWorkerKeys.end(), member.key->text);
    out.order.push_back(static_cast<Worker::Key>(name - kWorkerKeys.begin()));
  }
  return out;
}

// Reads the sizes that a worker and an element of one node have in common.
Expected<void> read_sizes(const ObjectReader& in, Element& out) {
  SWEEP_ASSIGN(out.pp, in.size("pp"));
  SWEEP_ASSIGN(out.dcp_size, in.size("dcp-size"));
  SWEEP_ASSIGN(out.pcp_size, in.size("pcp-size"));
  return {};
}

Expected<void> read_router_override(const ObjectReader& in, Element& out) {
  out.router.given = in.find("router") != nullptr;
  if (const yaml::Value* router = in.given("router")) {
    SWEEP_ASSIGN(out.router.value, read_router(*router, Path(in.path(), "router"), in.subject()));
  }
  return {};
}

Expected<void> read_transfer_override(const ObjectReader& in, Element& out) {
  out.kv_p2p_transfer.given = in.find("kv-p2p-transfer") != nullptr;
  SWEEP_ASSIGN(out.kv_p2p_transfer.value, in.optional_text("kv-p2p-transfer"));
  return {};
}

Expected<void> read_concurrency(const ObjectReader& in, Concurrency& out) {
  SWEEP_ASSIGN(out.start, in.optional_integer("conc-start"));
  SWEEP_ASSIGN(out.end, in.optional_integer("conc-end"));
  if (in.given("conc-list") == nullptr) return {};
  SWEEP_ASSIGN(const auto items, in.list("conc-list"));
  const Path list_path(in.path(), "conc-list");
  for (std::size_t i = 0; i < items.size(); ++i) {
    SWEEP_ASSIGN(auto value, integer_at(*items[i], Path(list_path, i), in.subject()));
    out.list.push_back(std::move(value));
  }
  out.has_empty_list = out.list.empty();
  return {};
}

Expected<void> check_concurrency(const ObjectReader& in, const Concurrency& concurrency) {
  const bool has_range = concurrency.start && concurrency.end;
  const auto& list = concurrency.list;
  if (has_range && !list.empty())
    return in.problem(
        "Cannot specify both 'conc-list' list and 'conc-start'/'conc-end'. Use either a list or a range, not "
        "both.");
  if (!has_range && list.empty())
    return in.problem("Must specify either 'conc-list' list or both 'conc-start' and 'conc-end'.");
  if (has_range) {
    const std::int64_t start = concurrency.start->number, end = concurrency.end->number;
    if (start <= 0 || end <= 0)
      return in.problem("Input 'conc-start' and 'conc-end' must be greater than 0.");
    if (start > end)
      return in.problem("'conc-start' (" + std::to_string(start) + ") must be <= 'conc-end' (" +
                        std::to_string(end) + ").");
  }
  if (std::any_of(list.begin(), list.end(), [](const Scalar& value) { return value.number <= 0; }))
    return in.problem("Input 'conc-list' entries must be greater than 0.");
  return {};
}

// Fails if only one of the workers names its hardware.
Expected<void> check_hardware_pair(const ObjectReader& in, const Workers& workers) {
  if (workers.prefill.hardware.has_value() == workers.decode.hardware.has_value()) return {};
  return in.problem("'hardware' must be specified for both 'prefill' and 'decode', or neither");
}

Expected<void> check_offload(const ObjectReader& in, const Element& element) {
  const bool has_backend = element.kv_offload_backend.has_value();
  if (in.given("kv-offloading") == nullptr)
    return has_backend ? Expected<void>(in.problem("kv-offload-backend requires kv-offloading"))
                       : Expected<void>();
  if (element.kv_offloading == "none" && has_backend)
    return in.problem("kv-offload-backend can only be set when kv-offloading is not 'none'");
  if (element.kv_offloading != "none" && !has_backend)
    return in.problem("kv-offload-backend is required when kv-offloading is '" + element.kv_offloading + "'");
  return {};
}

// Checks that an agentic element has the keys of either one node or many nodes.
Expected<void> check_topology(const ObjectReader& in, const Element& element) {
  const bool one_node = in.given("tp") != nullptr;
  const bool prefill = in.given("prefill") != nullptr, decode = in.given("decode") != nullptr;
  if (one_node ? prefill || decode : !prefill || !decode)
    return in.problem("Agentic search-space entries must specify either tp or both prefill and decode");
  if (one_node) {
    if (in.given("kv-offloading") == nullptr)
      return in.problem("Single-node agentic search-space entries must specify kv-offloading");
    return check_division(in, element.tp, element.dcp_size);
  }
  for (const Name name : {"pp", "dcp-size", "pcp-size"}) {
    if (in.find(name) != nullptr)
      return in.problem("Multinode agentic search-space entries cannot specify 'pp', 'dcp-size', 'pcp-size'");
  }
  return check_hardware_pair(in, *element.workers);
}

// Reads the keys of an agentic element from tp to decode.
Expected<void> read_agentic_servers(const ObjectReader& in, Element& out) {
  SWEEP_ASSIGN(const auto tp, in.optional_integer("tp"));
  if (tp) out.tp = *tp;
  SWEEP_TRY(read_sizes(in, out));
  SWEEP_ASSIGN(out.ep, in.optional_integer("ep"));
  SWEEP_ASSIGN(out.dp_attn, in.optional_boolean("dp-attn"));
  SWEEP_ASSIGN(out.spec_decoding, in.choice("spec-decoding", kSpecDecodings, "none"));
  Workers workers;
  for (const auto& [name, worker] :
       {std::pair<Name, Worker*>{"prefill", &workers.prefill}, {"decode", &workers.decode}}) {
    const yaml::Value* value = in.given(name);
    if (value == nullptr) continue;
    SWEEP_ASSIGN(*worker, read_worker(*value, Path(in.path(), name), in.subject()));
  }
  if (!tp) out.workers = std::make_shared<const Workers>(std::move(workers));
  return {};
}

}  // namespace

Expected<Component> read_router(const yaml::Value& value, const Path& path, const Subject& subject) {
  return read_component(value, path, subject, true);
}

Expected<Element> read_one_node_element(const yaml::Value& value, const Path& path, const Subject& subject) {
  const ObjectReader in(value, path, subject, kOneNodeKeys);
  SWEEP_TRY(in.check_mapping());
  Element out;
  out.line = value.line;
  SWEEP_ASSIGN(out.tp, in.integer("tp"));
  SWEEP_TRY(read_sizes(in, out));
  SWEEP_ASSIGN(out.ep, in.optional_integer("ep"));
  SWEEP_ASSIGN(out.spec_decoding, in.choice("spec-decoding", kSpecDecodings, "none"));
  SWEEP_ASSIGN(out.dp_attn, in.optional_boolean("dp-attn"));
  SWEEP_TRY(read_router_override(in, out));
  SWEEP_TRY(read_concurrency(in, out.concurrency));
  SWEEP_TRY(in.check_unknown());
  SWEEP_TRY(check_concurrency(in, out.concurrency));
  SWEEP_TRY(check_division(in, out.tp, out.dcp_size));
  return out;
}

Expected<Element> read_many_node_element(const yaml::Value& value, const Path& path, const Subject& subject) {
  const ObjectReader in(value, path, subject, kManyNodeKeys);
  SWEEP_TRY(in.check_mapping());
  Element out;
  out.line = value.line;
  SWEEP_ASSIGN(out.spec_decoding, in.choice("spec-decoding", kSpecDecodings, "none"));
  Workers workers;
  for (const auto& [name, worker] :
       {std::pair<Name, Worker*>{"prefill", &workers.prefill}, {"decode", &workers.decode}}) {
    SWEEP_ASSIGN(const yaml::Value* given, in.required(name));
    SWEEP_ASSIGN(*worker, read_worker(*given, Path(path, name), subject));
  }
  out.workers = std::make_shared<const Workers>(std::move(workers));
  SWEEP_TRY(read_router_override(in, out));
  SWEEP_TRY(read_transfer_override(in, out));
  SWEEP_TRY(read_concurrency(in, out.concurrency));
  SWEEP_TRY(in.check_unknown());
  SWEEP_TRY(check_concurrency(in, out.concurrency));
  SWEEP_TRY(check_hardware_pair(in, *out.workers));
  return out;
}

Expected<Element> read_agentic_element(const yaml::Value& value, const Path& path, const Subject& subject) {
  const ObjectReader in(value, path, subject, kAgenticKeys);
  SWEEP_TRY(in.check_mapping());
  Element out;
  out.line = value.line;
  SWEEP_TRY(read_agentic_servers(in, out));
  if (in.given("kv-offloading") != nullptr) {
    SWEEP_ASSIGN(out.kv_offloading, in.choice("kv-offloading", kOffloadings, "none"));
  }
  if (const yaml::Value* backend = in.given("kv-offload-backend")) {
    SWEEP_ASSIGN(out.kv_offload_backend,
                 read_component(*backend, Path(path, "kv-offload-backend"), subject, false));
  }
  SWEEP_TRY(read_router_override(in, out));
  SWEEP_TRY(read_transfer_override(in, out));
  SWEEP_TRY(read_concurrency(in, out.concurrency));
  SWEEP_TRY(in.check_unknown());
  SWEEP_TRY(check_concurrency(in, out.concurrency));
  SWEEP_TRY(check_offload(in, out));
  SWEEP_TRY(check_topology(in, out));
  return out;
}

}  // namespace sweep::matrix::inferencex
