// controller/report: properties that must hold for every document and result, tested with random ones
// (seeds.hpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "controller/python/number.hpp"
#include "controller/report/collect.hpp"
#include "controller/report/frontier.hpp"
#include "controller/report/summary.hpp"
#include "tests/unit/report_samples.hpp"
#include "tests/unit/seeds.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

constexpr std::uint64_t kSeeds = 300;

// Returns a finite double; half of them are short decimal numbers.
double draw_number(SeededDice& dice) {
  if (dice.percent(50)) return dice.between(-4'000, 4'000) / 16.0;
  const auto any = std::bit_cast<double>(dice.bits());
  return std::isfinite(any) ? any : 0.0;
}

std::string draw_text(SeededDice& dice) {
  return utf8(dice.text(8));
}

Json draw_scalar(SeededDice& dice, bool special) {
  switch (dice.below(special ? 8 : 7)) {
    case 0:
      return nullptr;
    case 1:
      return dice.percent(50);
    case 2:
      return dice.bits();  // up to 64 bits
    case 3:
      return -static_cast<std::int64_t>(dice.bits() >> 1) - 1;
    case 4:
      return draw_number(dice);
    case 5:
      return dice.below(100);
    case 6:
      return draw_text(dice);
    default:
      return std::vector<double>{NAN, INFINITY, -INFINITY}[static_cast<std::size_t>(dice.below(3))];
  }
}

// `special` includes NaN and the infinities, which are not JSON. NaN is not equal to itself.
Json draw_json(SeededDice& dice, bool special, int depth = 4) {
  const int kind = depth == 0 ? 9 : dice.below(10);
  if (kind > 5) return draw_scalar(dice, special);
  Json out = kind < 3 ? Json::array() : Json::object();
  for (int i = dice.below(5); i > 0; --i) {
    if (out.is_array()) {
      out.push_back(draw_json(dice, special, depth - 1));
    } else {
      out[draw_text(dice)] = draw_json(dice, special, depth - 1);
    }
  }
  return out;
}

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); });
}

Json read_back(const std::string& bytes, python::ReadDepth depth = python::ReadDepth::All) {
  auto value = python::read_json(bytes, depth);
  EXPECT_TRUE(value) << value.error().message << "\n" << bytes;
  return value ? *value : Json("not read");
}

// ---- JSON

TEST(ReportProperty, WrittenJsonIsAsciiAndReadsBackEqual) {
  for_each_seed(1'000, [](SeededDice& dice) {
    const Json value = draw_json(dice, false);
    for (const int indent : {-1, 0, 2}) {
      const std::string text = python::json_text(value, indent);
      EXPECT_TRUE(is_ascii(text)) << text;
      EXPECT_EQ(read_back(text), value);
      EXPECT_EQ(read_back(text).dump(), value.dump()) << "also the types of numbers and the order of keys";
      EXPECT_EQ(python::json_text(read_back(text), indent), text);
    }
    EXPECT_EQ(read_back(value.dump()), value) << "in the format of another writer";
    EXPECT_EQ(read_back(value.dump(1, '\t')), value);
  });
}

TEST(ReportProperty, SpecialNumbersReadBackEqual) {
  for_each_seed(1'000, [](SeededDice& dice) {
    const Json value = draw_json(dice, true);
    const std::string text = python::json_text(value, 2);
    EXPECT_EQ(python::json_text(read_back(text), 2), text);
    EXPECT_EQ(python::json_text(read_back(python::json_text(value, -1)), 2), text) << "blanks are ignored";
  });
}

TEST(ReportProperty, TopLevelEqualsTheDocumentWithEmptyInnerValues) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    Json value = draw_json(dice, true);
    const std::string text = python::json_text(value, -1);
    for (Json& inner : value) {
      if (!value.is_structured()) break;
      if (inner.is_structured()) inner.clear();
    }
    EXPECT_EQ(python::json_text(read_back(text, python::ReadDepth::TopLevel), -1),
              python::json_text(value, -1));
  });
}

TEST(ReportProperty, NumbersReadBackBitIdentical) {
  for_each_seed(2'000, [](SeededDice& dice) {
    const double value = draw_number(dice);
    const std::string text = python::repr(value);
    const auto back = python::parse_float(text);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(std::bit_cast<std::uint64_t>(*back), std::bit_cast<std::uint64_t>(value)) << text;
    const std::string whole = std::to_string(static_cast<std::int64_t>(dice.bits()));
    EXPECT_EQ(std::to_string(python::parse_int(" " + whole + "\n").value_or(0)), whole);
  });
}

