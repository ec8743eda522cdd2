#include "controller/matrix/inferencex/row_json.hpp"

#include <algorithm>
#include <array>

#include "controller/matrix/json_line.hpp"
#include "util/json.hpp"

namespace sweep::matrix::inferencex {

namespace {

constexpr std::array<std::string_view, 9> kWorkerNames = {
    "num-worker", "tp", "pp", "dcp-size", "pcp-size", "ep", "dp-attn", "hardware", "additional-settings"};

// Writes the members of one object.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

  void text(std::string_view key, const std::string& value) {
    name(key);
    append_json_text(out_, value);
  }
  void number(std::string_view key, std::int64_t value) {
    name(key);
    out_ += std::to_string(value);
  }
  void flag(std::string_view key, bool value) {
    name(key);
    out_ += value ? "true" : "false";
  }
  void null(std::string_view key) {
    name(key);
    out_ += "null";
  }
  void scalar(std::string_view key, const Scalar& value) {
    name(key);
    append_scalar(value);
  }
  void scalars(std::string_view key, const std::vector<Scalar>& values) {
    name(key);
    out_ += '[';
    for (const Scalar& value : values) {
      if (&value != &values.front()) out_ += ", ";
      append_scalar(value);
    }
    out_ += ']';
  }
  void texts(std::string_view key, const std::vector<std::string>& values) {
    name(key);
    out_ += '[';
    for (const std::string& value : values) {
      if (&value != &values.front()) out_ += ", ";
      append_json_text(out_, value);
    }
    out_ += ']';
  }
  /// Begins a member whose value is an object.
  ObjectWriter object(std::string_view key) {
    name(key);
    return ObjectWriter(out_);
  }
  void close() { out_ += '}'; }

 private:
  void name(std::string_view key) {
    if (!first_) out_ += ", ";
    first_ = false;
    out_ += '"';
    out_ += key;
    out_ += "\": ";
  }
  void append_scalar(const Scalar& value) {
    if (value.spelling == Scalar::Spelling::Text) {
      append_json_text(out_, value.text);
    } else if (value.spelling == Scalar::Spelling::Bool) {
      out_ += value.number != 0 ? "true" : "false";
    } else {
      out_ += python_str(value);
    }
  }

  std::string& out_;
  bool first_ = true;
};

void write_component(ObjectWriter& out, std::string_view key, const Component& component) {
  ObjectWriter in = out.object(key);
  const auto write_version = [&] {
    if (component.version) {
      in.text("version", *component.version);
    } else if (component.has_version) {
      in.null("version");
    }
  };
  if (component.version_first) write_version();
  in.text("name", component.name);
  if (!component.version_first) write_version();
  in.close();
}

void write_worker_key(ObjectWriter& out, Worker::Key key, const Worker& worker) {
  const std::string_view name = kWorkerNames[static_cast<std::size_t>(key)];
  const std::array<const Scalar*, 7> scalars = {&worker.num_worker, &worker.tp,       &worker.pp,
                                                &worker.dcp_size,   &worker.pcp_size, &worker.ep,
                                                &worker.dp_attn};
  const auto index = static_cast<std::size_t>(key);
  if (index < scalars.size()) {
    out.scalar(name, *scalars[index]);
  } else if (key == Worker::Key::Hardware) {
    worker.hardware ? out.text(name, *worker.hardware) : out.null(name);
  } else {
    worker.settings ? out.texts(name, *worker.settings) : out.null(name);
  }
}

// Returns the keys that the file has in its order, then the sizes that it does not have.
std::vector<Worker::Key> with_sizes(std::vector<Worker::Key> order) {
  for (const Worker::Key key : {Worker::Key::Pp, Worker::Key::DcpSize, Worker::Key::PcpSize}) {
    if (std::find(order.begin(), order.end(), key) == order.end()) order.push_back(key);
  }
  return order;
}

void write_worker(ObjectWriter& out, std::string_view name, const Worker& worker,
                  const std::vector<Worker::Key>& order) {
  ObjectWriter in = out.object(name);
  for (const Worker::Key key : order)
    write_worker_key(in, key, worker);
  in.close();
}

void write_workers(ObjectWriter& out, const Workers& workers) {
  write_worker(out, "prefill", workers.prefill, with_sizes(workers.prefill.order));
  write_worker(out, "decode", workers.decode, with_sizes(workers.decode.order));
}

// Writes image to runner, which all rows have.
void write_head(ObjectWriter& out, const Row& row) {
  const Entry& entry = *row.entry;
  out.text("image", entry.image);
  out.text("model", entry.model);
  out.text("model-prefix", entry.model_prefix);
  out.text("precision", entry.precision);
  out.text("framework", entry.framework);
  out.text("runner", row.runner);
}

void write_sizes(ObjectWriter& out, const Element& element) {
  out.scalar("tp", element.tp);
  out.scalar("pp", element.pp);
  out.scalar("dcp-size", element.dcp_size);
  out.scalar("pcp-size", element.pcp_size);
}

void write_experts(ObjectWriter& out, const Row& row) {
  out.scalar("ep", row.ep.value_or(scalar(1)));
  out.scalar("dp-attn", row.element->dp_attn.value_or(Scalar{0, Scalar::Spelling::Bool, {}}));
}

// Writes isl + osl + slack; a float stays one.
void write_model_length(ObjectWriter& out, const FixedBlock& block) {
  Scalar length = scalar(block.isl.number + block.osl.number + kModelLengthSlack);
  if (block.isl.spelling == Scalar::Spelling::Float || block.osl.spelling == Scalar::Spelling::Float)
    length.spelling = Scalar::Spelling::Float;
  out.scalar("max-model-len", length);
}

void write_fixed_one_node(ObjectWriter& out, const Row& row) {
  out.scalar("isl", row.block->isl);
  out.scalar("osl", row.block->osl);
  write_sizes(out, *row.element);
  out.scalar("conc", row.conc.front());
  write_model_length(out, *row.block);
  write_experts(out, row);
  out.text("spec-decoding", row.element->spec_decoding);
  out.text("exp-name", row.exp_name);
  out.scalar("disagg", row.entry->disagg);
}

void write_fixed_many_nodes(ObjectWriter& out, const Row& row) {
  out.scalar("isl", row.block->isl);
  out.scalar("osl", row.block->osl);
  out.text("spec-decoding", row.element->spec_decoding);
  write_workers(out, *row.element->workers);
  out.scalars("conc", row.conc);
  write_model_length(out, *row.block);
  out.text("exp-name", row.exp_name);
  out.scalar("disagg", row.entry->disagg);
}

void write_agentic_tail(ObjectWriter& out, const Row& row) {
  out.text("kv-offloading", row.element->kv_offloading);
  out.number("total-cpu-dram-gb", row.total_cpu_dram_gb);
  out.number("duration", kAgenticSeconds);
  out.text("exp-name", row.exp_name);
  if (row.entry->multinode) out.scalar("disagg", row.entry->disagg);
  out.text("scenario-type", "agentic-coding");
  if (row.element->kv_offload_backend)
    write_component(out, "kv-offload-backend", *row.element->kv_offload_backend);
}

void write_agentic(ObjectWriter& out, const Row& row) {
  if (row.entry->multinode) {
    out.text("spec-decoding", row.element->spec_decoding);
    write_workers(out, *row.element->workers);
    out.scalars("conc", row.conc);
  } else {
    write_sizes(out, *row.element);
    write_experts(out, row);
    out.text("spec-decoding", row.element->spec_decoding);
    out.scalar("conc", row.conc.front());
  }
  write_agentic_tail(out, row);
}

void write_components(ObjectWriter& out, const Row& row) {
  if (const Component* router = row.router()) write_component(out, "router", *router);
  if (const std::string* transfer = row.kv_p2p_transfer()) out.text("kv-p2p-transfer", *transfer);
}

}  // namespace

