// Parsing of responses: server-sent events in pieces of any size, JSON chunks, and how a request ends.
#include "benchmarks/sweep-bench/core/answer.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "benchmarks/sweep-bench/core/chunk.hpp"
#include "benchmarks/sweep-bench/core/random.hpp"
#include "benchmarks/sweep-bench/core/sse.hpp"
#include "util/json.hpp"

namespace sweep::client {
namespace {

using Texts = std::vector<std::string>;

Texts events_of(std::string_view bytes, std::size_t piece) {
  Texts out;
  SseParser parser;
  const auto consume = [&](std::string_view name, std::string_view data) {
    out.push_back((name.empty() ? "" : "<" + std::string(name) + ">") + std::string(data));
    return true;
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    EXPECT_TRUE(parser.feed(bytes.substr(at, piece), consume));
  EXPECT_TRUE(parser.finish(consume));
  return out;
}

TEST(Sse, EventsDoNotDependOnHowBytesAreSplit) {
  const std::string bytes =
      ": ping\n\ndata: one\n\nevent: x\r\ndata:two\r\nid: 7\r\n\r\ndata: a\rdata: b\r\rdata\n\nretry: "
      "3\ndata:  c\n\n"
      "data: p\r\ndata: q\r\n\r\ndata: last";
  const Texts expected = {"one", "<x>two", "a\nb", "", " c", "p\nq", "last"};
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece)
    EXPECT_EQ(events_of(bytes, piece), expected) << "pieces of " << piece;
}

TEST(Sse, NamesByteOrderMarkAndErrorField) {
  EXPECT_EQ(events_of("\xef\xbb\xbf"
                      "data: one\n\nevent:ping\n\nevent: error\ndata: bad\n\ndata: two\n\n",
                      1),
            (Texts{"one", "<ping>", "<error>bad", "two"}));
  EXPECT_EQ(events_of("error: {\"code\":500}\n\n: error: x\n\ndata: two\n\n", 4),
            (Texts{"<error>{\"code\":500}", "two"}));
}

TEST(Sse, FirstUnknownLinesAreKept) {
  SseParser parser;
  const auto consume = [](std::string_view, std::string_view) { return true; };
  EXPECT_TRUE(parser.feed("{\n\"a\": 1}\ndata: x\n\n: comment\nid: 7\nretry: 5\neventually\n", consume));
  EXPECT_EQ(parser.unknown_text(), "{\n\"a\": 1}\neventually");
  EXPECT_EQ(parser.unknown_lines(), 3U);
  for (int i = 0; i < 1000; ++i)
    EXPECT_TRUE(parser.feed(std::string(100, 'x') + "\n", consume));
  EXPECT_EQ(parser.unknown_lines(), 1003U);
  EXPECT_LE(parser.unknown_text().size(), SseParser::kMaxUnknown);
}

TEST(Sse, EndlessLineOrEventIsAnError) {
  SseParser lines, events;
  const auto consume = [](std::string_view, std::string_view) { return true; };
  const std::string piece(SseParser::kMaxEvent / 4, 'x');
  bool good = true;
  for (int i = 0; i < 6 && good; ++i)
    good = lines.feed(piece, consume).has_value();
  EXPECT_FALSE(good);
  good = true;
  for (int i = 0; i < 6 && good; ++i)
    good = events.feed("data: " + piece + "\n", consume).has_value();
  EXPECT_FALSE(good);
}

TEST(Chunk, ReadsFormatsOfAllServers) {
  const auto text = read_chunk(
      R"({"id":"c","choices":[{"index":0,"text":" a\n\"b","logprobs":null,"finish_reason":null}],"usage":null})");
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->choice && !text->finished && !text->role);
  EXPECT_EQ(unescaped(text->text), " a\n\"b");
  const auto chat = read_chunk(
      R"({"choices":[{"delta":{"role":"assistant","content":"","reasoning_content":"hm"},"finish_reason":"length"}]})");
  ASSERT_TRUE(chat);
  EXPECT_TRUE(chat->role && chat->finished);
  EXPECT_EQ(chat->text, "hm");
  const auto usage = read_chunk(
      R"( {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9,"d":{"x":1}},"simulated":true} )");
  ASSERT_TRUE(usage);
  EXPECT_TRUE(!usage->choice && usage->simulated);
  EXPECT_EQ(usage->prompt_tokens, 7);
  EXPECT_EQ(usage->completion_tokens, 9);
  EXPECT_EQ(read_chunk(R"({"error":{"message":"no"}})")->error, R"({"message":"no"})");
  EXPECT_TRUE(read_chunk(R"({"error":null})")->error.empty());
}

TEST(Chunk, FinishReasonIsRegularOrNot) {
  std::deque<std::string> kept;  // chunks point into their text
  const auto read = [&](const std::string& reason) {
    kept.push_back(R"({"choices":[{"text":"","finish_reason":)" + reason + "}]}");
    return *read_chunk(kept.back());
  };
  for (const char* word : {"stop", "length", "tool_calls", "function_call", "content_filter", "eos_token",
                           "end_turn", "STOP", "MAX_TOKENS"}) {
    const Chunk chunk = read('"' + std::string(word) + '"');
    EXPECT_TRUE(chunk.finished && chunk.failed_end.empty()) << word;
  }
  for (const char* word : {"abort", "error", "cancelled", "timeout", "insufficient_system_resource", "x"})
    EXPECT_EQ(read('"' + std::string(word) + '"').failed_end, word);
  EXPECT_FALSE(read("null").finished);
  EXPECT_FALSE(read("false").finished);
  EXPECT_FALSE(read("\"\"").finished);
  EXPECT_TRUE(read(R"({"type":"length","length":4})").failed_end.empty());
  EXPECT_FALSE(read(R"({"type":"abort","message":"too long"})").failed_end.empty());
  EXPECT_EQ(read_chunk(R"({"choices":[{"text":"a"},{"finish_reason":"abort"}]})")->failed_end, "abort");
}

