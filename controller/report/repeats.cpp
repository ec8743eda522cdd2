#include "controller/report/repeats.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

constexpr const char* kNumber = "repeat";
constexpr const char* kOf = "repeat_of";
// The index in kRowKeys of the first key that is measured. The keys before it are configured.
constexpr std::size_t kFirstMeasured = 8;
static_assert(kRowKeys[kFirstMeasured - 1] == "conc" && kRowKeys[kFirstMeasured] == "median_ttft");

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

double median(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// Returns `first` with the medians and ranges of all rows.
Row merged(const Row& first, const std::vector<const Row*>& all) {
  Row out = first;
  auto spread = std::make_shared<Spread>();
  spread->runs = static_cast<int>(all.size());
  for (std::size_t i = kFirstMeasured; i < kRowKeys.size(); ++i) {
    std::vector<double> numbers;
    for (const Row* row : all) {
      const auto number = row->values[i].number();
      if (number && std::isfinite(*number)) numbers.push_back(*number);
    }
    if (numbers.empty()) continue;
    std::sort(numbers.begin(), numbers.end());
    out.values[i] = Value(nlohmann::ordered_json(median(numbers)));
    spread->ranges[i] = Spread::Range{numbers.front(), numbers.back()};
  }
  out.spread = std::move(spread);
  return out;
}

}  // namespace

void mark_repeat(nlohmann::ordered_json& processed, const std::string& of, int number) {
  processed[kNumber] = number;
  processed[kOf] = of;
}

std::string repeat_of(const nlohmann::ordered_json& processed) {
  const auto of = processed.find(kOf);
  return of != processed.end() && of->is_string() ? of->get<std::string>() : std::string();
}

bool has_repeats(std::span<const Row> rows) {
  return std::any_of(rows.begin(), rows.end(), [](const Row& row) { return !row.repeat_of.empty(); });
}

std::vector<Row> merged_repeats(std::span<const Row> rows) {
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  std::map<Key, std::vector<const Row*>> groups;
  const auto key_of = [](const Row& row) {
    return Key{row.repeat_of.str(), folder_of(row.path), row.exp_name.str(), row.stand_in.str()};
  };
  const auto repeats = [](const Row& row) { return row.valid && !row.repeat_of.empty() && !row.spread; };
  for (const Row& row : rows) {
    if (repeats(row)) groups[key_of(row)].push_back(&row);
  }
  std::vector<Row> out;
  for (const Row& row : rows) {
    if (!repeats(row)) {
      out.push_back(row);
      continue;
    }
    const auto& all = groups.at(key_of(row));
    if (all.front() == &row) out.push_back(all.size() > 1 ? merged(row, all) : row);
  }
  return out;
}

std::optional<double> half_spread(const Row& row, std::string_view key) {
  const auto range = row.range(key);
  const auto middle = row[key].number();
  if (!range || !middle || *middle == 0) return std::nullopt;
  return (range->greatest - range->least) / 2 / std::abs(*middle);
}

std::string repeat_note(std::span<const Row* const> rows) {
  std::size_t points = 0;
  int least = 0, most = 0;
  for (const Row* row : rows) {
    if (row->spread == nullptr) continue;
    least = points == 0 ? row->spread->runs : std::min(least, row->spread->runs);
    most = std::max(most, row->spread->runs);
    ++points;
  }
  if (points == 0) return {};
  const std::string runs =
      least == most ? std::to_string(most) : std::to_string(least) + " to " + std::to_string(most);
  return "Repeated: " + counted(points, "point") + ", " + runs +
         " times each; values are medians, ± is half the range divided by the median.\n";
}

}  // namespace sweep::report