// ---- process_result

struct Client {
  Json json = Json::object();
  std::vector<std::string> keys;  // the statistics expected in the processed result, in this order
};

// Returns a result with its keys in random order: the required ones, statistics, and some of other versions.
Client draw_client(SeededDice& dice) {
  struct Key {
    std::string name;
    Json value;
  };
  const auto milliseconds = [&] { return dice.percent(15) ? 0.0 : dice.between(1, 100'000) / 8.0; };
  std::vector<Key> keys = {{"model_id", draw_text(dice)},
                           {"max_concurrency", dice.between(1, 4096)},
                           {"total_token_throughput", dice.between(1, 1'000'000) / 16.0},
                           {"output_throughput", dice.between(1, 1'000'000) / 16.0},
                           {"request_goodput:", nullptr},
                           {"input_lens", Json::array({1, 2})},
                           {"duration", 8.5}};
  for (const char* what : {"ttft", "tpot", "itl", "e2el"}) {
    for (const char* statistic : {"mean", "median", "std", "p90", "p99", "p99.9"}) {
      if (dice.percent(70)) keys.push_back({std::string(statistic) + "_" + what + "_ms", milliseconds()});
    }
  }
  dice.shuffle(keys);
  Client out;
  for (const Key& key : keys) {
    out.json[key.name] = key.value;
    if (!key.name.ends_with("_ms")) continue;
    const std::string name = key.name.substr(0, key.name.size() - 3);
    out.keys.push_back(name);
    const std::size_t tpot = name.find("tpot");
    if (tpot != std::string::npos && key.value != 0) out.keys.push_back(name.substr(0, tpot) + "intvty");
  }
  return out;
}

ResultContext draw_context(SeededDice& dice) {
  const auto count = [&] { return dice.percent(50) ? "" : std::to_string(dice.between(1, 72)); };
  ResultContext out = sample_context();
  out.tp = std::to_string(1 << dice.below(5));
  out.ep = std::to_string(1 << dice.below(5));
  out.prefill_gpus = count();
  out.decode_gpus = count();
  out.mtp_mode = dice.percent(30) ? draw_text(dice) : "";
  if (dice.percent(30)) out.runner_type.reset();
  if (dice.percent(30)) out.dp_attention.reset();
  return out;
}

double count_or_tp(const std::string& text, const ResultContext& context) {
  return std::stod(text.empty() ? *context.tp : text);
}

TEST(ReportProperty, ProcessedResultFollowsFromTheClientsResult) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const Client client = draw_client(dice);
    const ResultContext context = draw_context(dice);
    const auto processed = process_result(context, client.json.dump());
    ASSERT_TRUE(processed) << processed.error().message;
    const Json& out = *processed;
    std::vector<std::string> keys;
    for (const auto& [key, value] : out.items())
      keys.push_back(key);
    ASSERT_GE(keys.size(), 11u);
    std::vector<std::string> expected(keys.begin(), keys.begin() + 11);
    if (!context.mtp_mode.empty()) expected.push_back("mtp");
    expected.insert(expected.end(), client.keys.begin(), client.keys.end());
    EXPECT_EQ(keys, expected);

    const double total = client.json["total_token_throughput"], output = client.json["output_throughput"];
    EXPECT_EQ(out["tput_per_gpu"], total / std::stod(*context.tp));
    EXPECT_EQ(out["output_tput_per_gpu"], output / count_or_tp(context.decode_gpus, context));
    EXPECT_EQ(out["input_tput_per_gpu"], (total - output) / count_or_tp(context.prefill_gpus, context));
    EXPECT_EQ(out["conc"], client.json["max_concurrency"]);
    EXPECT_EQ(out["model"], client.json["model_id"]);
    EXPECT_EQ(out["hw"].is_null(), !context.runner_type);
    for (const auto& [key, value] : client.json.items()) {
      if (!key.ends_with("_ms")) continue;
      const std::string name = key.substr(0, key.size() - 3);
      const auto ms = value.get<double>();
      EXPECT_EQ(out.at(name), ms / 1000) << key;
      if (!name.ends_with("tpot")) continue;
      const std::string interactivity = name.substr(0, name.size() - 4) + "intvty";
      EXPECT_EQ(out.contains(interactivity), ms != 0) << key;
      if (ms != 0) {
        EXPECT_EQ(out.at(interactivity), 1000 / ms);
      }
    }
  });
}

