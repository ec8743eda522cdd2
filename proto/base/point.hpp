// A point: one benchmark configuration of the matrix, and the names that are derived from it.
//
// Rules: a point is identified by a digest of its matrix entry and its repeat number, never by a file name,
// because two entries of one matrix can have the same RESULT_FILENAME. Everything here is the same on every
// machine.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/error.hpp"

namespace sweep {

struct InferenceXEntry;

struct Point {
  std::string id;     // 16 hexadecimal digits
  std::string entry;  // the matrix entry as JSON; as text because that takes a fifth of the memory
  int repeat = 0;     // number of this copy of the entry, from 0

  std::string exp_name, image, model, framework, precision, runner;
  std::int64_t isl = 0, osl = 0;  // tokens
  std::int64_t max_model_len = 0;
  std::int64_t tp = 1, ep = 1, conc = 1;
  bool dp_attention = false;

  // What an entry of InferenceX (2026) has in addition; nullptr for one of InferenceMAX (2025). With worker groups, tp
  // is the number of GPUs of all servers and ep is 1.
  std::shared_ptr<const InferenceXEntry> inferencex;
};

/// Returns the point of a matrix entry. Returns an error that names the field if one is missing, or if the
/// GPU count or the concurrency is not positive.
Expected<Point> make_point(const nlohmann::ordered_json& entry, int repeat);

/// Returns the points of a matrix in its order. An entry with a list of concurrencies is one point for each of them.
/// Equal entries get the repeat numbers 0, 1, …
Expected<std::vector<Point>> make_points(std::vector<nlohmann::ordered_json> entries);
/// Returns the points of entries that are JSON texts, as in Point::entry and the journal.
Expected<std::vector<Point>> read_points(const std::vector<std::string>& entries);

/// Returns the parsed entry.
nlohmann::ordered_json entry_of(const Point& point);

/// Returns the number of GPUs that an attempt needs: TP, for InferenceX TP x PP x PCP, summed over all workers. (EP,
/// DCP and DP attention use the same GPUs.)
int gpus_needed(const Point& point);

/// Returns RESULT_FILENAME without the node, as a safe file name: for InferenceMAX
/// `{EXP_NAME}_{PRECISION}_{FRAMEWORK}_tp{TP}_ep{EP_SIZE}_dpa_{DP_ATTENTION}_conc{CONC}` (contract, section 3), for
/// InferenceX as its contract says in section 13.
std::string result_stem(const Point& point);

/// Returns a label for people: "dsr1_1k1k fp4 sglang b200 tp4 conc32", with ep and dp attention if they are
/// not the default.
std::string label(const Point& point);

/// Returns the name of the experiment that results with this exp_name belong to: they are collected, compared and plotted
/// together. It is the exp_name; of an agentic point, whose exp_name names the point alone, `<model-prefix>_agentic`.
std::string experiment_name(const std::string& exp_name, bool agentic);
std::string experiment(const Point& point);

/// Returns the environment variables of the benchmark that depend only on the point (contract, section 3).
std::vector<std::pair<std::string, std::string>> point_environment(const Point& point);

}  // namespace sweep
