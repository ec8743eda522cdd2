// The program sweep-bench with responses of every shape: heads, bodies and ends that servers and proxies
// send. tests/bench/ending_test.cpp has the shapes of bodies; here are those that need HTTP, and what the
// user reads.
#include <gmock/gmock.h>

#include "tests/bench/bench_program.hpp"

namespace sweep::client {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string head(const std::string& more, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\n" + more;
}

std::string with_length(const std::string& body, const std::string& more,
                        const std::string& status = "200 OK") {
  return head(more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body, status);
}

const std::string kStream = "Content-Type: text/event-stream\r\n";
const std::string kJson = "Content-Type: application/json\r\n";
const std::string kEvents = token_event() + token_event() + usage_event(64, 7);

struct Shape {
  std::string name, bytes;
  std::string words = {};  // in the error of the test request; empty: the run succeeds
  bool close = false;      // the server closes the connection after the response
};

void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.name;
}

std::string name_of(const testing::TestParamInfo<Shape>& info) {
  return info.param.name;
}

class ResponseShape : public BenchProgram, public testing::WithParamInterface<Shape> {};

TEST_P(ResponseShape, IsASuccessOrAFailureWithWords) {
  const Shape& shape = GetParam();
  ScriptedServer server([&](int, const std::string&) { return ScriptedResponse{shape.bytes, shape.close}; });
  const int status = run(server, {"--num-prompts", "3", "--max-concurrency", "1"});
  if (shape.words.empty()) {
    EXPECT_EQ(status, 0) << err_;
    EXPECT_EQ(result()["completed"], 3);
  } else {
    EXPECT_EQ(status, 1) << out_;
    EXPECT_THAT(err_, HasSubstr("the test run failed: " + shape.words));
    EXPECT_FALSE(exists("r.json"));
  }
}

