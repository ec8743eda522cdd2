// The conversations that an agentic run replays: how long each recorded answer was. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/agentic/records.hpp"

namespace sweep::agentic {

class TraceLengths {
 public:
  /// Only the traces that the records replay are kept.
  explicit TraceLengths(const Records& records);

  /// Takes one trace of the data set: {"id": …, "requests": [{"type": "n", "output_length": 5}, …]}.
  void take(const nlohmann::ordered_json& trace);
  /// Returns the recorded output lengths of the records' turns, as far as they are known.
  std::vector<std::int64_t> expected(const Records& records) const;

 private:
  std::map<std::string, std::size_t> index_;        // of Records::traces
  std::vector<std::vector<std::int64_t>> lengths_;  // by that index, then by turn
};

}  // namespace sweep::agentic
