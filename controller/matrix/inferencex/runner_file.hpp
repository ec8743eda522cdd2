// Reads the runner file of InferenceX: `labels` with lists of runner names, `hardware` with facts of a label.
// Contract of 2026, section 2. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/matrix/inferencex/scalar.hpp"
#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::matrix::inferencex {

/// What is known of the machines of a label.
struct Hardware {
  std::string label;
  std::int64_t available_cpu_dram_mib = 0, gpus_per_node = 0;  // both > 0
};

struct Label {
  std::string name;
  std::vector<std::string> runners;  // never empty
};

struct RunnerFile {
  std::string file;
  std::vector<Label> labels;  // in the order of the file
  std::vector<Hardware> hardware;
  std::vector<std::string> warnings;  // "FILE:LINE: text"

  /// Return the label or its hardware; nullptr if the file does not have it.
  const Label* find_label(std::string_view name) const;
  const Hardware* find_hardware(std::string_view label) const;
  std::vector<std::string> label_names() const;

  /// Returns the hardware of a label; fails with the contract's words if the file has none.
  Expected<Hardware> hardware_of(const std::string& label) const;
};

/// Returns the checked content of `document`, which `file` has. Fails with FILE:LINE and the contract's
/// words.
Expected<RunnerFile> read_runner_file(const yaml::Value& document, const std::string& file);

}  // namespace sweep::matrix::inferencex
