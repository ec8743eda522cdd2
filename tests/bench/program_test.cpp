// The program sweep-bench with a scripted server.
#include <gmock/gmock.h>

#include <csignal>

#include "tests/bench/bench_program.hpp"

namespace sweep::client {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(BenchProgram, OutputTokensComeFromUsageNotFromChunks) {
  ScriptedServer server(good);
  EXPECT_EQ(run(server, {"--num-prompts", "10", "--max-concurrency", "3"}), 0) << err_;
  EXPECT_EQ(result()["completed"], 10);
  EXPECT_EQ(result()["total_output_tokens"], 70);
  EXPECT_EQ(result()["total_input_tokens"], 640);
  EXPECT_EQ(result()["output_tokens_from"], "usage");
  EXPECT_EQ(result()["max_concurrency"], 3);
  EXPECT_FALSE(result().contains("simulated"));
  EXPECT_THAT(out_, HasSubstr("Total generated tokens:                  70"));
  EXPECT_THAT(out_, HasSubstr("Starting initial single prompt test run"));
  EXPECT_THAT(out_, HasSubstr("Starting main benchmark run"));
  EXPECT_THAT(err_, HasSubstr("100%|██████████| 10/10 ["));
  EXPECT_THAT(err_, Not(HasSubstr("\x1b"))) << "no escape sequences without a terminal";
}

// Of a variable that is not set. The default would be measured instead of the server that was meant.
TEST_F(BenchProgram, EmptyAddressIsWrongUsage) {
  for (const char* option : {"--base-url", "--host", "--endpoint"}) {
    Program program(directory_.string(), {"sweep-bench", "--model", "m", option, ""});
    EXPECT_EQ(program.finish(), 2);
    EXPECT_EQ(program.err(), "sweep-bench: " + std::string(option) +
                                 " is empty; give a value, or remove the option; see sweep-bench --help\n");
  }
}

TEST_F(BenchProgram, WithoutUsageChunksAreCountedAndReported) {
  ScriptedServer server([](int, const std::string&) {
    return ScriptedResponse{stream_answer(token_event() + token_event() + token_event() + kDoneEvent), false};
  });
  EXPECT_EQ(run(server, {"--num-prompts", "4"}), 0) << err_;
  EXPECT_EQ(result()["total_output_tokens"], 12);
  EXPECT_EQ(result()["output_tokens_from"], "chunks");
  EXPECT_THAT(out_, HasSubstr("The server reported no usage for 4 responses"));
}

TEST_F(BenchProgram, PromptsAreIdsOfExactLength) {
  ScriptedServer server(good);
  EXPECT_EQ(run(server, {"--num-prompts", "5", "--seed", "3"}), 0) << err_;
  std::set<json> prompts;
  for (const std::string& text : server.bodies()) {
    const json body = json::parse(text);
    EXPECT_EQ(body["prompt"].size(), 64u);
    EXPECT_TRUE(body["prompt"][0].is_number_integer());
    EXPECT_EQ(body["max_tokens"], 7);
    EXPECT_EQ(body["model"], "m");
    EXPECT_EQ(body["stream"], true);
    EXPECT_EQ(body["stream_options"]["include_usage"], true);
    EXPECT_EQ(body["ignore_eos"], true);
    prompts.insert(body["prompt"]);
  }
  EXPECT_EQ(prompts.size(), 6u) << "all prompts differ, including the test request's";
}

TEST_F(BenchProgram, ChatRequestsUseMessagesAndTheChatEndpoint) {
  std::string first;
  ScriptedServer server([&](int number, const std::string& request) {
    if (number == 0) first = request;
    const std::string role = R"(data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})"
                             "\n\n";
    const std::string word = R"(data: {"choices":[{"index":0,"delta":{"content":"x"}}]})"
                             "\n\n";
    return ScriptedResponse{stream_answer(role + word + word + usage_event(70, 7)), false};
  });
  EXPECT_EQ(run(server, {"--num-prompts", "3", "--backend", "openai-chat"}), 0) << err_;
  EXPECT_THAT(first, StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_TRUE(json::parse(server.bodies()[0])["messages"][0]["content"].is_string());
  EXPECT_EQ(result()["total_input_tokens"], 210) << "from the server's usage";
  EXPECT_EQ(result()["client"]["prompt_format"], "text");
}

TEST_F(BenchProgram, TextIsSentAndReportedIfTheServerRejectsIds) {
  ScriptedServer server([](int, const std::string& request) {
    const bool ids = request.find(R"("prompt":[)") != std::string::npos;
    return ids ? ScriptedResponse{"HTTP/1.1 422 No\r\nContent-Length: 7\r\n\r\nno ids!", false}
               : ScriptedResponse{kGood, false};
  });
  EXPECT_EQ(run(server, {"--num-prompts", "3"}), 0) << err_;
  EXPECT_THAT(out_,
              HasSubstr("does not accept token ids (HTTP status 422: no ids!); sending prompts as text"));
  EXPECT_EQ(result()["client"]["prompt_format"], "text");
  EXPECT_EQ(run(server, {"--num-prompts", "3", "--prompt-format", "ids"}), 1);
  EXPECT_THAT(err_, HasSubstr("the test run failed: http_status: HTTP status 422"));
}

TEST_F(BenchProgram, ConnectionsAreReused) {
  ScriptedServer server(good);
  EXPECT_EQ(run(server, {"--num-prompts", "60", "--max-concurrency", "4"}), 0) << err_;
  EXPECT_LE(server.connections(), 6) << "four, one for the test request, one probe of resolve_target";
  EXPECT_EQ(server.requests(), 61);
}

TEST_F(BenchProgram, ConcurrencyIsNotLimitedByDefault) {
  ScriptedServer server(good, 150);  // sends nothing before this many requests wait
  EXPECT_EQ(run(server, {"--num-prompts", "150"}), 0) << err_;
  EXPECT_EQ(server.max_unanswered(), 150);
  EXPECT_EQ(result()["max_concurrency"], nullptr);
}

TEST_F(BenchProgram, RequestIsResentIfAnIdleConnectionWasClosed) {
  ScriptedServer server([](int, const std::string&) { return ScriptedResponse{kGood, true}; });
  EXPECT_EQ(run(server, {"--num-prompts", "20", "--max-concurrency", "2"}), 0) << err_;
  EXPECT_EQ(result()["completed"], 20);
  EXPECT_GT(result()["client"]["stale_connections"], 0);
}

TEST_F(BenchProgram, FailuresAreCountedByKindAndExcludedFromAverages) {
  const std::string kSlow = token_event();
  ScriptedServer server([&](int number, const std::string&) -> ScriptedResponse {
    switch (number) {
      case 1:
        return {"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", false};
      case 2:
        return {"SSH-2.0-x\r\n\r\n", true};
      case 3:
        return {stream_answer("data: {\"choices\":[{\n\n"), false};
      case 4:
        return {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + token_event(), true};
      case 5:
        return {stream_answer(token_event() + "data: {\"error\":{\"message\":\"no memory\"}}\n\n"), false};
      case 6:
        return {stream_answer(kDoneEvent), false};
      case 7:
        return {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + token_event(),
                false};  // then silence
      default:
        return {kGood, false};
    }
  });
  EXPECT_EQ(run(server, {"--num-prompts", "20", "--max-concurrency", "1", "--stall-timeout", "1"}), 1);
  EXPECT_THAT(err_, HasSubstr("7 of 20 requests failed, more than 5 %"));
  const json r = result();  // written although the run failed
  EXPECT_EQ(r["completed"], 13);
  EXPECT_EQ(r["failed"], 7);
  EXPECT_EQ(r["failures"], (json{{"refused", 0},
                                 {"cut", 1},
                                 {"stalled", 1},
                                 {"http_status", 1},
                                 {"garbage", 2},
                                 {"server", 1},
                                 {"empty", 1}}));
  EXPECT_EQ(r["total_output_tokens"], 13 * 7);
  EXPECT_LT(r["p99.9_e2el_ms"], 900) << "the request that stalled for a second is in no latency";
  EXPECT_THAT(out_, HasSubstr("first: HTTP status 503: busy"));
}

TEST_F(BenchProgram, RunSucceedsWithAFewFailures) {
  ScriptedServer server([](int number, const std::string&) {
    return number == 3 ? ScriptedResponse{"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", false}
                       : ScriptedResponse{kGood, false};
  });
  EXPECT_EQ(run(server, {"--num-prompts", "20"}), 0) << err_;
  EXPECT_EQ(result()["failure_ratio"], 0.05);
}

TEST_F(BenchProgram, DetailedResultListsEachRequest) {
  ScriptedServer server(good);
  EXPECT_EQ(run(server, {"--num-prompts", "3", "--save-detailed", "--metadata", "site=here", "run=7"}), 0)
      << err_;
  const json r = result();
  EXPECT_EQ(r["ttfts"].size(), 3u);
  EXPECT_EQ(r["itls"][0].size(), 1u);
  EXPECT_EQ(r["generated_texts"][2], "xx");
  EXPECT_EQ(r["errors"], (json{"", "", ""}));
  EXPECT_EQ(r["site"], "here");
  EXPECT_EQ(r["run"], "7");
}

TEST_F(BenchProgram, RequestRateAndGoodputAreApplied) {
  ScriptedServer server(good);
  EXPECT_EQ(
      run(server, {"--num-prompts", "20", "--request-rate", "200", "--goodput", "ttft:10000", "e2el:10000"}),
      0)
      << err_;
  EXPECT_GE(result()["duration"], 0.02) << "twenty requests at 200 per second do not all arrive at once";
  EXPECT_EQ(result()["request_rate"], 200.0);
  EXPECT_EQ(result()["request_goodput:"], result()["request_throughput"]);
}

TEST_F(BenchProgram, ProcessResultAcceptsTheResult) {
  ScriptedServer server(good);
  EXPECT_EQ(run(server, {"--num-prompts", "8", "--max-concurrency", "4"}), 0) << err_;
  Program next(directory_.string(), {"sweepctl", "process-result"},
               {"RESULT_FILENAME=r", "RUNNER_TYPE=b200", "FRAMEWORK=vllm", "PRECISION=fp4", "TP=4",
                "EP_SIZE=1", "DP_ATTENTION=false"});
  EXPECT_EQ(next.finish(), 0) << next.err();
  const json agg = json::parse(read("agg_r.json"));
  EXPECT_EQ(agg["conc"], 4);
  EXPECT_GT(agg["tput_per_gpu"], 0);
  EXPECT_TRUE(agg.contains("p99_ttft"));
  for (const auto& [key, value] : agg.items())
    EXPECT_THAT(key, Not(HasSubstr("lag"))) << "the client's own lag is not a latency of the server";
}

TEST_F(BenchProgram, InterruptedRunWritesNoResult) {
  ScriptedServer server([](int number, const std::string&) {
    return number == 0 ? ScriptedResponse{kGood, false} : ScriptedResponse{{}, false};
  });
  Program program(directory_.string(),
                  command_line(server, {"--num-prompts", "50", "--max-concurrency", "5"}));
  ASSERT_TRUE(server.await_requests(6));
  program.signal(SIGINT);
  EXPECT_EQ(program.finish(), 130);
  EXPECT_THAT(program.err(), HasSubstr("interrupted by a signal; no result written"));
  EXPECT_FALSE(exists("r.json"));
}

TEST_F(BenchProgram, FileLimitIsCheckedBeforeAnythingIsSent) {
  ScriptedServer server(good);
  auto line = command_line(server, {"--num-prompts", "500"});
  line[0] = SWEEP_BIN_DIR "/sweep-bench";
  std::string script = "ulimit -n 100; exec";
  for (const std::string& word : line)
    script += " '" + word + "'";
  Program program(directory_.string(), {"/bin/sh", "-c", script});
  EXPECT_EQ(program.finish(), 1);
  EXPECT_THAT(program.err(),
              HasSubstr("cannot run 500 concurrent requests: they need 564 open files, but the limit is 100; "
                        "raise it (ulimit -n 564) or lower --max-concurrency"));
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(BenchProgram, RefusedConnectionFailsTheTestRequest) {
  Program program(directory_.string(), {"sweep-bench", "--model", "m", "--base-url", "http://127.0.0.1:1"});
  EXPECT_EQ(program.finish(), 1);
  EXPECT_THAT(program.err(), HasSubstr("the test run failed: refused: cannot connect: Connection refused"));
}

TEST_F(BenchProgram, ErrorNamesTheResultThatCannotBeWritten) {
  ScriptedServer server(good);
  EXPECT_EQ(run(server, {"--num-prompts", "2", "--result-dir", path("none")}), 1);
  EXPECT_THAT(err_, HasSubstr("none/r.json"));
}

TEST_F(BenchProgram, InvalidCommandLineGivesOneLine) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"sweep-bench"},
                                             {"sweep-bench", "--model", "m", "--request-rate", "fast"},
                                             {"sweep-bench", "--model", "m", "--prompt-format", "words"},
                                             {"sweep-bench", "--model", "m", "--num-promts", "5"},
                                             {"sweep-bench", "--model", "m", "--base-url", "https://x"}}) {
    Program program(directory_.string(), wrong);
    EXPECT_EQ(program.finish(), 2) << wrong.back();
    EXPECT_EQ(std::count(program.err().begin(), program.err().end(), '\n'), 1) << program.err();
    EXPECT_THAT(program.err(), EndsWith("; see sweep-bench --help\n"));
  }
}

}  // namespace
}  // namespace sweep::client
