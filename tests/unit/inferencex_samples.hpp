// For the tests of controller/matrix/inferencex: valid entries of each kind, a runner file, and a fixture
// that runs `sweepctl matrix` on them.
#pragma once

#include <string>
#include <vector>

#include "controller/matrix/inferencex/entry_reader.hpp"
#include "tests/unit/matrix_samples.hpp"

namespace sweep::matrix::inferencex {

/// One node, fixed lengths. The element is in line 13.
inline const std::string kOneNode = R"(solo:
  image: acme/serve:1
  model: acme/Solo-7B
  model-prefix: solo
  precision: fp8
  framework: vllm
  runner: x1
  multinode: false
  scenarios:
    fixed-seq-len:
    - isl: 1024
      osl: 1024
      search-space: [{ tp: 4, conc-start: 2, conc-end: 6 }]
)";

/// Many nodes, fixed lengths. The element begins in line 16, the workers are in lines 17 and 18.
inline const std::string kManyNodes = R"(pair:
  image: acme/serve:1
  model: acme/Pair-70B
  model-prefix: pair
  precision: fp4
  framework: dynamo-trt
  runner: x2
  multinode: true
  disagg: true
  kv-p2p-transfer: nixl
  scenarios:
    fixed-seq-len:
    - isl: 8192
      osl: 1024
      search-space:
      - conc-list: [4, 32]
        prefill: { num-worker: 1, tp: 4, ep: 4, dp-attn: true }
        decode: { tp: 8, num-worker: 2, ep: 1, dp-attn: false, additional-settings: [CONFIG_FILE=a.yaml] }
)";

/// Agentic, one node. The elements are in lines 13 and 14.
inline const std::string kAgentic = R"(agent:
  image: acme/serve:1
  model: acme/Solo-7B
  model-prefix: agent
  precision: fp8
  framework: sglang
  runner: cluster:x1-lab
  multinode: false
  scenarios:
    agentic-coding:
    - dram-utilization: 0.5
      search-space:
      - { tp: 4, kv-offloading: none, conc-list: [1, 2] }
      - { tp: 2, kv-offloading: dram, kv-offload-backend: { name: pool }, conc-list: [8], spec-decoding: mtp }
)";

/// Agentic, many nodes. The element begins in line 13.
inline const std::string kAgenticNodes = R"(crew:
  image: acme/serve:1
  model: acme/Pair-70B
  model-prefix: crew
  precision: fp4
  framework: dynamo-vllm
  runner: cluster:x1-lab
  multinode: true
  scenarios:
    agentic-coding:
    - dram-utilization: 0.25
      search-space:
      - conc-list: [4, 16, 24]
        prefill: { num-worker: 1, tp: 4, ep: 1, dp-attn: false }
        decode: { num-worker: 2, tp: 2, ep: 2, dp-attn: true }
)";

inline const std::string kLabels = R"(labels:
  x1: [x1-lab_0, x1-lab_1, x1-den_0]
  x2: [x2-lab_0]
  "cluster:x1-lab": [x1-lab_0, x1-lab_1]
hardware:
  "cluster:x1-lab": { available-cpu-dram-mib: 1000000, gpus-per-node: 8 }
)";

/// Runs `sweepctl matrix` on files in a temporary folder.
class InferenceXCommand : public MatrixCommand {
 protected:
  CommandOutput matrix(const std::string& yaml, const std::string& subcommand,
                       std::vector<std::string> args = {}) const {
    args.insert(args.begin(), {"--runner-config", put("labels.yaml", kLabels)});
    return run_on(yaml, subcommand, args);
  }
  CommandOutput full_sweep(const std::string& yaml, const std::vector<std::string>& args = {}) const {
    return matrix(yaml, "full-sweep", args);
  }
  /// Returns the error of full-sweep with the path of the file replaced by f.yaml.
  std::string error_of(const std::string& yaml, const std::vector<std::string>& args = {}) const {
    return with_short_paths(message_of(full_sweep(yaml, args), "full-sweep"));
  }
  /// Returns standard error of a run that must succeed, without the program's name.
  std::string warnings_of(const std::string& yaml, const std::string& subcommand,
                          std::vector<std::string> args) const {
    args.insert(args.begin(), {subcommand, "--config-files", put("f.yaml", yaml), "--runner-config",
                               put("labels.yaml", kLabels)});
    const CommandOutput output = run_matrix_command(args);
    EXPECT_EQ(output.status, 0) << output.err;
    std::string out = with_short_paths(output.err);
    const std::string head = "sweepctl matrix " + subcommand + ": warning: ";
    for (std::size_t at = out.find(head); at != std::string::npos; at = out.find(head))
      out.erase(at, head.size());
    return out;
  }
  std::string with_short_paths(std::string text) const {
    const std::string folder = path("");
    for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder))
      text.erase(at, folder.size());
    return text;
  }
};

}  // namespace sweep::matrix::inferencex
