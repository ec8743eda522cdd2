#include "controller/ci/schema_row.hpp"

#include <algorithm>

#include "util/json.hpp"

namespace sweep::ci {

namespace {

using Json = nlohmann::ordered_json;
using matrix::inferencex::Component;
using matrix::inferencex::Element;
using matrix::inferencex::Entry;
using matrix::inferencex::Row;
using matrix::inferencex::RowKind;
using matrix::inferencex::Scalar;
using matrix::inferencex::Worker;

Json truth(const Scalar& value) {
  return value.number != 0;
}

Json component_json(const Component& component) {
  Json out = {{"name", component.name}};
  if (component.version) out["version"] = *component.version;
  return out;
}

Json worker_json(const Worker& worker) {
  Json out = {{"num-worker", worker.num_worker.number},
              {"tp", worker.tp.number},
              {"pp", worker.pp.number},
              {"dcp-size", worker.dcp_size.number},
              {"pcp-size", worker.pcp_size.number},
              {"ep", worker.ep.number},
              {"dp-attn", truth(worker.dp_attn)}};
  if (worker.hardware) out["hardware"] = *worker.hardware;
  const bool is_null = !worker.settings && std::find(worker.order.begin(), worker.order.end(),
                                                     Worker::Key::Settings) != worker.order.end();
  if (!is_null) out["additional-settings"] = worker.settings.value_or(std::vector<std::string>());
  return out;
}

// Appends the keys of one row.
class SchemaWriter {
 public:
  SchemaWriter(const Row& row, const std::string& fingerprint) : row_(row), fingerprint_(fingerprint) {}

  Json write() {
    write_head();
    switch (row_.kind()) {
      case RowKind::FixedOneNode:
        write_fixed_one_node();
        break;
      case RowKind::FixedManyNodes:
        write_fixed_many_nodes();
        break;
      case RowKind::AgenticOneNode:
        write_agentic_one_node();
        break;
      case RowKind::AgenticManyNodes:
        write_agentic_many_nodes();
        break;
    }
    if (!fingerprint_.empty()) out_["recipe-fingerprint"] = fingerprint_;
    return std::move(out_);
  }

 private:
  void write_head() {
    const Entry& entry = *row_.entry;
    out_["image"] = entry.image;
    out_["model"] = entry.model;
    out_["model-prefix"] = entry.model_prefix;
    out_["precision"] = entry.precision;
    out_["framework"] = entry.framework;
    if (row_.kind() != RowKind::AgenticOneNode) out_["spec-decoding"] = row_.element->spec_decoding;
    out_["runner"] = row_.runner;
  }

  void write_lengths() {
    out_["isl"] = row_.block->isl.number;
    out_["osl"] = row_.block->osl.number;
  }

  void write_sizes() {
    const Element& element = *row_.element;
    out_["tp"] = element.tp.number;
    out_["pp"] = element.pp.number;
    out_["dcp-size"] = element.dcp_size.number;
    out_["pcp-size"] = element.pcp_size.number;
    out_["ep"] = row_.ep.value_or(matrix::inferencex::scalar(1)).number;
    out_["dp-attn"] = element.dp_attn ? truth(*element.dp_attn) : Json(false);
  }

  void write_workers() {
    out_["prefill"] = worker_json(row_.element->workers->prefill);
    out_["decode"] = worker_json(row_.element->workers->decode);
  }

  void write_concurrencies() {
    Json conc = Json::array();
    for (const Scalar& value : row_.conc)
      conc.push_back(value.number);
    out_["conc"] = std::move(conc);
  }

  void write_fixed_name() {
    out_["max-model-len"] =
        row_.block->isl.number + row_.block->osl.number + matrix::inferencex::kModelLengthSlack;
    out_["exp-name"] = row_.exp_name;
    out_["disagg"] = truth(row_.entry->disagg);
    out_["run-eval"] = row_.evals.run_eval.value_or(false);
    out_["eval-only"] = row_.evals.eval_only;
  }

  void write_fixed_one_node() {
    write_lengths();
    write_sizes();
    out_["conc"] = row_.conc.front().number;
    write_fixed_name();
    write_components();
  }

  void write_fixed_many_nodes() {
    write_lengths();
    write_workers();
    write_concurrencies();
    write_fixed_name();
    if (row_.evals.eval_conc) out_["eval-conc"] = row_.evals.eval_conc->number;
    out_["eval-all-concs"] = row_.evals.eval_all_concs;
    write_components();
  }

  void write_agentic_one_node() {
    write_sizes();
    out_["spec-decoding"] = row_.element->spec_decoding;
    out_["conc"] = row_.conc.front().number;
    write_agentic_tail();
  }

  void write_agentic_many_nodes() {
    write_workers();
    write_concurrencies();
    write_agentic_tail();
    if (row_.evals.eval_conc) out_["eval-conc"] = row_.evals.eval_conc->number;
  }

  void write_agentic_tail() {
    out_["kv-offloading"] = row_.element->kv_offloading;
    if (row_.element->kv_offload_backend)
      out_["kv-offload-backend"] = component_json(*row_.element->kv_offload_backend);
    write_components();
    out_["total-cpu-dram-gb"] = row_.total_cpu_dram_gb;
    out_["duration"] = matrix::inferencex::kAgenticSeconds;
    out_["exp-name"] = row_.exp_name;
    if (row_.entry->multinode) out_["disagg"] = truth(row_.entry->disagg);
    out_["scenario-type"] = "agentic-coding";
    if (row_.evals.run_eval) out_["run-eval"] = *row_.evals.run_eval;
    if (row_.evals.eval_only) out_["eval-only"] = true;
  }

  void write_components() {
    if (const Component* router = row_.router()) out_["router"] = component_json(*router);
    const std::string* transfer = row_.kv_p2p_transfer();
    if (transfer != nullptr && row_.entry->multinode) out_["kv-p2p-transfer"] = *transfer;
  }

  const Row& row_;
  const std::string& fingerprint_;
  Json out_ = Json::object();
};

}  // namespace

Json schema_row(const Row& row, const std::string& fingerprint) {
  return SchemaWriter(row, fingerprint).write();
}

}  // namespace sweep::ci
