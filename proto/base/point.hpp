// A point: one benchmark configuration of the matrix, and the names that follow from it.
//
// Rules: a point's identity is a digest of its matrix entry and its repeat number, never a file name (two
// entries of one matrix can share a RESULT_FILENAME). Everything here is the same on every machine.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/error.hpp"

namespace sweep {

struct Point {
  std::string id;     // identity, 16 hexadecimal digits
  std::string entry;  // JSON, its keys as `sweepctl matrix` prints them; a text takes a fifth of the memory
  int repeat = 0;     // the how many-eth copy of this entry, from 0

  std::string exp_name, image, model, framework, precision, runner;
  std::int64_t isl = 0, osl = 0;  // tokens
  std::int64_t max_model_len = 0;
  std::int64_t tp = 1, ep = 1, conc = 1;
  bool dp_attention = false;
};

/// A point from a matrix entry. Fails, naming the field, on an entry that lacks one or has a GPU count or
/// concurrency that is not positive.
Expected<Point> make_point(const nlohmann::ordered_json& entry, int repeat);

/// The points of a matrix, in its order; equal entries become repeats 0, 1, … of one another.
Expected<std::vector<Point>> make_points(std::vector<nlohmann::ordered_json> entries);
/// The same from texts, as Point::entry and the journal have them.
Expected<std::vector<Point>> read_points(const std::vector<std::string>& entries);

/// The entry, to look into.
nlohmann::ordered_json entry_of(const Point& point);

/// GPUs that one attempt needs on one node: TP (EP and DP attention divide the same GPUs).
int gpus_needed(const Point& point);

/// `{EXP_NAME}_{PRECISION}_{FRAMEWORK}_tp{TP}_ep{EP_SIZE}_dpa_{DP_ATTENTION}_conc{CONC}`: RESULT_FILENAME
/// without the node (contract, section 3), made safe as a file name.
std::string result_stem(const Point& point);

/// What a person reads for the point: "dsr1_1k1k fp4 sglang b200 tp4 conc32", with ep and dp attention where
/// they are not the default.
std::string label(const Point& point);

/// The part of the benchmark's environment that follows from the point alone (contract, section 3).
std::vector<std::pair<std::string, std::string>> point_environment(const Point& point);

}  // namespace sweep
