// libFuzzer target: arbitrary bytes as a result of the serving client and as files from which reports are
// made.
//
// An input is one JSON document; a list is also treated as many documents, one per file. Properties that are
// checked in addition to the sanitizers:
//
// - a document that was read and written again reads back the same and is written the same again, on one line
//   and indented; strict JSON is read as by another parser; reading only the top level rejects and returns
//   the same as reading everything;
// - a result that check_result accepts can be processed, and the outcome is a processed result, also in the
//   form of InferenceX;
// - a number in Python's spelling reads back the same;
// - a table has one line for each processed result, with all its cells; collected documents read back;
// - a frontier rises, and no point dominates one on it; plots consist of finite numbers;
// - messages are one printable line.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "controller/python/number.hpp"
#include "controller/report/client_result.hpp"
#include "controller/report/collect.hpp"
#include "controller/report/documents.hpp"
#include "controller/report/frontier.hpp"
#include "controller/report/inferencex_record.hpp"
#include "controller/report/plot_model.hpp"
#include "controller/report/plot_script.hpp"
#include "controller/report/plot_style.hpp"
#include "controller/report/process_result.hpp"
#include "controller/report/summary.hpp"
#include "controller/report/table.hpp"
#include "tests/fuzz/property.hpp"

namespace sweep::fuzz {
namespace {

using namespace sweep::report;
using Json = nlohmann::ordered_json;

constexpr std::size_t kFewPoints = 20;  // per plot; placing labels is slow
constexpr std::array<Metric, 2> kMetrics = {Metric::MedianE2el, Metric::MedianIntvty};

ResultContext context_of(const char* tp, const char* ep) {
  ResultContext out;
  out.result_filename = "result";
  out.runner_type = "h200";
  out.framework = "vllm";
  out.precision = "fp8";
  out.tp = tp;
  out.ep = ep;
  out.dp_attention = "false";
  return out;
}

// Valid, valid with all optional settings, invalid, empty.
const std::array<ResultContext, 4>& contexts() {
  static const std::array<ResultContext, 4> kContexts = [] {
    std::array<ResultContext, 4> out = {context_of("8", "1"), context_of(" 4", "1_0"), context_of("0", "1"),
                                        ResultContext()};
    out[1].mtp_mode = "on";
    out[1].prefill_gpus = "2";
    out[1].decode_gpus = "+6";
    out[1].runner_type.reset();
    return out;
  }();
  return kContexts;
}

void check_number(std::string_view text) {
  if (const auto integer = python::parse_int(text)) {
    require(python::parse_int(std::to_string(*integer)) == integer, "an integer reads back", text);
    require(python::parse_float(text).has_value(), "an integer is a float, too", text);
  }
  if (const auto number = python::parse_float(text)) {
    const std::string spelled = python::repr(*number);
    const auto again = python::parse_float(spelled);
    require(again && (*again == *number || (std::isnan(*again) && std::isnan(*number))),
            "a float reads back from its repr", spelled);
    require(python::repr(*again) == spelled, "a repr is a fixed point", spelled);
    require(!python::four_decimals(*number).empty(), "a float has four decimals", spelled);
  }
}

// Checks that a written value reads back. NaN, which is not equal to itself, is compared in its written form.
void check_written(const Json& value) {
  const std::string line = python::json_text(value, -1);
  require(std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; }),
          "JSON of one line is printable ASCII", line);
  const auto again = python::read_json(line);
  require(again.has_value(), "written JSON can be read", line);
  require(python::json_text(*again, -1) == line, "written JSON is written the same again", line);
  require(*again == value || line.find("NaN") != std::string::npos, "written JSON reads back", line);
  const std::string pretty = python::json_text(value, 2);
  const auto third = python::read_json(pretty);
  require(third && python::json_text(*third, -1) == line, "indentation changes nothing", pretty);
}

