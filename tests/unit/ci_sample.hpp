// For the tests of controller/ci: rows of small configurations.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/ci/changelog_matrix.hpp"
#include "controller/matrix/inferencex/master_files.hpp"
#include "tests/unit/inferencex_samples.hpp"

namespace sweep::ci {

/// The entries of a text and a function that expands them.
class Sample {
 public:
  explicit Sample(const std::string& yaml) {
    auto file = matrix::parse_matrix_file("f.yaml", yaml);
    document = file.document;
    std::vector<std::string> warnings;
    auto read = matrix::inferencex::read_entries({std::move(file)}, false, warnings);
    EXPECT_TRUE(read) << read.error().message;
    if (read) rows_.entries = *std::move(read);
    const auto labels = matrix::parse_matrix_file("labels.yaml", matrix::inferencex::kLabels);
    runners_ = matrix::inferencex::read_runners(labels, false, warnings).value();
  }

  ExpandRows expander() {
    return [this](const matrix::inferencex::TestConfig& test, const matrix::inferencex::EvalOptions& evals)
               -> Expected<std::vector<matrix::inferencex::Row>> {
      rows_.rows.clear();
      SWEEP_TRY(matrix::inferencex::expand_test_config(test, runners_, rows_));
      matrix::inferencex::mark_evals(rows_.rows, evals);
      return std::move(rows_.rows);
    };
  }

  /// Returns all rows of throughput.
  std::vector<matrix::inferencex::Row> rows() {
    matrix::inferencex::TestConfig all;
    all.config_keys = {"*"};
    return expander()(all, {.none = true}).value();
  }

  yaml::ValueRef document;

 private:
  matrix::inferencex::Rows rows_;
  matrix::inferencex::RunnerFile runners_;
};

/// Returns the names and concurrencies of rows: "solo_1k1k [2]".
inline std::vector<std::string> names_of(const std::vector<matrix::inferencex::Row>& rows) {
  std::vector<std::string> out;
  for (const auto& row : rows) {
    std::string text = row.exp_name + " [";
    for (const auto& conc : row.conc)
      text += (text.ends_with('[') ? "" : ",") + python_str(conc);
    out.push_back(text + "]");
  }
  return out;
}

}  // namespace sweep::ci
