// What power aggregation needs of a serving client's result: the measured window, and the counts that energy is
// divided by. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sweep::power {

/// The reasons why power is not valid, in order of discovery, each once. The contract names them.
class Reasons {
 public:
  void add(const std::string& reason);
  void add(const Reasons& others);
  bool empty() const { return all_.empty(); }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

struct Benchmark {
  double start = 0, end = 0;                                        // seconds since 1970
  double duration = 0;                                              // seconds, as the client reported it
  std::int64_t completed = 0, input_tokens = 0, output_tokens = 0;  // 0 if the result's value is not valid

  double window() const { return end - start; }  // seconds
};

struct BenchmarkReading {
  std::optional<Benchmark> benchmark;  // std::nullopt if there is no window
  Reasons reasons;
  std::vector<std::string> notes;  // the values behind the reasons, a line each
};

/// Reads the window and the counts of a client's result.
BenchmarkReading read_benchmark(const nlohmann::ordered_json& result);

/// Returns the sidecar's benchmark_window; null without a benchmark.
nlohmann::ordered_json window_json(const std::optional<Benchmark>& benchmark);

}  // namespace sweep::power
