#include "benchmarks/bench_matrix_files.hpp"

#include <algorithm>
#include <fstream>

namespace sweep::bench {

namespace {

// Counts points down and rows up while a file is written.
struct Progress {
  std::size_t left, rows = 0;

  // Takes the points of a range; returns its last concurrency.
  std::int64_t take_range(const MatrixShape& shape) {
    const bool whole = left >= static_cast<std::size_t>(shape.points);
    const std::size_t taken = whole ? static_cast<std::size_t>(shape.points) : 1;
    left -= taken;
    rows += taken;
    return whole ? shape.last : 1;
  }
};

void write_head(std::ostream& out, std::size_t number, const char* framework, const char* runner) {
  out << "bench" << number << "-fp8-h200-" << framework
      << ":\n  image: lmsysorg/sglang:v0.5.3\n  model: deepseek-ai/DeepSeek-R1-0528\n  model-prefix: bench"
      << number << "\n  runner: " << runner << "\n  precision: fp8\n  framework: " << framework << "\n";
}

// Writes the blocks of an entry with fixed lengths on one node.
void write_blocks(std::ostream& out, const MatrixShape& shape, const std::string& indent,
                  Progress& progress) {
  for (int i = 0; i < shape.lengths && progress.left > 0; ++i) {
    out << indent << "- isl: 1024\n" << indent << "  osl: " << 1024 * (i + 1) << "\n";
    out << indent << "  search-space:\n";
    for (int j = 0; j < shape.elements && progress.left > 0; ++j)
      out << indent << "  - { tp: 8, conc-start: 1, conc-end: " << progress.take_range(shape) << " }\n";
  }
}

// Writes an element of many nodes with as many concurrencies as the range of another kind has points.
void write_workers(std::ostream& out, const MatrixShape& shape, Progress& progress, bool one_row) {
  const std::size_t count = std::min(progress.left, static_cast<std::size_t>(shape.points));
  progress.left -= count;
  progress.rows += one_row ? 1 : count;
  out << "      - conc-list: [";
  for (std::size_t i = 0; i < count; ++i)
    out << (i == 0 ? "" : ", ") << (std::size_t{1} << i);
  out << "]\n        prefill: { num-worker: 1, tp: 4, ep: 4, dp-attn: true }\n"
         "        decode: { num-worker: 2, tp: 8, ep: 8, dp-attn: false, additional-settings: [ "
         "\"CONFIG_FILE=recipes/a.yaml\" ] }\n";
}

void write_inferencex_entry(std::ostream& out, const MatrixShape& shape, std::size_t number,
                            Progress& progress) {
  const std::size_t kind = shape.four_kinds ? number % 4 : 0;
  const bool agentic = kind >= 2, many_nodes = kind % 2 == 1;
  write_head(out, number, many_nodes ? "dynamo-trt" : "sglang", agentic ? "cluster:h200" : "h200");
  out << (many_nodes ? "  multinode: true\n  disagg: true\n  kv-p2p-transfer: nixl\n"
                     : "  multinode: false\n");
  out << "  scenarios:\n" << (agentic ? "    agentic-coding:\n" : "    fixed-seq-len:\n");
  if (agentic) {
    out << "    - dram-utilization: 0.8\n      search-space:\n";
  } else if (many_nodes) {
    out << "    - isl: 8192\n      osl: 1024\n      search-space:\n";
  }
  if (many_nodes) {
    write_workers(out, shape, progress, !agentic);
  } else if (agentic) {
    out << "      - { tp: 8, kv-offloading: dram, kv-offload-backend: { name: pool }, conc-start: 1, conc-end: "
        << progress.take_range(shape) << " }\n";
  } else {
    write_blocks(out, shape, "    ", progress);
  }
}

Expected<std::size_t> closed(std::ofstream& out, const std::string& path) {
  const auto bytes = static_cast<std::size_t>(out.tellp());
  out.close();
  if (!out) return fail("cannot write '" + path + "'");
  return bytes;
}

}  // namespace

Expected<MatrixFileSize> write_master_file(const std::string& path, const MatrixShape& shape,
                                           std::size_t points) {
  std::ofstream out(path);
  Progress progress{points};
  for (std::size_t number = 0; progress.left > 0; ++number) {
    if (shape.inferencex) {
      write_inferencex_entry(out, shape, number, progress);
    } else {
      write_head(out, number, "sglang", "h200");
      out << "  seq-len-configs:\n";
      write_blocks(out, shape, "  ", progress);
    }
  }
  SWEEP_ASSIGN(const std::size_t bytes, closed(out, path));
  return MatrixFileSize{bytes, progress.rows};
}

Expected<void> write_labels_file(const std::string& path) {
  std::ofstream out(path);
  out << "labels:\n  h200: [h200_0]\n  \"cluster:h200\": [h200_0]\n"
         "hardware:\n  \"cluster:h200\": { available-cpu-dram-mib: 2000000, gpus-per-node: 8 }\n";
  SWEEP_TRY(closed(out, path));
  return {};
}

}  // namespace sweep::bench
