// The size of the KV cache that servers write into their logs. Pure; one object per log.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "controller/agentic/server_metrics.hpp"

namespace sweep::agentic {

/// Reads the log of one server, line by line.
class LogCapacity {
 public:
  /// `adapter`: which lines count. That of Dynamo reads vLLM's lines, that of ATOM none.
  explicit LogCapacity(Adapter adapter) : adapter_(adapter) {}

  void take(std::string_view line);
  /// Returns the size in tokens; std::nullopt if no line has it. vLLM: the sum over its engines of the last size
  /// of each. SGLang: the sum over its ranks; a single rank, or a single line without one, counts dp_size times.
  std::optional<std::int64_t> tokens() const;

 private:
  void take_vllm(std::string_view line);
  void take_sglang(std::string_view line);
  void add(const std::optional<std::string>& rank, std::int64_t tokens);

  Adapter adapter_;
  std::map<std::string, std::int64_t, std::less<>> by_rank_;
  std::int64_t bare_total_ = 0, bare_lines_ = 0;  // of lines that do not name a rank
  std::optional<std::int64_t> dp_size_;           // the first in the log
};

}  // namespace sweep::agentic
