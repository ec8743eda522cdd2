#include "benchmarks/sweep-bench/cli/summary.hpp"

#include <algorithm>
#include <cstdio>

#include "util/text.hpp"

namespace sweep::client {

namespace {

constexpr std::size_t kWidth = 50;

std::string centred(const std::string& text, char fill) {
  const std::size_t left = (kWidth - std::min(kWidth, text.size())) / 2;
  const std::size_t right = kWidth - std::min(kWidth, text.size() + left);
  return std::string(left, fill) + text + std::string(right, fill) + "\n";
}

std::string line(const std::string& name, const std::string& value) {
  char out[128];
  std::snprintf(out, sizeof out, "%-40s %-10s\n", name.c_str(), value.c_str());
  return out;
}

std::string line(const std::string& name, double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.2f", value);
  return line(name, std::string(text));
}

std::string count_line(const std::string& name, std::int64_t value) {
  return line(name, std::to_string(value));
}

double rate(double count, double seconds) {
  return seconds > 0 ? count / seconds : 0;
}

std::string latency_section(const Setup& setup, const Metrics& metrics, const std::string& name,
                            const std::string& title) {
  if (std::find(setup.metrics.begin(), setup.metrics.end(), name) == setup.metrics.end()) return {};
  constexpr double kMs = 1000;
  const Statistics& s = metrics.latency.at(name);
  const std::string word = ascii_upper(name) + " (ms):";
  std::string out = centred(title, '-');
  out += line("Mean " + word, s.mean * kMs) + line("Median " + word, s.median * kMs);
  for (std::size_t i = 0; i < setup.percentiles.size(); ++i)
    out += line(ascii_upper(setup.percentiles[i].first) + " " + word, s.percentiles[i] * kMs);
  return out;
}

/// Returns a line for each kind of failure, with the message of the first such failure.
std::string failure_lines(const Metrics& metrics, const std::vector<RequestRecord>& records) {
  std::string out;
  for (std::size_t kind = 0; kind < metrics.failures.size(); ++kind) {
    if (metrics.failures[kind] == 0) continue;
    const auto first = std::find_if(records.begin(), records.end(), [&](const RequestRecord& r) {
      return r.failure && static_cast<std::size_t>(*r.failure) == kind;
    });
    out += count_line("  " + std::string(kFailureWords[kind]) + ":",
                      static_cast<std::int64_t>(metrics.failures[kind]));
    if (first != records.end()) out += "    first: " + first->error + "\n";
  }
  return out;
}

}  // namespace

std::string format_summary(const Setup& setup, const Metrics& m, const ClientReport& client,
                           const std::vector<RequestRecord>& records) {
  std::string out =
      centred(m.simulated ? " Serving Benchmark Result (simulated) " : " Serving Benchmark Result ", '=');
  out += count_line("Successful requests:", static_cast<std::int64_t>(m.completed));
  if (m.failed > 0)
    out += count_line("Failed requests:", static_cast<std::int64_t>(m.failed)) + failure_lines(m, records);
  out += line("Benchmark duration (s):", m.duration);
  out += count_line("Total input tokens:", m.input_tokens);
  out += count_line("Total generated tokens:", m.output_tokens);
  out += line("Request throughput (req/s):", rate(static_cast<double>(m.completed), m.duration));
  if (!setup.objectives.empty())
    out += line("Request goodput (req/s):", rate(static_cast<double>(m.good), m.duration));
  out += line("Output token throughput (tok/s):", rate(static_cast<double>(m.output_tokens), m.duration));
  out += line("Total Token throughput (tok/s):",
              rate(static_cast<double>(m.input_tokens + m.output_tokens), m.duration));
  out += latency_section(setup, m, "ttft", "Time to First Token");
  out += latency_section(setup, m, "tpot", "Time per Output Token (excl. 1st token)");
  out += latency_section(setup, m, "itl", "Inter-token Latency");
  out += latency_section(setup, m, "e2el", "End-to-end Latency");
  out.append(kWidth, '=').append("\n");
  if (m.without_usage > 0)
    out += "The server reported no usage for " + counted(m.without_usage, "response") +
           "; the output tokens of these were counted as chunks\n";
  if (m.short_outputs > 0)
    out += counted(m.short_outputs, "response") + " shorter than requested" +
           (setup.options.ignore_eos ? "" : "; --ignore-eos requests the full length") + "\n";
  if (m.long_outputs > 0)
    out += counted(m.long_outputs, "response") +
           " longer than requested; the server ignores the requested length, or its usage is wrong\n";
  if (const Verdict verdict = client_bound(client, m, setup.options.lag_bound_ms / 1000);
      verdict.client_bound)
    out += "CLIENT-BOUND: " + verdict.reason + "; this result does not measure the server\n";
  return out;
}

}  // namespace sweep::client