void append_row(std::string& text, const Row& row) {
  ObjectWriter out(text);
  write_head(out, row);
  const EvalMarks& evals = row.evals;
  if (row.is_agentic()) {
    write_agentic(out, row);
  } else {
    row.entry->multinode ? write_fixed_many_nodes(out, row) : write_fixed_one_node(out, row);
    out.flag("run-eval", evals.run_eval.value_or(false));
  }
  write_components(out, row);
  if (row.is_agentic() && evals.run_eval) out.flag("run-eval", *evals.run_eval);
  if (evals.eval_conc) out.scalar("eval-conc", *evals.eval_conc);
  if (evals.eval_all_concs) out.flag("eval-all-concs", true);
  if (evals.eval_only) out.flag("eval-only", true);
  out.close();
}

std::string rows_line(std::span<const Row> rows) {
  constexpr std::size_t kMeasured = 64;  // rows whose length stands for all
  std::string out = "[";
  for (const Row& row : rows) {
    if (&row != rows.data()) out += ", ";
    append_row(out, row);
    // The text of a large matrix should not be copied while it grows. Pages that are not written take no memory.
    const auto written = static_cast<std::size_t>(&row - rows.data()) + 1;
    if (written == kMeasured) out.reserve(out.size() / kMeasured * rows.size() / 2 * 3);
  }
  return out += "]";
}

std::vector<nlohmann::ordered_json> row_entries(std::span<const Row> rows) {
  std::vector<nlohmann::ordered_json> out;
  out.reserve(rows.size());
  std::string text;
  for (const Row& row : rows) {
    text.clear();
    append_row(text, row);
    out.push_back(parse_ordered_json(text));
  }
  return out;
}

std::string configuration_key(const Row& row) {
  std::string text;
  ObjectWriter out(text);
  write_head(out, row);
  if (row.block != nullptr) {
    out.scalar("isl", row.block->isl);
    out.scalar("osl", row.block->osl);
  }
  out.text("spec-decoding", row.element->spec_decoding);
  for (const Worker* worker : {&row.element->workers->prefill, &row.element->workers->decode}) {
    std::vector<Worker::Key> order = with_sizes(worker->order);
    std::sort(order.begin(), order.end());
    write_worker(out, "worker", *worker, order);
  }
  out.text("kv-offloading", row.element->kv_offloading);
  out.number("total-cpu-dram-gb", row.total_cpu_dram_gb);
  if (row.element->kv_offload_backend)
    write_component(out, "kv-offload-backend", *row.element->kv_offload_backend);
  out.scalar("disagg", row.entry->disagg);
  write_components(out, row);
  out.close();
  return text;
}

}  // namespace sweep::matrix::inferencex
