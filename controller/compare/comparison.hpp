// Compares records of InferenceX with earlier ones of the same configuration, as its compare_results.py does.
// Pure.
//
// The earlier record, the baseline, is the newest of branch main without an error that agrees in hardware,
// framework, precision, speculative decoding, disaggregation, parallelism, lengths and concurrency, and whose
// model begins with the record's model prefix (dsr1 -> dsr1-0528).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::compare {

/// A record, and what its baseline must have.
struct Compared {
  nlohmann::ordered_json record;
  nlohmann::ordered_json query;  // column -> value, in the contract's order
  bool many_nodes = false;
  std::string hardware;  // hw without -multinode, -trt or -disagg, in capitals
};

/// The earlier record of a configuration.
struct Baseline {
  std::string model;               // as in the database
  nlohmann::ordered_json metrics;  // an object
};

/// Returns a record with its query. Fails if `record` is not a record of InferenceX; the message names the
/// key.
Expected<Compared> compared(nlohmann::ordered_json record);

/// The earlier records of a database, found by configuration.
class BaselineRows {
 public:
  /// `rows` are objects with the columns of a query and `date`, `head_branch`, `error` and `metrics`. They
  /// must outlive this object. Others are ignored.
  explicit BaselineRows(std::span<const nlohmann::ordered_json> rows);

  /// Returns the baseline of a query; std::nullopt if there is none. Of rows of the same date, the first
  /// counts.
  std::optional<Baseline> newest(const nlohmann::ordered_json& query) const;

 private:
  struct Row {
    const nlohmann::ordered_json* json;
    std::string model, date;
  };
  std::unordered_map<std::string, std::vector<Row>> by_configuration_;  // all columns but the model's
};

/// Returns true if `record` is one of those that are not compared.
bool is_agentic(const nlohmann::ordered_json& record);

}  // namespace sweep::compare