TEST(Chunk, NumbersAsPythonWritesThem) {
  const auto chunk = read_chunk(
      R"({"choices":[{"text":"a","logprobs":[NaN,-Infinity,Infinity,-1]}],"usage":{"completion_tokens":8.0,"prompt_tokens":2.5}})");
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->completion_tokens, 8);
  EXPECT_EQ(chunk->prompt_tokens, std::nullopt);
  EXPECT_FALSE(read_chunk(R"({"a":NaNa})"));
  EXPECT_FALSE(read_chunk(R"({"a":-Inf})"));
}

TEST(Chunk, RejectsAnythingButAJsonObject) {
  for (const char* text :
       {"", "[]", "1", "{", "{\"a\":}", "{\"a\":1,}", "{\"a\":01}", "{\"a\":tru}", "{} x", "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}", "{\"choices\":[{\"text\":\"half", "{\"a\" 1}"})
    EXPECT_FALSE(read_chunk(text)) << text;
  EXPECT_FALSE(read_chunk("{\"a\":" + std::string(100'000, '[') + "}"));
}

// If the two parsers disagree, one of them is wrong; nlohmann's is the well-tested one.
TEST(Chunk, AgreesWithNlohmannOnDamagedChunks) {
  const std::string whole =
      R"({"a":[1,-2.5e+3,true,{"b":null}],"choices":[{"delta":{"content":"\u00e4\\x"},"n":0.1}],"usage":{"x":[]}})";
  Random random(5);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (int i = 0; i < 1 + round % 2; ++i) {
      const auto at = static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(text.size()) - 1));
      constexpr std::string_view kBytes = "{}[]\",:0e.-\\tu \n";
      if (random.bits() % 2) {
        text[at] = kBytes[random.bits() % kBytes.size()];
      } else {
        text.erase(at, 1);
      }
    }
    const bool good = nlohmann::json::accept(text) && text.find_first_not_of(" \n") != std::string::npos &&
                      text[text.find_first_not_of(" \n")] == '{';
    accepted += good;
    ASSERT_EQ(read_chunk(text).has_value(), good) << text;
  }
  EXPECT_GT(accepted, 1000U);
}

std::string token(const char* text) {
  return std::string(R"(data: {"choices":[{"text":")") + text + "\"}]}\n\n";
}
const std::string kUsage =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":4}}\n\n";
const std::string kDone = "data: [DONE]\n\n";

RequestRecord ended(const std::string& body, bool whole) {
  RequestRecord record;
  AnswerReader reader(record, 8, true);
  if (reader.body(body, 10)) reader.end(whole, 20);
  return record;
}

TEST(Answer, TokensAreStampedOnArrival) {
  RequestRecord record;
  AnswerReader reader(record, 8, true);
  EXPECT_TRUE(reader.body(token("a"), 1'000'000'000));
  EXPECT_TRUE(reader.body(token("") + token("c"), 1'500'000'000));
  EXPECT_TRUE(reader.body(kUsage + kDone, 9'000'000'000));
  reader.end(true, 9'000'000'000);
  EXPECT_FALSE(record.failure);
  EXPECT_EQ(record.first, 1'000'000'000);
  EXPECT_EQ(record.last, 1'500'000'000);  // usage and [DONE] are not output
  EXPECT_EQ(record.gaps, (std::vector<float>{0.5F, 0.0F}));
  EXPECT_EQ(record.completion_tokens, 4);
  EXPECT_EQ(record.prompt_tokens, 5);
  EXPECT_EQ(record.text, "ac");
}

TEST(Answer, RoleEventOfAChatIsNotOutput) {
  const RequestRecord record = ended(
      "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n" +
          kDone,
      true);
  EXPECT_FALSE(record.failure);
  EXPECT_EQ(record.chunks, 1U);
}

TEST(Answer, FailureKindDependsOnHowTheResponseEnds) {
  EXPECT_FALSE(ended(token("a") + kDone, false).failure);  // complete; it does not matter who closes first
  EXPECT_FALSE(ended(token("a") + kUsage, true).failure);  // no [DONE]
  EXPECT_EQ(ended(token("a"), false).failure, Failure::Cut);
  EXPECT_EQ(ended(token("a"), true).failure, Failure::Cut);
  EXPECT_EQ(ended("", true).failure, Failure::Empty);
  EXPECT_EQ(ended("", false).failure, Failure::Cut);
  EXPECT_EQ(ended(token("a") + "<html>\n", true).failure, Failure::Garbage);
  EXPECT_EQ(ended(kDone, true).failure, Failure::Empty);
  EXPECT_EQ(ended("<html>\n<p>\n", true).failure, Failure::Garbage);
  EXPECT_EQ(ended("data: {\"choices\":[{\n\n", true).failure, Failure::Garbage);
  EXPECT_EQ(ended("data: {\"choices\":[{", true).failure, Failure::Garbage);
  EXPECT_EQ(ended(token("a") + "data: {\"error\":{\"message\":\"out of\\u0007memory\"}}\n\n", true).failure,
            Failure::Server);
  std::string endless;
  for (int i = 0; i < 2000; ++i)
    endless += token("a");
  EXPECT_EQ(ended(endless, true).failure, Failure::Garbage);
  EXPECT_EQ(ended("data: \x1b[31m\n\n", true).error.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace sweep::client
