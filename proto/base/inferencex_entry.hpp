// What a matrix entry of InferenceX (2026) has beside that of InferenceMAX (2025): scenario, parallelism, worker
// groups, evals, router and offloading of the KV cache. Contract of August 2026, sections 4 and 13.
//
// Rule: a value may be written as a text ("4") or a number (4.0), as the tool accepts it. It is read as the number, and
// the entry itself keeps what was written.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "util/error.hpp"

namespace sweep {

struct Point;

/// The limits of a matrix entry: bytes of a text, and the largest number.
inline constexpr std::size_t kMaxEntryText = 4096;
inline constexpr std::int64_t kMaxEntryNumber = 1'000'000'000;

/// The value of scenario-type for agentic points.
inline constexpr const char* kAgenticScenario = "agentic-coding";

/// Tensor, pipeline and context parallel sizes of a server, in ranks.
struct Parallelism {
  std::int64_t tp = 1, pp = 1, dcp = 1, pcp = 1, ep = 1;
  bool dp_attention = false;

  /// Returns the number of GPUs of one server: TP x PP x PCP. (DCP and EP use the same GPUs.)
  std::int64_t gpus() const { return tp * pp * pcp; }
};

/// The servers of one role of a point that has several.
struct WorkerGroup {
  std::int64_t workers = 0;
  Parallelism each;
  std::string hardware;               // "": that of the entry's runner
  std::vector<std::string> settings;  // additional-settings: NAME=value, for the launcher

  std::int64_t gpus() const { return workers * each.gpus(); }
};

/// The worker groups of a point over several servers.
struct WorkerGroups {
  WorkerGroup prefill, decode;
};

/// A named component, such as a router: its name, and the JSON object with name and version.
struct Component {
  std::string name, json;
};

struct InferenceXEntry {
  std::string model_prefix, spec_decoding = "none";
  Parallelism parallelism;              // of the server; unused with worker groups
  std::optional<WorkerGroups> workers;  // the entry has prefill and decode workers
  bool agentic = false;                 // scenario agentic-coding: no lengths, a duration instead
  bool disagg = false;
  bool run_eval = false, eval_only = false;
  std::optional<std::int64_t> eval_conc;  // the concurrency at which an entry with worker groups is evaluated
  std::string kv_offloading;              // "none" or "dram"; "" for fixed lengths
  std::optional<Component> kv_offload_backend, router;
  std::string kv_p2p_transfer;
  std::int64_t total_cpu_dram_gb = 0;
  std::int64_t duration = 3600;    // seconds; agentic only
  std::string recipe_fingerprint;  // SHA-256 in hexadecimal digits; "" if it was not computed

  /// Returns the number of GPUs of all servers.
  std::int64_t gpus() const;
};

/// Returns true if a matrix entry is of InferenceX: it has `model-prefix`, which entries of 2025 do not have.
bool is_inferencex_entry(const nlohmann::json& entry);

/// Returns the entry with all numbers and booleans that may be written as texts converted to numbers and booleans.
nlohmann::json with_converted_values(const nlohmann::json& entry);

/// Returns the fields of an entry as with_converted_values() returns it. Fails, naming the field, if one is missing or
/// has a value that the tool never prints.
Expected<InferenceXEntry> read_inferencex_entry(const nlohmann::json& entry);

/// Returns an entry with a list of concurrencies as one entry for each of them, whose list has only that value; other
/// entries unchanged. The points of a list share their servers. An entry that is only evaluated at one concurrency
/// (eval-only with eval-conc) has that point only.
std::vector<nlohmann::ordered_json> split_by_concurrency(nlohmann::ordered_json entry);

/// Returns the servers of an entry for a label: "tp8 ep8 dpa mtp", or with worker groups "p2x(tp4) d1x(tp8 ep8) mtp".
/// Values that are the default are omitted, except for TP.
std::string servers_text(const InferenceXEntry& entry);

/// Returns true if the point has an evaluation, after its benchmark or instead of it.
bool is_evaluated(const Point& point);
/// Returns true if the point has no benchmark, only an evaluation.
bool is_only_evaluated(const Point& point);

/// Returns RESULT_FILENAME without runner and fingerprint. `point` is of InferenceX.
std::string inferencex_result_stem(const Point& point);

/// Returns the variables of the benchmark that depend only on the point. `point` is of InferenceX.
std::vector<std::pair<std::string, std::string>> inferencex_environment(const Point& point);

}  // namespace sweep
