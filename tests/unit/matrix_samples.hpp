// For the tests of controller/matrix: a valid master configuration, functions that modify it, and a fixture
// that runs `sweepctl matrix` in a temporary folder.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "controller/matrix/command.hpp"
#include "controller/matrix/inferencemax/master.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep::matrix {

inline const std::string kSample = R"(m-fp8-h100-vllm:
  image: vllm/vllm-openai:v1
  model: org/Model
  model-prefix: m
  precision: fp8
  framework: vllm
  runner: h100
  seq-len-configs:
  - isl: 1024
    osl: 1024
    search-space:
    - { tp: 4, conc-start: 4, conc-end: 16 }
    - { tp: 8, conc-start: 8, conc-end: 8, ep: 2, dp-attn: true }
  - isl: 8192
    osl: 512
    search-space:
    - { tp: 2, conc-start: 2, conc-end: 2 }
)";

inline const std::string kRunners = R"(h100: [h100-a_0, h100-b_1]
h200: [h200-a_0]
odd: letters
empty: []
)";

/// Returns `text` with its only occurrence of `from` replaced by `to`.
inline std::string changed(const std::string& from, const std::string& to, std::string text = kSample) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "the sample has no " << from;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos) << "the sample has several " << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

/// Reads and checks `yaml` as the file f.yaml.
inline Expected<std::vector<Config>> configs_of(const std::string& yaml) {
  const std::vector<Lengths> short_form = {{1024, 1024}};
  std::vector<RawEntry> entries;
  if (auto added = add_entries({"f.yaml", yaml}, entries); !added) return tl::unexpected(added.error());
  return check_entries(entries, short_form);
}

/// Returns the error in `yaml`; "" if there is none.
inline std::string error_in(const std::string& yaml) {
  const auto configs = configs_of(yaml);
  return configs ? "" : configs.error().message;
}

/// Runs `sweepctl matrix` on files in a temporary folder.
class MatrixCommand : public InFolder {
 protected:
  /// Returns the output without its warnings, which matrix_typos_test.cpp tests.
  static CommandOutput run(std::vector<std::string> args) {
    CommandOutput output = run_matrix_command(args);
    const std::string warning = "sweepctl matrix " + (args.empty() ? "" : args[0]) + ": warning: ";
    while (output.err.starts_with(warning))
      output.err.erase(0, output.err.find('\n') + 1);
    return output;
  }

  /// Runs `subcommand` with `yaml` as --config-files, followed by `args`.
  CommandOutput run_on(const std::string& yaml, const std::string& subcommand,
                       const std::vector<std::string>& args = {}) const {
    std::vector<std::string> all = {subcommand, "--config-files", put("f.yaml", yaml)};
    all.insert(all.end(), args.begin(), args.end());
    return run(all);
  }

  /// The same with kRunners as --runner-config.
  CommandOutput run_with_runners(const std::string& yaml, const std::string& subcommand,
                                 std::vector<std::string> args = {}) const {
    args.insert(args.end(), {"--runner-config", put("runners.yaml", kRunners)});
    return run_on(yaml, subcommand, args);
  }

  /// Returns the error message of a failed `subcommand`, without the program's name. Expects exactly one
  /// line.
  static std::string message_of(const CommandOutput& output, const std::string& subcommand) {
    EXPECT_EQ(output.status, 1);
    EXPECT_EQ(output.out, "");
    const std::string head = "sweepctl matrix " + subcommand + ": error: ";
    EXPECT_TRUE(output.err.starts_with(head)) << output.err;
    EXPECT_EQ(output.err.find('\n'), output.err.size() - 1) << output.err;
    if (output.err.size() <= head.size()) return output.err;
    return output.err.substr(head.size(), output.err.size() - head.size() - 1);
  }
};

}  // namespace sweep::matrix
