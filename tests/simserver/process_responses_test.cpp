// The real program: responses, streams, usage, connections.
#include <gmock/gmock.h>
#include <time.h>

#include "tests/simserver/client.hpp"

namespace sweep::sim_server {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using SimserverResponses = SimserverTest;

TEST_F(SimserverResponses, ModelsAndHealthDescribeTheServer) {
  start_server({"--model", "nvidia/DeepSeek-R1-0528-FP4-V2"});
  EXPECT_THAT(request(get("/v1/models")), HasSubstr(R"("id":"nvidia/DeepSeek-R1-0528-FP4-V2")"));
  EXPECT_THAT(request(get("/health")), HasSubstr("dsr1 in fp4 on 8 b200"));
  EXPECT_THAT(request(get("/health")), HasSubstr("X-Simulated: true"));
  EXPECT_THAT(request(post("/reset_prefix_cache", "")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(request(get("/flush_cache")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(request(get("/nothing")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(request(get("/v1/completions")), HasSubstr("Allow: POST"));
  EXPECT_THAT(request(post("/v1/completions", "{")), StartsWith("HTTP/1.1 400 "));
}

TEST_F(SimserverResponses, StreamHasTokensAndUsage) {
  start_server({"--time-scale", "100"});
  const std::string stream = request(post(
      "/v1/completions",
      R"({"model": "dsr1", "prompt": [1, 2, 3, 4], "max_tokens": 20, "stream": true, "stream_options": {"include_usage": true}, "ignore_eos": true})"));
  EXPECT_THAT(stream, HasSubstr("text/event-stream"));
  EXPECT_EQ(occurrences(stream, "data: "), 22);
  EXPECT_EQ(occurrences(stream, "\"simulated\":true"), 21);
  EXPECT_THAT(stream, HasSubstr(R"("usage":{"prompt_tokens":4,"completion_tokens":20,"total_tokens":24})"));
  EXPECT_EQ(occurrences(stream, R"("finish_reason":"length")"), 1);
  const std::string chat = request(
      post("/v1/chat/completions",
           R"({"messages": [{"role": "user", "content": "hello"}], "max_tokens": 5, "stream": true})"));
  EXPECT_EQ(occurrences(chat, "data: "), 7);  // role, tokens, [DONE]
  EXPECT_THAT(chat, Not(HasSubstr("usage")));
}

TEST_F(SimserverResponses, SeveralPromptsAreAnsweredWithAndWithoutStreaming) {
  start_server({"--time-scale", "100"});
  const std::string whole =
      request(post("/v1/completions", R"({"prompt": ["abcd", [1, 2]], "max_tokens": 3})"));
  EXPECT_THAT(whole, HasSubstr(R"("usage":{"prompt_tokens":3,"completion_tokens":6,"total_tokens":9})"));
  EXPECT_EQ(occurrences(whole, R"("index":)"), 2);
  const std::string stream =
      request(post("/v1/completions", R"({"prompt": ["abcd", [1, 2]], "max_tokens": 3, "stream": true})"));
  EXPECT_EQ(occurrences(stream, R"("index":1,)"), 3);
  EXPECT_EQ(occurrences(stream, "data: "), 7);
}

TEST_F(SimserverResponses, TextDependsOnlyOnSeedAndRequestNumber) {
  start_server({"--zero-latency", "--seed", "5"});
  const auto text = [this] {
    const std::string answer = request(post("/v1/completions", R"({"prompt": [1], "max_tokens": 30})"));
    const std::size_t begin = answer.find("\"text\"");
    return answer.substr(begin, answer.find("\"finish_reason\"") - begin);
  };
  const std::string first = text(), second = text();
  EXPECT_NE(first, second);  // another request
  start_server({"--zero-latency", "--seed", "5"});
  EXPECT_EQ(text(), first);
  start_server({"--zero-latency", "--seed", "6"});
  EXPECT_NE(text(), first);
}

TEST_F(SimserverResponses, PipelinedRequestsAreAnsweredInOrder) {
  for (const char* pace : {"--zero-latency", "--fixed-latency=1,1", "--time-scale=100"}) {
    start_server({pace});
    Client client(port());
    client.send(stream_of(5) + get("/health") + stream_of(7) + post("/v1/completions", R"({"prompt": [1]})"));
    EXPECT_EQ(occurrences(client.response(), "data: "), 6) << pace;
    EXPECT_THAT(client.response(), HasSubstr("\"ready\"")) << pace;
    EXPECT_EQ(occurrences(client.response(), "data: "), 8) << pace;
    EXPECT_THAT(client.response(), HasSubstr("\"completion_tokens\":16")) << pace;
  }
}

TEST_F(SimserverResponses, RequestMayArriveByteByByte) {
  start_server({"--zero-latency"});
  Client client(port());
  for (const char byte : stream_of(2))
    client.send(std::string(1, byte));
  EXPECT_EQ(occurrences(client.response(), "data: "), 3);
}

TEST_F(SimserverResponses, LongStreamWithZeroLatencyIsComplete) {
  start_server({"--zero-latency"});
  Client client(port());
  client.send(stream_of(50000));
  const std::string stream = client.response();
  EXPECT_EQ(occurrences(stream, "data: "), 50001);
  client.send(get("/health"));
  EXPECT_THAT(client.response(), HasSubstr("\"ready\""));
}

TEST_F(SimserverResponses, ConnectionIsClosedOnRequest) {
  start_server({"--zero-latency"});
  Client client(port());
  std::string request = stream_of(3);
  client.send(request.insert(request.find("Host:"), "Connection: close\r\n"));
  EXPECT_EQ(occurrences(client.read_all(), "data: "), 4);
  EXPECT_TRUE(client.closed());
  Client old(port());
  request = stream_of(3);
  old.send(request.replace(request.find("HTTP/1.1"), 8, "HTTP/1.0"));
  const std::string answer = old.read_all();
  EXPECT_THAT(answer, Not(HasSubstr("chunked")));
  EXPECT_EQ(occurrences(answer, "data: "), 4);
}

TEST_F(SimserverResponses, InvalidHttpIsRejected) {
  start_server({"--zero-latency"});
  Client client(port());
  client.send("\x16\x03\x01 nonsense\r\n\r\n");
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(client.closed());
  Client large(port());
  large.send("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n");
  EXPECT_THAT(large.read_all(), StartsWith("HTTP/1.1 413 "));
  Client polite(port());
  polite.send(
      "POST /v1/completions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 15\r\n\r\n");
  EXPECT_EQ(polite.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  polite.send(R"({"prompt": [1]})");
  EXPECT_THAT(polite.response(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(SimserverResponses, TokensAreNeverEarlierThanFixedLatency) {
  start_server({"--fixed-latency", "100,20", "--stamps"});
  const std::string stream = request(stream_of(6));
  std::vector<long long> stamps;
  for (std::size_t at = stream.find("\"stamp_ns\":"); at != std::string::npos;
       at = stream.find("\"stamp_ns\":", at + 1))
    stamps.push_back(std::stoll(stream.substr(at + 11)));
  ASSERT_EQ(stamps.size(), 6U);
  const long long received = std::stoll(stream.substr(stream.find("\"received_ns\":") + 14));
  // Tokens are never early; how late they are depends on the machine.
  EXPECT_GE(stamps[0] - received, 100'000'000 - 1000);
  EXPECT_GE(stamps[5] - received, 200'000'000 - 1000);
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  EXPECT_LE(stamps[5], now.tv_sec * 1'000'000'000LL + now.tv_nsec);
}

TEST_F(SimserverResponses, SequencesOfADisconnectedClientLeaveTheBatch) {
  for (const bool reset : {false, true}) {
    start_server({"--max-num-seqs", "1"});
    {
      Client first(port());
      first.send(stream_of(100000));  // ten minutes
      EXPECT_THAT(first.read_until("\n\n\r\n"), HasSubstr("data: "));
      if (reset) first.reset();
    }
    EXPECT_EQ(occurrences(request(stream_of(2)), "data: "), 3) << "reset " << reset;
  }
}

}  // namespace
}  // namespace sweep::sim_server
