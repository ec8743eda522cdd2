// Gangs of real processes: a worker of several processes, and a router in front of workers.
#include <gmock/gmock.h>
#include <time.h>

#include <csignal>

#include "tests/simserver/gang.hpp"
#include "util/json.hpp"

namespace sweep::sim_server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using SimserverGang = GangTest;

TEST_F(SimserverGang, ServesSweepBenchWithTheRequestedOutput) {
  Program& prefill = start_http({"--role", "prefill", "--time-scale", "20"});
  Program& first = start_first({"--role", "decode", "--time-scale", "20"});
  Program& router =
      start_http({"--role", "router", "--prefill", url_of(prefill), "--decode", url_of(first)}, "registered");
  Program& other = start_other(first, {"--role", "decode", "--time-scale", "20"});
  ASSERT_TRUE(router.wait_for_error("Application startup complete")) << router.err();
  Program& bench = start_bench(router, 12);
  ASSERT_EQ(bench.finish(), 0) << bench.err();
  const auto result = parse_json(read("result.json"));
  EXPECT_EQ(result["completed"], 12);
  EXPECT_EQ(result["total_output_tokens"], 12 * 16);
  EXPECT_EQ(result["total_input_tokens"], 12 * 64);
  end({&router, &prefill});
  first.signal(SIGTERM);
  EXPECT_EQ(first.finish(), 0);
  EXPECT_EQ(other.finish(), 0) << "the rank ends with rank 0";
  EXPECT_THAT(other.err(), HasSubstr("has ended: it was ended by a signal"));
  // The requests of sweep-bench, and the test request that it sends before them, were computed by both workers:
  // one token each, and 16.
  EXPECT_THAT(prefill.err(), HasSubstr(" 13 answered, 13 tokens"));
  EXPECT_THAT(first.err(), HasSubstr(" 13 answered, 208 tokens"));
}

