// Tells the two generations of configuration files apart by their content. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// InferenceMAX: the files of 2025, whose entries have `seq-len-configs`, and their short form. InferenceX:
/// the files since 2026, whose entries have `scenarios`.
enum class Generation : std::uint8_t { InferenceMax, InferenceX };

/// Returns "InferenceMAX (2025)" or "InferenceX".
std::string generation_name(Generation generation);

/// What shows the generation of a file.
struct Evidence {
  std::string place;  // "FILE:LINE" of the entry or key
  std::string entry;  // the entry's key; "" for a runner file
  std::string field;  // the key that tells, for example "scenarios"
};

/// The first evidence for each generation in a set of files.
struct Evidences {
  std::optional<Evidence> inferencemax, inferencex;
};

/// Adds the evidence of the entries of a master configuration to `out`, as far as it is the first of its
/// kind.
void add_evidence(const yaml::Value& document, const std::string& file, Evidences& out);

/// Returns the evidence of a runner file: one with a mapping `labels` is of InferenceX, another mapping is
/// not.
Evidences evidence_of_runner_file(const yaml::Value& document, const std::string& file);

/// Returns the generation that the configuration files show, otherwise that of the runner file, otherwise
/// std::nullopt. Fails if they are not all of one generation; the message names a place of both.
Expected<std::optional<Generation>> common_generation(const Evidences& configs, const Evidences& runner_file);

/// Returns ", but FILE:LINE has 'scenarios' and is of InferenceX" for a message about an option; "" if
/// nothing shows that generation.
std::string reason_for(Generation generation, const Evidences& configs, const Evidences& runner_file);

}  // namespace sweep::matrix