// Apart from Python's own words and halves of surrogate pairs, read_json reads the same as nlohmann's parser.
// (For that parser, a zero byte ends the text.)
void check_against_parser(std::string_view bytes, const Expected<Json>& read) {
  if (bytes.find('\0') != std::string_view::npos) return;
  const Json strict = Json::parse(bytes, nullptr, false);
  if (strict.is_discarded()) {
    const bool pythons = bytes.find("NaN") != std::string_view::npos ||
                         bytes.find("Infinity") != std::string_view::npos ||
                         bytes.find("\\u") != std::string_view::npos;
    require(!read || pythons, "invalid JSON is rejected");
    return;
  }
  const bool capped = !read && (read.error().message.starts_with("nested more than") ||
                                read.error().message.starts_with("an object has more"));
  require(capped || (read && *read == strict), "strict JSON is read as by nlohmann's parser");
}

// Compares python::ReadDepth::TopLevel with python::ReadDepth::All.
void check_top_level(std::string_view bytes, const Expected<Json>& all) {
  const auto top = python::read_json(bytes, python::ReadDepth::TopLevel);
  if (!top) {
    require(!all, "reading only the top level rejects nothing else");
    return;
  }
  if (!all) {  // the limit of keys applies only to objects that are kept
    require(all.error().message.find(" keys") != std::string::npos,
            "reading only the top level rejects the same, except for too many keys", all.error().message);
    return;
  }
  Json expected = *all;
  if (expected.is_structured()) {
    for (Json& inner : expected) {
      if (inner.is_object()) inner = Json::object();
      if (inner.is_array()) inner = Json::array();
    }
  }
  require(python::json_text(*top, -1) == python::json_text(expected, -1), "the top level is the same");
}

// Makes the record of InferenceX of a result that check_result accepted.
Document check_inferencex(const Json& checked) {
  InferencexPoint point;
  point.hw = "h200";
  point.placement = OneNode{{.tp = 4, .pp = 2, .dp_attention = "false"}};
  auto record = inferencex_record(point, checked);
  require(record.has_value(), "an accepted result has a record of InferenceX");
  require(is_processed_result(*record), "a record of InferenceX is a processed result");
  require_message({omitted_statistics(checked) + "."});
  check_written(*record);
  return {"agg_inferencex.json", std::move(*record)};
}

// Processes the result in every context.
std::vector<Document> check_processing(std::string_view bytes) {
  std::vector<Document> out;
  const auto checked = check_result(bytes);
  if (!checked) require_message(checked.error());
  for (const ResultContext& context : contexts()) {
    auto processed = process_result(context, bytes);
    if (!processed) {
      require_message(processed.error());
      require(!checked || &context >= &contexts()[2], "an accepted result can be processed");
      continue;
    }
    require(&context < &contexts()[2], "an invalid context gives no result");
    require(is_processed_result(*processed), "process_result returns a processed result");
    check_written(*processed);
    out.push_back({"agg_result.json", std::move(*processed)});
  }
  if (checked) out.push_back(check_inferencex(*checked));
  return out;
}

std::size_t processed(std::span<const Document> documents) {
  return static_cast<std::size_t>(
      std::count_if(documents.begin(), documents.end(),
                    [](const Document& document) { return is_processed_result(document.json); }));
}

void check_table(std::span<const Document> documents) {
  const std::vector<Row> results = rows_of(documents);
  const std::string table = summary_table(results);
  std::vector<std::string> lines = split(table, '\n');
  require(!lines.empty() && lines.back().empty(), "a table ends with its last line", table);
  lines.pop_back();
  require(lines.size() == 2 + processed(documents), "a table has a line for each processed result", table);
  const auto cells = [](const std::string& line) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
      count += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
    return count;
  };
  for (const std::string& line : lines) {
    require(printable(line) == line, "a line of a table is printable", line);
    require(cells(line) == cells(lines.front()), "every line of a table has all its cells", line);
  }
  const std::string aligned = aligned_table(frontier_columns(), sorted_results(results));
  for (const std::string& line : split(aligned.substr(0, aligned.rfind('\n')), '\n')) {
    require(printable(line) == line && characters(line) == characters(aligned.substr(0, aligned.find('\n'))),
            "every line of an aligned table is as long as its first", aligned);
  }
  const Json rows = summary_json(results);
  require(rows.is_array() && rows.size() == processed(documents), "the table as JSON has the same rows");
  check_written(rows);
}

