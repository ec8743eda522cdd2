// The rows of the matrix of InferenceX. A row of one node is one point; a row of many nodes is one point for
// each of its concurrencies. Types only. Contract of 2026, section 4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/matrix/inferencex/entry.hpp"

namespace sweep::matrix::inferencex {

enum class RowKind : std::uint8_t { FixedOneNode, FixedManyNodes, AgenticOneNode, AgenticManyNodes };

/// How long an agentic point runs, in seconds. No file can say otherwise.
inline constexpr std::int64_t kAgenticSeconds = 3600;
/// Tokens that max-model-len has beyond input and output.
inline constexpr std::int64_t kModelLengthSlack = 256;

/// The marks of a row for evaluations; a key without a value is absent in the row.
struct EvalMarks {
  std::optional<bool> run_eval;
  std::optional<Scalar> eval_conc;
  bool eval_all_concs = false, eval_only = false;
};

struct Row {
  const Entry* entry = nullptr;        // never nullptr
  const Element* element = nullptr;    // never nullptr
  const FixedBlock* block = nullptr;   // of a fixed row; nullptr: the row is agentic
  std::string runner;                  // a label, or a runner that a filter selected
  std::vector<Scalar> conc;            // of one node: exactly one
  std::optional<Scalar> ep;            // one node: the element's, or what --max-ep lowered it to
  std::int64_t total_cpu_dram_gb = 0;  // agentic
  std::string exp_name;
  EvalMarks evals;

  RowKind kind() const {
    if (block != nullptr) return entry->multinode ? RowKind::FixedManyNodes : RowKind::FixedOneNode;
    return entry->multinode ? RowKind::AgenticManyNodes : RowKind::AgenticOneNode;
  }
  bool is_agentic() const { return block == nullptr; }
  /// Returns the router or the transfer of the row; nullptr if it has none.
  const Component* router() const;
  const std::string* kv_p2p_transfer() const;
};

/// Rows and the entries that they refer to. Can be moved, not copied.
struct Rows {
  std::vector<Entry> entries;
  std::vector<Row> rows;

  Rows() = default;
  Rows(Rows&&) = default;
  Rows& operator=(Rows&&) = default;
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() = default;
};

/// Returns the name of lengths in tokens as in exp-name: "1k1k", "8k1k", or "1000_500".
std::string lengths_name(const FixedBlock& block);
/// True if the lengths are those of evaluations: 8192 tokens in, 1024 out.
bool has_eval_lengths(const FixedBlock& block);

}  // namespace sweep::matrix::inferencex