TEST(ReportProperty, NumbersMayBeTexts) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const Client client = draw_client(dice);
    Json spelled = client.json;
    for (Json& value : spelled) {
      if (value.is_number() && dice.percent(30)) value = " " + python::json_text(value, -1) + " ";
    }
    const ResultContext context = draw_context(dice);
    const auto plain = process_result(context, client.json.dump());
    const auto texts = process_result(context, python::json_text(spelled, 2));
    ASSERT_TRUE(plain && texts);
    EXPECT_EQ(python::json_text(*plain, 2), python::json_text(*texts, 2));
  });
}

// ---- summary and collect

// Returns processed results with different sort keys.
std::vector<Document> draw_results(SeededDice& dice) {
  std::set<std::tuple<std::string, std::string, std::string, std::string, int, int>> taken;
  std::vector<Document> out;
  const auto any = [&](std::vector<std::string> words) { return dice.one_of(words); };
  for (int i = dice.below(30); i > 0; --i) {
    Measured measured{.hw = any({"b200", "h200", "H200"}),
                      .framework = any({"vllm", "trt"}),
                      .precision = any({"fp4", "fp8"}),
                      .model = any({"m", "unknown", "a|b"}),
                      .tp = 1 << dice.below(5),
                      .conc = 1 << dice.below(8)};
    const auto& [hw, framework, precision, model, tp, conc, latency, interactivity, throughput] = measured;
    if (!taken.emplace(hw, framework, precision, model, tp, conc).second) continue;
    measured.latency = draw_number(dice);
    measured.throughput = draw_number(dice);
    Document result = processed(measured);
    if (dice.percent(30)) result.json["tp"] = std::to_string(measured.tp);
    if (dice.percent(20)) result.json.erase("median_ttft");
    out.push_back(std::move(result));
  }
  return out;
}

TEST(ReportProperty, TableDoesNotDependOnTheOrderOfResults) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    std::vector<Document> documents = draw_results(dice);
    const std::string table = summary_table(rows_of(documents));
    EXPECT_EQ(static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n')), documents.size() + 2);
    dice.shuffle(documents);
    EXPECT_EQ(summary_table(rows_of(documents)), table);
    for (int i = dice.below(4); i > 0; --i)
      documents.push_back({"", Json::array({draw_json(dice, true, 2)})});
    documents.push_back({"", draw_client(dice).json});
    dice.shuffle(documents);
    EXPECT_EQ(summary_table(rows_of(documents)), table) << "nor on other files in the directory";
  });
}

TEST(ReportProperty, RowHasAllItsCellsForAnyValues) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    Json json = processed({}).json;
    for (auto& [key, value] : json.items()) {
      if (dice.percent(40)) value = draw_json(dice, true, 2);
    }
    const std::string table = summary_table(rows_of(std::vector<Document>{{"", json}}));
    ASSERT_EQ(std::count(table.begin(), table.end(), '\n'), 3) << table;
    const std::string row = table.substr(table.rfind('\n', table.size() - 2) + 1);
    std::size_t bars = 0;
    for (std::size_t i = 0; i < row.size(); ++i)
      bars += row[i] == '|' && (i == 0 || row[i - 1] != '\\');
    EXPECT_EQ(bars, 16u) << row;
  });
}

TEST(ReportProperty, CollectionReadsBackAsItsDocuments) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    std::vector<Document> documents;
    Json list = Json::array();
    for (int i = dice.below(6); i > 0; --i) {
      documents.push_back({"", draw_json(dice, false)});
      list.push_back(documents.back().json);
    }
    const std::string text = collect_text(documents);
    EXPECT_TRUE(is_ascii(text));
    EXPECT_EQ(read_back(text), list);
    EXPECT_EQ(python::json_text(list, 2), text) << "the same bytes as json_text";
  });
}

// ---- the frontier

bool as_good(const TradeOff& a, const TradeOff& b, Metric metric) {
  const bool x = metric == Metric::MedianE2el ? a.x <= b.x : a.x >= b.x;
  return x && a.y >= b.y;
}

bool same(const TradeOff& a, const TradeOff& b) {
  return a.x == b.x && a.y == b.y;
}