TEST_F(SimserverGang, IsReadyOnlyWhenAllRanksHaveLoaded) {
  Program& first = start_first({"--zero-latency", "--startup-time", "1", "--time-scale", "1000"}, 3);
  EXPECT_THAT(request(first, get("/health")), StartsWith("HTTP/1.1 503 "));
  Program& slow = start_other(first, {"--zero-latency", "--fault", "never-ready"}, 2, 3);
  ASSERT_TRUE(first.wait_for_error("rank 2 has joined"));
  Program& other = start_other(first, {"--zero-latency"}, 1, 3);
  ASSERT_TRUE(other.wait_for_error("rank 1 has loaded"));
  ASSERT_TRUE(slow.wait_for_error("Loading weights: 40%"));
  EXPECT_THAT(request(first, get("/health")), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(other.out(), "") << "other ranks serve no HTTP";
  ASSERT_TRUE(first.wait_for_error("Loading weights: 100%"));
  EXPECT_GT(first.err().find("Loading weights: 0%"), first.err().find("rank 1 has joined"))
      << "loading begins when the last rank has joined";
  first.signal(SIGTERM);
  EXPECT_EQ(first.finish(), 0);
  EXPECT_EQ(slow.finish(), 0);
  EXPECT_EQ(other.finish(), 0);
  EXPECT_THAT(first.err(), Not(HasSubstr("startup complete")));
}

TEST_F(SimserverGang, RankConnectsBeforeRankZeroListens) {
  Program& first = start_first({"--zero-latency"});
  const std::string address = first.err().substr(first.err().find("127.0.0.1:"));
  end({&first});
  const std::string port = address.substr(0, address.find('\n'));
  Program& early = start({"--zero-latency", "--nnodes", "2", "--node-rank", "1", "--dist-init-addr", port});
  ASSERT_TRUE(early.wait_for_error("connects to rank 0"));
  Program& late = start_http({"--zero-latency", "--nnodes", "2", "--dist-init-addr", port});
  EXPECT_THAT(request(late, get("/health")), StartsWith("HTTP/1.1 200 "));
  end({&late});
  EXPECT_EQ(early.finish(), 0) << early.err();
}

TEST_F(SimserverGang, OtherOptionsEndBothSidesWithBothValues) {
  Program& first = start_first({"--tp", "8"});
  Program& other = start_other(first, {"--tp", "16"});
  EXPECT_EQ(first.finish(), 1);
  EXPECT_EQ(other.finish(), 1);
  for (const Program* program : {&first, &other})
    EXPECT_THAT(program->err(), HasSubstr("has --tp 16, but rank 0 has --tp 8")) << program->err();
}

TEST_F(SimserverGang, RankThatComesTwiceEndsAllSides) {
  Program& first = start_first({"--zero-latency"}, 3);
  Program& other = start_other(first, {"--zero-latency"}, 1, 3);
  ASSERT_TRUE(first.wait_for_error("rank 1 has joined"));
  Program& again = start_other(first, {"--zero-latency"}, 1, 3);
  for (Program* program : {&first, &other, &again}) {
    EXPECT_EQ(program->finish(), 1);
    EXPECT_THAT(program->err(), HasSubstr("rank 1 has connected twice, from 127.0.0.1:"));
  }
}

TEST_F(SimserverGang, OtherProgramsOnTheRendezvousAreIgnored) {
  Program& first = start_first({"--zero-latency"});
  const std::size_t at = first.err().find("waits for the others on 127.0.0.1:");
  Client stranger(std::stoi(first.err().substr(at + 34)));
  stranger.send(get("/health"));
  ASSERT_TRUE(first.wait_for_error("ignoring a connection from 127.0.0.1:"));
  Program& other = start_other(first, {"--zero-latency"});
  ASSERT_TRUE(first.wait_for_error("Application startup complete"));
  end({&first});
  EXPECT_EQ(other.finish(), 0);
}

TEST_F(SimserverGang, RouterDistributesRoundRobinAndCountsItsWorkers) {
  Program& a = start_http({"--role", "prefill", "--zero-latency"});
  Program& b = start_http({"--role", "decode", "--zero-latency"});
  Program& c = start_http({"--role", "decode", "--zero-latency"});
  Program& router =
      start_http({"--role", "router", "--prefill", url_of(a), "--decode", url_of(b), "--decode", url_of(c)});
  EXPECT_THAT(request(router, get("/workers")),
              HasSubstr(R"("stats":{"prefill_count":1,"decode_count":2,"regular_count":0})"));
  EXPECT_THAT(request(router, get("/v1/models")), HasSubstr(R"("id":"dsr1")"));
  EXPECT_THAT(request(router, post("/flush_cache", "")), HasSubstr(R"("workers":3)"));
  Client client(port_of(router));
  for (int i = 0; i < 4; ++i) {
    client.send(stream_of(5));
    EXPECT_EQ(occurrences(client.response(), "data: "), 6);
  }
  EXPECT_THAT(request(router, post("/v1/completions", R"({"prompt": [1], "max_tokens": 3})")),
              HasSubstr(R"("completion_tokens":3)"));
  EXPECT_THAT(request(router, post("/v1/completions", "{")), StartsWith("HTTP/1.1 400 "));
  end({&router, &a, &b, &c});
  EXPECT_THAT(a.err(), HasSubstr(" 5 answered, 5 tokens"));
  EXPECT_THAT(b.err(), HasSubstr(" 3 answered, 13 tokens"));
  EXPECT_THAT(c.err(), HasSubstr(" 2 answered, 10 tokens"));
}

TEST_F(SimserverGang, RouterServesWholeServersAndOldClients) {
  Program& server = start_http({"--zero-latency"});
  Program& router = start_http({"--role", "router", "--worker", url_of(server)});
  EXPECT_THAT(request(router, get("/workers")), HasSubstr(R"("regular_count":1)"));
  Client old(port_of(router));
  std::string text = stream_of(3);
  old.send(text.replace(text.find("HTTP/1.1"), 8, "HTTP/1.0"));
  const std::string answer = old.read_all();
  EXPECT_TRUE(old.closed());
  EXPECT_THAT(answer, Not(HasSubstr("chunked")));
  EXPECT_THAT(answer, EndsWith("[DONE]\n\n"));
  EXPECT_EQ(occurrences(answer, "data: "), 4);
  end({&router, &server});
}

TEST_F(SimserverGang, TtftContainsPrefillAndTransfer) {
  Program& prefill =
      start_http({"--role", "prefill", "--fixed-latency", "100,1", "--kv-transfer-time", "150"});
  Program& decode = start_http({"--role", "decode", "--fixed-latency", "3600000,20", "--stamps"});
  Program& router =
      start_http({"--role", "router", "--prefill", url_of(prefill), "--decode", url_of(decode)});
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const long long sent = now.tv_sec * 1'000'000'000LL + now.tv_nsec;
  const std::string stream = request(router, stream_of(3));
  std::vector<long long> stamps;
  for (std::size_t at = stream.find("\"stamp_ns\":"); at != std::string::npos;
       at = stream.find("\"stamp_ns\":", at + 1))
    stamps.push_back(std::stoll(stream.substr(at + 11)));
  ASSERT_EQ(stamps.size(), 3U) << stream;
  // Tokens are never early; how late they are depends on the machine. The TTFT of the decode worker, one hour,
  // is not waited for.
  EXPECT_GE(stamps[0] - sent, 250'000'000 - 1000);
  EXPECT_GE(stamps[2] - sent, 290'000'000 - 1000);
  end({&router, &prefill, &decode});
}

TEST_F(SimserverGang, CancelledRequestLeavesTheWorkers) {
  Program& prefill = start_http({"--role", "prefill"});
  Program& decode = start_http({"--role", "decode", "--max-num-seqs", "1"});
  Program& router =
      start_http({"--role", "router", "--prefill", url_of(prefill), "--decode", url_of(decode)});
  {
    Client first(port_of(router));
    first.send(stream_of(100000));  // ten minutes
    EXPECT_THAT(first.read_until("\n\n\r\n"), HasSubstr("data: "));
  }
  EXPECT_EQ(occurrences(request(router, stream_of(2)), "data: "), 3);
  end({&router, &prefill, &decode});
}

}  // namespace
}  // namespace sweep::sim_server