const std::string kWide = "X-Wide: " + std::string(9'000, 'a') + "\r\n";

INSTANTIATE_TEST_SUITE_P(
    Successes, ResponseShape,
    testing::Values(
        Shape{"EarlyHints", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + kGood},
        Shape{"Continue", "HTTP/1.1 100 Continue\r\n\r\n" + kGood},
        Shape{"SeveralInterim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + kGood},
        Shape{"WideHead", with_length(kEvents, kStream + kWide)},
        Shape{"Http10", "HTTP/1.0 200 OK\r\n" + kStream + "\r\n" + kEvents, "", true},
        Shape{"EndsWithTheConnection", head(kStream + "Connection: close\r\n\r\n" + kEvents), "", true},
        Shape{"EncodingIdentity", with_length(kEvents, kStream + "Content-Encoding: identity\r\n")},
        Shape{"EncodingNone", with_length(kEvents, kStream + "Content-Encoding: none\r\n")},
        Shape{"OtherContentType", with_length(kEvents, "Content-Type: text/plain\r\n")},
        Shape{"Trailer", head(kStream + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n") +
                             stream_answer(kEvents).substr(stream_answer(kEvents).find("\r\n\r\n") + 4,
                                                           stream_answer(kEvents).size() -
                                                               stream_answer(kEvents).find("\r\n\r\n") - 6) +
                             "X-Sum: 12\r\n\r\n"},
        Shape{"ErrorFalse",
              stream_answer("data: {\"choices\":[{\"text\":\"a\"}],\"error\":false}\n\n" + kDoneEvent)},
        Shape{"Usage0", stream_answer(token_event() + usage_event(0, 0))}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Failures, ResponseShape,
    testing::Values(
        Shape{"ErrorWithStatus200",
              with_length(R"({"error":{"message":"model x does not exist","code":404}})", kJson),
              "server: the server sent an error: model x does not exist (404)"},
        Shape{"PrettyErrorWithStatus200",
              with_length("{\n  \"object\": \"error\",\n  \"message\": \"model x does not exist\"\n}", kJson),
              "server: the server sent an error: model x does not exist"},
        Shape{"Page",
              with_length("<html><body>Proxy login required</body></html>", "Content-Type: text/html\r\n"),
              "garbage: the response is not a stream of events (content type text/html): "
              "'<html><body>Proxy login required</body></html>'"},
        Shape{
            "NotStreamed", with_length(R"({"choices":[{"text":" w","finish_reason":"length"}]})", kJson),
            "garbage: the response is not a stream of events (content type application/json): '{\"choices\""},
        Shape{"Compressed", with_length("\x1f\x8b\x08\n\n", kStream + "Content-Encoding: gzip\r\n"),
              "garbage: the response has content-encoding gzip"},
        Shape{"Abort",
              stream_answer(token_event() +
                            "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"abort\"}]}\n\n" +
                            usage_event(64, 1)),
              "server: the server ended the response with finish_reason 'abort'"},
        Shape{"Redirect",
              with_length("", "Location: http://other:1/v1/completions\r\n", "307 Temporary Redirect"),
              "http_status: HTTP status 307: redirected to http://other:1/v1/completions, which is not "
              "followed; "
              "give that address with --base-url and --endpoint"},
        Shape{"NoKey", with_length(R"({"error":"Unauthorized"})", kJson, "401 Unauthorized"),
              "http_status: HTTP status 401: {\"error\":\"Unauthorized\"}; set OPENAI_API_KEY"},
        Shape{
            "IdsWithStatus500", with_length("prompt must be a string", "", "500 Internal Server Error"),
            "http_status: HTTP status 500: prompt must be a string; check the server's log; if the server does "
            "not accept token ids, give --prompt-format text"},
        Shape{"StatusWithoutBody", with_length("", "", "501 Not Implemented"),
              "http_status: HTTP status 501: Not Implemented"},
        Shape{"StatusOfAnUnfinishedBody",
              head("Content-Length: 100\r\n\r\n{\"error\":\"out of memory\"", "500 Internal Server Error"),
              "http_status: HTTP status 500: {\"error\":\"out of memory\"", true},
        Shape{"SwitchingProtocols", with_length("", "", "101 Switching Protocols"),
              "http_status: HTTP status 101"},
        Shape{"EndlessHead", head("X-Wide: " + std::string(80'000, 'a')),
              "garbage: not an HTTP response: ", true},
        Shape{"CutInTheHead", "HTTP/1.1 200 OK\r\nContent-Type: text/ev",
              "cut: the connection was closed in the middle of the response", true},
        Shape{"CutBetweenChunksWithUsage",
              head(kStream + "Connection: close\r\n\r\n") +
                  "data: {\"choices\":[{\"text\":\"a\"}],\"usage\":{\"completion_tokens\":1}}\n\n",
              "cut: the response ended after 1 chunk with output", true}),
    name_of);

TEST_F(BenchProgram, AbortedRequestsCountAsFailedAndTheRunFails) {
  const std::string aborted =
      stream_answer(token_event() + "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"abort\"}]}\n\n" +
                    usage_event(64, 1));
  ScriptedServer server([&](int number, const std::string&) {
    return ScriptedResponse{number % 3 == 2 ? aborted : kGood, false};
  });
  EXPECT_EQ(run(server, {"--num-prompts", "9", "--max-concurrency", "1"}), 1);
  EXPECT_EQ(result()["failures"]["server"], 3);
  EXPECT_EQ(result()["completed"], 6);
  EXPECT_THAT(out_, HasSubstr("first: the server ended the response with finish_reason 'abort'"));
}

TEST_F(BenchProgram, FailedWarmUpsAreReported) {
  ScriptedServer server([](int number, const std::string&) {
    return number == 2 ? ScriptedResponse{"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nbusy", false}
                       : ScriptedResponse{kGood, false};
  });
  EXPECT_EQ(run(server, {"--num-prompts", "3", "--num-warmups", "4", "--max-concurrency", "1"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("1 of 4 warm-up requests failed; first: http_status: HTTP status 500: busy"));
}

TEST_F(BenchProgram, ShortAndLongOutputsAreFigures) {
  ScriptedServer server([](int number, const std::string&) {
    return ScriptedResponse{stream_answer(token_event() + usage_event(64, number % 2 == 0 ? 1 : 9)), false};
  });
  EXPECT_EQ(run(server, {"--num-prompts", "4", "--max-concurrency", "1"}), 0) << err_;
  EXPECT_EQ(result()["short_outputs"], 2);
  EXPECT_EQ(result()["long_outputs"], 2);
  EXPECT_EQ(result()["requested_output_tokens"], 28);
  EXPECT_EQ(result()["total_output_tokens"], 20);
  EXPECT_THAT(out_, HasSubstr("2 responses shorter than requested\n"));
  EXPECT_THAT(out_, HasSubstr("2 responses longer than requested"));
}

TEST_F(BenchProgram, UsageOf0TokensIsCountedAsChunksAndReported) {
  ScriptedServer server([](int, const std::string&) {
    return ScriptedResponse{stream_answer(token_event() + token_event() + usage_event(0, 0)), false};
  });
  EXPECT_EQ(run(server, {"--num-prompts", "4"}), 0) << err_;
  EXPECT_EQ(result()["total_output_tokens"], 8);
  EXPECT_EQ(result()["total_input_tokens"], 256);
  EXPECT_EQ(result()["output_tokens_from"], "chunks");
}

}  // namespace
}  // namespace sweep::client