// Returns points on a coarse grid, so that some are equal or have one equal coordinate.
std::vector<TradeOff> draw_points(SeededDice& dice) {
  const int wide = dice.percent(50) ? 6 : 1'000;
  std::vector<TradeOff> out;
  for (int i = dice.below(40); i > 0; --i)
    out.push_back({dice.between(-wide, wide) / 4.0, dice.between(0, wide) / 4.0});
  return out;
}

std::vector<TradeOff> frontier_of(const std::vector<TradeOff>& points, Metric metric) {
  std::vector<TradeOff> out;
  for (const std::size_t index : pareto_frontier(points, metric))
    out.push_back(points.at(index));
  return out;
}

TEST(ReportProperty, FrontierIsUnbeatenAndBeatsTheRest) {
  for_each_seed(1'000, [](SeededDice& dice) {
    const std::vector<TradeOff> points = draw_points(dice);
    for (const Metric metric : {Metric::MedianE2el, Metric::MedianIntvty}) {
      const std::vector<std::size_t> frontier = pareto_frontier(points, metric);
      EXPECT_EQ(frontier.empty(), points.empty());
      const auto on_it = [&](std::size_t i) {
        return std::find(frontier.begin(), frontier.end(), i) != frontier.end();
      };
      for (std::size_t i = 0; i < points.size(); ++i) {
        const bool beaten = std::any_of(points.begin(), points.end(), [&](const TradeOff& other) {
          return as_good(other, points[i], metric) && !same(other, points[i]);
        });
        const bool earlier = std::any_of(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(i),
                                         [&](const TradeOff& other) { return same(other, points[i]); });
        EXPECT_EQ(on_it(i), !beaten && !earlier) << points[i].x << ", " << points[i].y;
        EXPECT_TRUE(std::any_of(frontier.begin(), frontier.end(), [&](std::size_t at) {
          return as_good(points[at], points[i], metric);
        })) << "no point of the frontier beats it";
      }
      EXPECT_TRUE(std::is_sorted(frontier.begin(), frontier.end(),
                                 [&](std::size_t a, std::size_t b) { return points[a].x < points[b].x; }));
    }
  });
}

TEST(ReportProperty, FrontierDoesNotDependOnTheOrderOfPoints) {
  for_each_seed(1'000, [](SeededDice& dice) {
    const std::vector<TradeOff> points = draw_points(dice);
    std::vector<TradeOff> permuted = points;
    dice.shuffle(permuted);
    for (const Metric metric : {Metric::MedianE2el, Metric::MedianIntvty}) {
      const std::vector<TradeOff> frontier = frontier_of(points, metric);
      const std::vector<TradeOff> other = frontier_of(permuted, metric),
                                  again = frontier_of(frontier, metric);
      EXPECT_TRUE(std::equal(frontier.begin(), frontier.end(), other.begin(), other.end(), same));
      EXPECT_TRUE(std::equal(frontier.begin(), frontier.end(), again.begin(), again.end(), same));
    }
  });
}

// Returns the results on the frontiers, without their order.
std::multiset<std::string> on_frontiers(const std::vector<Document>& documents, Metric metric,
                                        const std::vector<std::string>& by) {
  std::multiset<std::string> out;
  const std::vector<Row> rows = rows_of(documents);
  for (const Row* row : frontiers(rows, metric, by))
    out.insert(documents[static_cast<std::size_t>(row - rows.data())].json.dump());
  return out;
}

TEST(ReportProperty, FrontiersByKeysEqualThoseOfEachGroup) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    std::vector<Document> documents = draw_results(dice);
    for (std::size_t i = 0; i < documents.size();
         ++i)  // all different, because of equal points only the first is used
      documents[i].json["tput_per_gpu"] = dice.below(100) + static_cast<double>(i) / 64;
    const std::vector<std::string> by = dice.percent(50) ? std::vector<std::string>{"framework"}
                                                         : std::vector<std::string>{"framework", "precision"};
    std::map<std::vector<std::string>, std::vector<Document>> parts;
    for (const Document& document : documents) {
      std::vector<std::string> values;
      for (const std::string& key : by)
        values.push_back(document.json[key].get<std::string>());
      parts[values].push_back(document);
    }
    dice.shuffle(documents);
    for (const Metric metric : {Metric::MedianE2el, Metric::MedianIntvty}) {
      std::multiset<std::string> expected;
      for (const auto& [values, part] : parts)
        expected.merge(on_frontiers(part, metric, {}));
      EXPECT_EQ(on_frontiers(documents, metric, by), expected);
    }
  });
}

}  // namespace
}  // namespace sweep::report