bool dominates(const TradeOff& a, const TradeOff& b, Metric metric) {
  const double x = metric == Metric::MedianE2el ? b.x - a.x : a.x - b.x;
  return a.y >= b.y && x >= 0 && (a.y > b.y || x > 0);
}

void check_frontier(std::span<const Document> documents, Metric metric) {
  const std::vector<Row> rows = rows_of(documents);
  std::vector<TradeOff> points;
  for (const Row& row : rows) {
    const auto point = trade_off(row, metric);
    if (!point) continue;
    require(std::isfinite(point->x) && std::isfinite(point->y), "a trade-off is finite");
    points.push_back(*point);
  }
  const std::vector<std::size_t> frontier = pareto_frontier(points, metric);
  require(frontier.empty() == points.empty(), "there is a frontier if there is a point");
  for (std::size_t i = 0; i < frontier.size(); ++i) {
    const TradeOff& point = points.at(frontier[i]);
    require(i == 0 || points[frontier[i - 1]].x < point.x, "a frontier rises");
    for (const TradeOff& other : points)
      require(!dominates(other, point, metric), "no point dominates one on the frontier");
  }
  const std::vector<std::string> by(group_keys().begin(), group_keys().end());
  for (const Row* row : frontiers(rows, metric, by))
    require(trade_off(*row, metric).has_value(), "all rows on a frontier have a trade-off");
}

// Checks that a gnuplot string with arbitrary text ends at its closing quote.
void check_quoted(std::string_view text) {
  const std::string out = quoted(text, 40);
  require(out.size() >= 2 && out.front() == '\'' && out.back() == '\'', "a gnuplot text is quoted", out);
  const std::string inside = out.substr(1, out.size() - 2);
  require(inside.find_first_of("'`") == std::string::npos && printable(inside) == inside &&
              characters(inside) <= 41,  // including the … that marks a cut
          "a gnuplot text is one short line without quotes", inside);
}

void check_plots(std::span<const Document> documents) {
  const std::vector<Family> all = families(rows_of(documents), "exp");
  const PlotStyles styles(all);
  for (const Family& family : all) {
    require(!family.name.empty() && family.name.find('/') == std::string::npos &&
                printable(family.name) == family.name,
            "a family's name is safe in a file name", family.name);
    for (const Metric metric : kMetrics) {
      std::size_t points = 0;
      for (const Series& series : family.series) {
        points += series.points[metric].size();
        for (const PlotPoint& point : series.points[metric])
          require(std::isfinite(point.x) && std::isfinite(point.y), "a drawn point is finite");
      }
      if (points == 0 || points > kFewPoints) continue;
      require(!plot_script(family, metric, styles, "plot.png").empty(), "a plot has a script");
    }
  }
}

void check_documents(std::span<const Document> documents) {
  check_table(documents);
  for (const Metric metric : kMetrics)
    check_frontier(documents, metric);
  check_plots(documents);
  const auto collected = python::read_json(collect_text(documents));
  require(collected && collected->is_array() && collected->size() == documents.size(),
          "collected documents read back");
  for (std::size_t i = 0; i < documents.size(); ++i) {
    require(python::json_text((*collected)[i], 2) == python::json_text(documents[i].json, 2),
            "a collected document reads back");
  }
}

void check(std::string_view input) {
  if (input.size() <= 64) check_number(input);
  check_quoted(input);
  const auto value = python::read_json(input);
  if (!value) require_message(value.error());
  check_against_parser(input, value);
  check_top_level(input, value);
  std::vector<Document> documents = check_processing(input);
  if (value) {
    check_written(*value);
    if (value->is_array()) {
      for (const Json& element : *value)
        documents.push_back({"element.json", element});
    }
    documents.push_back({"input.json", *value});
  }
  check_documents(documents);
}

}  // namespace
}  // namespace sweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sweep::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
