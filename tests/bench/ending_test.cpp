// How a response ends: which bodies are successes and which are failures, and what is said about them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "benchmarks/sweep-bench/core/answer.hpp"
#include "benchmarks/sweep-bench/core/readiness.hpp"
#include "benchmarks/sweep-bench/core/server_error.hpp"

namespace sweep::client {
namespace {

using testing::HasSubstr;

std::string event(const std::string& data) {
  return "data: " + data + "\n\n";
}
std::string token_chunk(const std::string& end = "null", const std::string& more = "") {
  return event(R"({"id":"c","choices":[{"index":0,"text":" w","finish_reason":)" + end + "}]" + more + "}");
}
std::string ending(const std::string& reason) {
  return event(R"({"choices":[{"index":0,"text":"","finish_reason":)" + reason + "}]}");
}

const std::string kTokens = token_chunk() + token_chunk() + token_chunk();
const std::string kLast = token_chunk("\"length\"");
const std::string kUsageChunk = event(R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":4}})");
const std::string kDoneEvent = event("[DONE]");
const std::string kGood = kTokens + kLast + kUsageChunk + kDoneEvent;

RequestRecord ended_with(const std::string& body, bool whole = true,
                         const std::string& type = "text/event-stream") {
  RequestRecord record;
  AnswerReader reader(record, 8, true);
  if (reader.head(type, "") && reader.body(body, 10)) reader.end(whole, 20);
  return record;
}

struct Case {
  std::string name, body;
  std::string words = {};  // that the error contains; empty: the response is a success
  Failure kind = Failure::Server;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

class Ending : public testing::TestWithParam<Case> {};

TEST_P(Ending, IsASuccessOrAFailureWithTheServersWords) {
  const Case& c = GetParam();
  // The outcome must not depend on how the bytes arrive.
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, c.body.size() + 1}) {
    RequestRecord record;
    AnswerReader reader(record, 8, true);
    bool more = reader.head("text/event-stream", "");
    for (std::size_t at = 0; at < c.body.size() && more; at += piece)
      more = reader.body(std::string_view(c.body).substr(at, piece), 10);
    if (more) reader.end(true, 20);
    if (c.words.empty()) {
      EXPECT_FALSE(record.failure) << record.error;
      EXPECT_GT(record.chunks, 0U);
    } else {
      ASSERT_TRUE(record.failure) << "a success";
      EXPECT_EQ(*record.failure, c.kind) << record.error;
      EXPECT_THAT(record.error, HasSubstr(c.words));
    }
  }
}

const std::string kMessage = R"({"error":{"message":"the engine stopped","type":"ServerError","code":500}})";
const std::string kSent = "the server sent an error: ";

INSTANTIATE_TEST_SUITE_P(
    Successes, Ending,
    testing::Values(
        Case{"Good", kGood}, Case{"NoUsage", kTokens + kLast + kDoneEvent},
        Case{"NoDone", kTokens + kLast + kUsageChunk}, Case{"OnlyFinishReason", kTokens + kLast},
        Case{"OnlyUsage", kTokens + kUsageChunk}, Case{"FinishReasonAlwaysNull", kTokens + kDoneEvent},
        Case{"Stop", kTokens + ending("\"stop\"") + kDoneEvent},
        Case{"ToolCalls", kTokens + ending("\"tool_calls\"") + kDoneEvent},
        Case{"ContentFilter", kTokens + ending("\"content_filter\"") + kDoneEvent},
        Case{"UsageInTheLastChunk",
             kTokens + token_chunk("\"length\"", R"(,"usage":{"prompt_tokens":5,"completion_tokens":4})") +
                 kDoneEvent},
        Case{"ErrorNull", token_chunk("null", ",\"error\":null") + kDoneEvent},
        Case{"ErrorFalse", token_chunk("null", ",\"error\":false") + kDoneEvent},
        Case{"ErrorEmptyText", token_chunk("null", ",\"error\":\"\"") + kDoneEvent},
        Case{"ErrorEmptyObject", token_chunk("null", ",\"error\":{}") + kDoneEvent},
        Case{"ErrorEmptyList", token_chunk("null", ",\"error\":[]") + kDoneEvent},
        Case{"ErrorZero", token_chunk("null", ",\"error\":0") + kDoneEvent},
        Case{"ErrorWithoutContent",
             token_chunk("null", R"(,"error":{"code":0,"message":"","type":null})") + kDoneEvent},
        Case{"ErrorFalseBesideUsage",
             kTokens + event(R"({"choices":[],"usage":{"completion_tokens":4},"error":""})") + kDoneEvent},
        Case{"ErrorFalseAlone", kTokens + event(R"({"error":false})") + kDoneEvent},
        Case{"DoneWithBlanks", kTokens + "data:  [DONE] \n\n"}, Case{"DoneTwice", kGood + kDoneEvent},
        Case{"Ping", "event: ping\ndata: {}\n\n" + kGood},
        Case{"PingWithText", "event: ping\ndata: 2025-01-01 10:00:00\n\n" + kGood},
        Case{"PingObject", event(R"({"type":"ping"})") + kGood},
        Case{"NoChoicesYet", event(R"({"choices":[],"prompt_filter_results":[{"prompt_index":0}]})") + kGood},
        Case{"ChoicesNull", event(R"({"id":"c","choices":null})") + kGood},
        Case{"NamedEvents", "event: message\nid: 4\n" + kGood}, Case{"UnknownField", "note: x\n" + kGood},
        Case{"ByteOrderMark", "\xef\xbb\xbf" + kGood},
        Case{"NotANumber", token_chunk("null", ",\"logprobs\":[NaN,-Infinity]") + kDoneEvent}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    FinishReasons, Ending,
    testing::Values(
        Case{"Abort", kTokens + ending("\"abort\"") + kUsageChunk + kDoneEvent, "finish_reason 'abort'"},
        Case{"Error", kTokens + ending("\"error\"") + kUsageChunk + kDoneEvent, "finish_reason 'error'"},
        Case{"Cancelled", kTokens + ending("\"cancelled\"") + kDoneEvent, "finish_reason 'cancelled'"},
        Case{"Timeout", kTokens + token_chunk("\"timeout\""), "finish_reason 'timeout'"},
        Case{"Object", kTokens + ending(R"({"type":"abort","message":"out of memory"})") + kDoneEvent,
             "the server ended the response: out of memory (abort)"},
        Case{"OfTheSecondChoice",
             event(R"({"choices":[{"text":"a"},{"text":"b","finish_reason":"abort"}]})") + kDoneEvent,
             "finish_reason 'abort'"},
        Case{"AfterDone", kGood + ending("\"abort\""), "finish_reason 'abort'"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Errors, Ending,
    testing::Values(
        Case{"BeforeDone", kTokens + event(kMessage) + kDoneEvent,
             kSent + "the engine stopped (ServerError, 500)"},
        Case{"InPlaceOfDone", kTokens + event(kMessage), kSent + "the engine stopped"},
        Case{"InPlaceOfTheLastEmptyLine", kTokens + "data: " + kMessage, kSent + "the engine stopped"},
        Case{"AfterDone", kGood + event(kMessage), kSent + "the engine stopped"},
        Case{"AfterUsage", kTokens + kUsageChunk + event(kMessage) + kDoneEvent,
             kSent + "the engine stopped"},
        Case{"Only", event(kMessage), kSent + "the engine stopped"},
        Case{"BesideAChunk",
             kTokens + token_chunk("null", R"(,"error":{"message":"half lost"})") + kDoneEvent,
             kSent + "half lost"},
        Case{"InAChoice",
             kTokens + event(R"({"choices":[{"text":"","error":{"message":"provider gone","code":502}}]})") +
                 kDoneEvent,
             "provider gone"},
        Case{"Text", kTokens + event(R"({"error":"failed during generation","error_type":"generation"})"),
             kSent + "failed during generation (generation)"},
        Case{"TextWithoutWords", kTokens + event(R"({"error":""})") + kDoneEvent,
             "an error without a message"},
        Case{"Flag", kTokens + event(R"({"error":true,"message":"no slot"})") + kDoneEvent,
             kSent + "no slot"},
        Case{"ErrorObjectItself",
             kTokens +
                 event(R"({"object":"error","message":"too many requests in the queue","code":50001})") +
                 kDoneEvent,
             kSent + "too many requests in the queue (50001)"},
        Case{"TypeError", kTokens + event(R"({"type":"error","message":"overloaded"})") + kDoneEvent,
             "overloaded"},
        Case{"Detail", kTokens + event(R"({"detail":"Internal Server Error"})") + kDoneEvent,
             "Internal Server Error"},
        Case{"DetailList", kTokens + event(R"({"detail":[{"msg":"bad length"}]})") + kDoneEvent,
             "bad length"},
        Case{"Errors", kTokens + event(R"({"errors":[{"message":"one"},{"message":"two"}]})"), kSent + "one"},
        Case{"CodeAndMessage", kTokens + event(R"({"code":503,"message":"busy"})") + kDoneEvent,
             kSent + "busy (503)"},
        Case{"List", kTokens + "[" + kMessage + "]\n\n" + kDoneEvent, kSent + "the engine stopped"},
        Case{"ErrorEvent", kTokens + "event: error\ndata: {\"message\":\"worker died\"}\n\n" + kDoneEvent,
             kSent + "worker died"},
        Case{"ErrorEventWithText", kTokens + "event: error\ndata: worker died\n\n" + kDoneEvent,
             kSent + "worker died"},
        Case{"ErrorEventWithoutData", kTokens + "event: error\n\n" + kDoneEvent,
             "an error without a message"},
        Case{"FailedEvent", kTokens + "event: response.failed\ndata: {}\n\n" + kDoneEvent, kSent + "{}"},
        Case{"ErrorField", kTokens + "error: {\"code\":500,\"message\":\"slot lost\"}\n\n" + kDoneEvent,
             kSent + "slot lost (500)"},
        Case{"LineOfItsOwn", kTokens + kMessage + "\n\n", kSent + "the engine stopped"},
        Case{"LineOfItsOwnBeforeDone", kTokens + kMessage + "\n\n" + kDoneEvent,
             kSent + "the engine stopped"},
        Case{"LineOfItsOwnWithoutEnd", kTokens + kMessage, kSent + "the engine stopped"},
        Case{"LineOfItsOwnOnly", kMessage + "\n\n", kSent + "the engine stopped"},
        Case{"BodyOfSeveralLines",
             "{\n  \"object\": \"error\",\n  \"message\": \"model x does not exist\"\n}",
             kSent + "model x does not exist"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Others, Ending,
    testing::Values(Case{"NoEnd", kTokens, "ended after 3 chunks with output, without [DONE]", Failure::Cut},
                    // A server that sends usage with each chunk, and is cut off between two of them.
                    Case{"UsageInEachChunk", token_chunk("null", R"(,"usage":{"completion_tokens":1})"),
                         "without [DONE]", Failure::Cut},
                    Case{"UsageBeforeOutput",
                         event(R"({"choices":[],"usage":{"completion_tokens":1}})") + kTokens,
                         "without [DONE]", Failure::Cut},
                    Case{"OnlyDone", kDoneEvent, "no output token", Failure::Empty},
                    Case{"Nothing", "", "no output token", Failure::Empty},
                    Case{"OnlyUsage0",
                         event(R"({"choices":[{"text":"","finish_reason":"stop"}]})") +
                             event(R"({"choices":[],"usage":{"completion_tokens":0}})") + kDoneEvent,
                         "no output token", Failure::Empty},
                    Case{"TextLineInPlaceOfTheEnd", kTokens + "Internal Server Error\n" + kDoneEvent,
                         "1 line outside of its events, the first: 'Internal Server Error'",
                         Failure::Garbage},
                    Case{"TextInPlaceOfAnEvent", kTokens + event("Internal Server Error"),
                         "not a JSON object: 'Internal Server Error'", Failure::Garbage},
                    Case{"NoEmptyLines", "data: {\"choices\":[]}\ndata: {\"choices\":[]}\n\n",
                         "the events are not separated by empty lines", Failure::Garbage}),
    name_of);

TEST(EndOfResponse, BodyThatIsNoStreamIsShownWithItsType) {
  const RequestRecord page = ended_with("<html><body>\n  Proxy login\n</body></html>", true, "text/html");
  EXPECT_EQ(page.failure, Failure::Garbage);
  EXPECT_EQ(page.error,
            "the response is not a stream of events (content type text/html): "
            "'<html><body> Proxy login </body></html>'");
  const RequestRecord whole =
      ended_with(R"({"choices":[{"text":" w w","finish_reason":"length"}]})", true, "application/json");
  EXPECT_EQ(whole.failure, Failure::Garbage);
  EXPECT_THAT(whole.error, HasSubstr("(content type application/json): '{\"choices\":"));
  EXPECT_THAT(whole.error, HasSubstr("the server may have ignored \"stream\": true"));
  EXPECT_THAT(ended_with("hello", true, "").error, HasSubstr("(no content type): 'hello'"));
}

TEST(EndOfResponse, CompressedBodyIsNamed) {
  RequestRecord record;
  AnswerReader reader(record, 8, false);
  EXPECT_FALSE(reader.head("text/event-stream", "GZIP"));
  EXPECT_EQ(record.failure, Failure::Garbage);
  EXPECT_THAT(record.error, HasSubstr("the response has content-encoding gzip"));
  RequestRecord other;
  EXPECT_TRUE(AnswerReader(other, 8, false).head("text/event-stream", "none")) << "some servers send this";
}

TEST(EndOfResponse, UsageOf0IsNoUsageIfTextCame) {
  const RequestRecord record =
      ended_with(kTokens + kLast +
                 event(R"({"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}})") + kDoneEvent);
  EXPECT_FALSE(record.failure) << record.error;
  EXPECT_EQ(record.completion_tokens, std::nullopt);
  EXPECT_EQ(record.prompt_tokens, std::nullopt);
  EXPECT_EQ(record.chunks, 4U);
}

TEST(EndOfResponse, ConnectionThatEndsEarlyIsCut) {
  EXPECT_EQ(ended_with(kTokens + kLast, false).failure, Failure::Cut);
  EXPECT_EQ(ended_with(kTokens + kUsageChunk, false).failure, Failure::Cut);
  EXPECT_FALSE(ended_with(kTokens + kDoneEvent, false).failure) << "nothing is missing after [DONE]";
  EXPECT_EQ(ended_with(kTokens + kMessage + "\n", false).failure, Failure::Server) << "the server said why";
}

TEST(ServerError, WordsAreTheMessageWithTypeAndCode) {
  EXPECT_EQ(error_words(R"({"message":"m","type":"T","code":4})"), "m (T, 4)");
  EXPECT_EQ(error_words(R"({"message":"m","type":null,"code":null})"), "m");
  EXPECT_EQ(error_words(R"({"odd":1})"), R"({"odd":1})");
  EXPECT_EQ(error_words("plain text"), "plain text");
  EXPECT_EQ(error_words("\"a string\""), "a string");
  EXPECT_EQ(error_report(R"({"choices":[],"id":"x"})"), std::nullopt);
  EXPECT_EQ(error_report(R"({"code":200,"message":"success"})"), std::nullopt);
  EXPECT_EQ(error_report("[1]"), std::nullopt);
  EXPECT_EQ(error_report("text"), std::nullopt);
  EXPECT_EQ(error_report(std::string(10'000, '[')), std::nullopt);
}

TEST(Readiness, OnlyWhatALoadingServerSendsIsWaitedFor) {
  const auto waits = [](Failure kind, int status) {
    RequestRecord record;
    record.failure = kind;
    record.status = status;
    return may_be_loading(record);
  };
  EXPECT_TRUE(waits(Failure::Refused, 0));
  EXPECT_TRUE(waits(Failure::Cut, 0));
  EXPECT_TRUE(waits(Failure::HttpStatus, 502));
  EXPECT_TRUE(waits(Failure::HttpStatus, 503));
  EXPECT_TRUE(waits(Failure::HttpStatus, 504));
  EXPECT_FALSE(waits(Failure::Cut, 200));
  for (const int status : {400, 401, 404, 429, 500, 501, 505})
    EXPECT_FALSE(waits(Failure::HttpStatus, status)) << status;
  for (const Failure kind : {Failure::Stalled, Failure::Garbage, Failure::Server, Failure::Empty})
    EXPECT_FALSE(waits(kind, 200));
  EXPECT_FALSE(may_be_loading(RequestRecord{}));
}

}  // namespace
}  // namespace sweep::client
