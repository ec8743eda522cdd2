#include "proto/base/point.hpp"

#include <unordered_map>

#include "proto/base/inferencex_entry.hpp"
#include "util/digest.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kIdDigits = 16;

/// Makes points one by one and counts equal entries.
class RepeatCounter {
 public:
  Expected<Point> next(const nlohmann::ordered_json& entry) {
    auto point = make_point(entry, 0);
    if (!point) return point;
    const int repeat = seen_[point->id]++;
    return repeat > 0 ? make_point(entry, repeat) : point;
  }

 private:
  std::unordered_map<std::string, int> seen_;  // by the id of repeat 0
};

/// Reads what entries of both generations have.
void read_common(Fields& in, Point& point) {
  point.exp_name = in.text("exp-name", kMaxEntryText);
  point.image = in.text("image", kMaxEntryText);
  point.model = in.text("model", kMaxEntryText);
  point.framework = in.text("framework", kMaxEntryText);
  point.precision = in.text("precision", kMaxEntryText);
  point.runner = in.text("runner", kMaxEntryText);
}

/// Reads the rest of an entry of InferenceMAX (2025).
void read_inferencemax(Fields& in, Point& point) {
  point.isl = in.integer("isl", 0, kMaxEntryNumber);
  point.osl = in.integer("osl", 0, kMaxEntryNumber);
  point.max_model_len = in.integer("max-model-len", 0, 2 * kMaxEntryNumber + 1000);
  point.tp = in.integer("tp", 1, kMaxEntryNumber);
  point.ep = in.integer("ep", 1, kMaxEntryNumber);
  point.conc = in.integer("conc", 1, kMaxEntryNumber);
  point.dp_attention = in.flag("dp-attn");
}

/// Reads the rest of an entry of InferenceX (2026). An agentic entry has no lengths.
void read_inferencex(const nlohmann::json& entry, Fields& in, Point& point) {
  auto rest = read_inferencex_entry(entry);
  if (!rest) return in.complain(rest.error().message);
  if (!rest->agentic) {
    point.isl = in.integer("isl", 0, kMaxEntryNumber);
    point.osl = in.integer("osl", 0, kMaxEntryNumber);
    point.max_model_len = in.integer("max-model-len", 0, 2 * kMaxEntryNumber + 1000);
  }
  if (rest->workers) {
    const auto list = in.integers("conc", 1, 1, kMaxEntryNumber);
    point.conc = list.empty() ? 1 : list[0];
    point.tp = rest->gpus();
    if (point.tp > kMaxEntryNumber) in.complain("matrix entry: the workers have too many GPUs");
    if (point.tp < 1) in.complain("matrix entry: the workers have no GPU");
  } else {
    point.conc = in.integer("conc", 1, kMaxEntryNumber);
    point.tp = rest->parallelism.tp;
    point.ep = rest->parallelism.ep;
    point.dp_attention = rest->parallelism.dp_attention;
  }
  point.inferencex = std::make_shared<const InferenceXEntry>(*std::move(rest));
}

}  // namespace

Expected<Point> make_point(const nlohmann::ordered_json& entry, int repeat) {
  Point point;
  // nlohmann::json sorts the keys, so the id does not depend on the order in which an entry was written.
  const nlohmann::json sorted = entry;
  const bool inferencex = is_inferencex_entry(sorted);
  const nlohmann::json converted = inferencex ? with_converted_values(sorted) : nlohmann::json();
  const nlohmann::json& values = inferencex ? converted : sorted;
  Fields in(values, "matrix entry");
  read_common(in, point);
  if (inferencex) {
    read_inferencex(values, in, point);
  } else {
    read_inferencemax(in, point);
  }
  if (in.error())
    return fail(*in.error() + " in " +
                printable(sorted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  point.id = sha256_hex(sorted.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "#" +
                        std::to_string(repeat))
                 .substr(0, kIdDigits);
  point.entry = entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  point.repeat = repeat;
  return point;
}

Expected<std::vector<Point>> make_points(std::vector<nlohmann::ordered_json> entries) {
  std::vector<Point> points;
  points.reserve(entries.size());
  RepeatCounter counter;
  for (nlohmann::ordered_json& entry : entries) {
    // Moved, so that a large matrix is not in memory twice.
    for (const auto& single : split_by_concurrency(std::exchange(entry, nullptr))) {
      SWEEP_ASSIGN(auto point, counter.next(single));
      points.push_back(std::move(point));
    }
  }
  return points;
}

Expected<std::vector<Point>> read_points(const std::vector<std::string>& entries) {
  std::vector<Point> points;
  points.reserve(entries.size());
  RepeatCounter counter;
  for (const std::string& text : entries) {
    const auto entry = parse_ordered_json(text);
    if (entry.is_discarded()) return fail("a matrix entry is not valid JSON: " + printable(text));
    SWEEP_ASSIGN(auto point, counter.next(entry));
    points.push_back(std::move(point));
  }
  return points;
}

nlohmann::ordered_json entry_of(const Point& point) {
  return parse_ordered_json(point.entry);
}

int gpus_needed(const Point& point) {
  return static_cast<int>(point.inferencex ? point.inferencex->gpus() : point.tp);
}

std::string result_stem(const Point& point) {
  if (point.inferencex) return file_safe(inferencex_result_stem(point));
  return file_safe(point.exp_name + "_" + point.precision + "_" + point.framework + "_tp" +
                   std::to_string(point.tp) + "_ep" + std::to_string(point.ep) + "_dpa_" +
                   (point.dp_attention ? "true" : "false") + "_conc" + std::to_string(point.conc));
}

std::string experiment_name(const std::string& exp_name, bool agentic) {
  return agentic ? exp_name.substr(0, exp_name.find('_')) + "_agentic" : exp_name;
}

std::string experiment(const Point& point) {
  return experiment_name(point.exp_name, point.inferencex && point.inferencex->agentic);
}

std::string label(const Point& point) {
  std::string out = point.exp_name + " " + point.precision + " " + point.framework + " " + point.runner + " ";
  if (point.inferencex) {
    out += servers_text(*point.inferencex);
  } else {
    out += "tp" + std::to_string(point.tp);
    if (point.ep != 1) out += " ep" + std::to_string(point.ep);
    if (point.dp_attention) out += " dpa";
  }
  out += " conc" + std::to_string(point.conc);
  if (point.repeat > 0) out += " repeat" + std::to_string(point.repeat + 1);
  return out;
}

std::vector<std::pair<std::string, std::string>> point_environment(const Point& point) {
  if (point.inferencex) return inferencex_environment(point);
  return {{"EXP_NAME", point.exp_name},
          {"MODEL", point.model},
          {"IMAGE", point.image},
          {"FRAMEWORK", point.framework},
          {"PRECISION", point.precision},
          {"ISL", std::to_string(point.isl)},
          {"OSL", std::to_string(point.osl)},
          {"MAX_MODEL_LEN", std::to_string(point.max_model_len)},
          {"TP", std::to_string(point.tp)},
          {"EP_SIZE", std::to_string(point.ep)},
          {"DP_ATTENTION", point.dp_attention ? "true" : "false"},
          {"CONC", std::to_string(point.conc)},
          {"RUNNER_TYPE", point.runner}};
}

}  // namespace sweep
