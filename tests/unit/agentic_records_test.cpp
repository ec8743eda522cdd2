// controller/agentic/records, lines and traces: the requests of an aiperf run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "controller/agentic/lines.hpp"
#include "controller/agentic/records.hpp"
#include "controller/agentic/traces.hpp"
#include "util/json.hpp"

namespace sweep::agentic {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

Records read(const std::string& text) {
  RecordReader reader;
  Lines lines([&](std::string_view line, std::size_t number) { reader.take(line, number); });
  for (const char byte : text)
    lines.feed({&byte, 1});
  lines.finish();
  return reader.finish();
}

TEST(Lines, LastLineNeedsNoLineFeed) {
  std::vector<std::pair<std::string, std::size_t>> got;
  Lines lines([&](std::string_view line, std::size_t number) { got.emplace_back(line, number); });
  lines.feed("a\n\nb");
  lines.feed("c\nd");
  lines.finish();
  EXPECT_THAT(got, ElementsAre(Pair("a", 1), Pair("", 2), Pair("bc", 3), Pair("d", 4)));
}

TEST(Records, ValuesAreReadWithAndWithoutUnits) {
  const Records got = read(
      R"({"metadata": {"request_start_ns": 5, "request_end_ns": "7"}, "metrics": {)"
      R"("time_to_first_token": {"value": 30, "unit": "ms"}, "request_latency": 900, "inter_token_latency": "20",)"
      R"("input_sequence_length": {"value": 100.9}, "output_sequence_length": {"value": 50}}})");
  EXPECT_EQ(got.usable, 1U);
  EXPECT_THAT(got.ttft, ElementsAre(0.03));
  EXPECT_THAT(got.e2el, ElementsAre(0.9));
  EXPECT_THAT(got.itl, ElementsAre(0.02));
  EXPECT_THAT(got.e2el_per_token, ElementsAre(0.9 / 50));
  EXPECT_EQ(got.input_total(), 100);
  EXPECT_THAT(got.starts, ElementsAre(5));
  EXPECT_THAT(got.ends, ElementsAre(7));
}

TEST(Records, TimesThatAreNotPositiveAreLeftOut) {
  const Records got =
      read(R"({"metrics": {"time_to_first_token": 0, "request_latency": NaN, "inter_token_latency": -1,)"
           R"("full_response_inter_token_latency": null, "output_sequence_length": 0}})");
  EXPECT_EQ(got.usable, 1U);
  EXPECT_THAT(got.ttft, IsEmpty());
  EXPECT_THAT(got.e2el, IsEmpty());
  EXPECT_THAT(got.itl, IsEmpty());
  EXPECT_THAT(got.full_response_itl, IsEmpty());
  EXPECT_THAT(got.output_tokens, ElementsAre(0));
}

TEST(Records, WarmupAndFailedRequestsAreDroppedAndCounted) {
  const Records got = read(R"({"metadata": {"benchmark_phase": "warmup"}})"
                           "\n"
                           R"({"metadata": {"benchmark_phase": "warmup"}, "error": "x"})"
                           "\n\n"
                           R"({"error": {"code": 503}})"
                           "\n"
                           R"({"error": {"code": 503}})"
                           "\n"
                           R"({"metadata": {"benchmark_phase": "profiling"}, "error": null})"
                           "\n"
                           R"({"metadata": {}})");
  EXPECT_EQ(got.accounting().dump(),
            R"({"records_total":6,"records_profiled":2,"records_dropped_total":4,"records_warmup_dropped":2,)"
            R"("records_error_dropped":3,"error_categories":{"x":1,"503":2}})");
}

TEST(Records, BrokenLineIsNamedAndCountedAndTheRestIsUsed) {
  const Records got = read("{\"metrics\": {}}\n{\"metrics\": \n[1]\n{\"metrics\": {}}\n");
  EXPECT_EQ(got.total, 4U);
  EXPECT_EQ(got.usable, 2U);
  EXPECT_EQ(got.broken, 2U);
  EXPECT_THAT(got.problems, ElementsAre(StartsWith("2: not JSON: "), "3: not a JSON object"));
  EXPECT_EQ(got.accounting()["records_broken"], 2);
  EXPECT_EQ(got.accounting()["records_dropped_total"], 2);
  EXPECT_FALSE(read("{}").accounting().contains("records_broken"));
}

TEST(Records, NoMoreThanThreeBrokenLinesAreDescribed) {
  EXPECT_EQ(read("x\nx\nx\nx\nx\n").problems.size(), 3U);
}

TEST(ErrorCategory, IsTheFirstOfFiveFields) {
  EXPECT_EQ(error_category({{"type", ""}, {"error_type", nullptr}, {"code", 0}, {"class", "C"}}), "0");
  EXPECT_EQ(error_category({{"class", "C"}, {"status", "S"}}), "C");
  EXPECT_EQ(error_category({{"status", 5.5}}), "5.5");
  EXPECT_EQ(error_category({{"type", {"a"}}}), "['a']");
}

TEST(ErrorCategory, ElseTheBeginningOfTheMessage) {
  EXPECT_EQ(error_category({{"message", " HTTP 503: down\nmore"}}), "HTTP 503");
  EXPECT_EQ(error_category({{"message", ""}, {"error", "E"}}), "E");
  EXPECT_EQ(error_category("boom"), "boom");
  EXPECT_EQ(error_category(": x"), "unknown");
  EXPECT_EQ(error_category(Json::object()), "unknown");
  EXPECT_EQ(error_category(std::string(200, 'x')), std::string(120, 'x'));
  std::string wide, expected;
  for (int i = 0; i < 130; ++i) {
    wide += "é";
    if (i < 120) expected += "é";
  }
  EXPECT_EQ(error_category(wide), expected);
}

TEST(Traces, LengthsAreFoundByTraceAndTurn) {
  const Records records = read(R"({"metadata": {"conversation_id": "a::sa:1", "turn_index": 1}})"
                               "\n"
                               R"({"metadata": {"conversation_id": "a", "turn_index": 0}})"
                               "\n"
                               R"({"metadata": {"conversation_id": "b", "turn_index": 9}})"
                               "\n"
                               R"({"metadata": {"conversation_id": "c", "turn_index": 0}})"
                               "\n"
                               R"({"metadata": {"turn_index": 0}})");
  TraceLengths lengths(records);
  lengths.take(
      {{"id", "a"},
       {"requests",
        {{{"type", "n"}, {"output_length", 5}}, {{"type", "q"}, {"out", 9}}, {{"type", "s"}, {"out", 6}}}}});
  lengths.take({{"id", "b"}, {"requests", {{{"type", "n"}}}}});
  lengths.take({{"id", "z"}, {"requests", {{{"type", "n"}, {"out", 1}}}}});
  lengths.take(Json::array());
  EXPECT_THAT(lengths.expected(records), ElementsAre(6, 5));
}

}  // namespace
}  // namespace sweep::agentic
