// Faults of processes of a gang, and what the others do. Every process must end.
#include <gmock/gmock.h>

#include <csignal>

#include "tests/simserver/gang.hpp"

namespace sweep::sim_server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SimserverGangFaults : public GangTest {
 protected:
  struct Router {
    Program* prefill;
    Program* decode;
    Program* router;
  };
  /// Starts a router with a prefill and a decode worker, each with these options besides its role.
  Router start_router(const std::vector<std::string>& prefill, const std::vector<std::string>& decode) {
    Router out{};
    out.prefill = &start_http(with({"--role", "prefill"}, prefill));
    out.decode = &start_http(with({"--role", "decode"}, decode));
    out.router =
        &start_http({"--role", "router", "--prefill", url_of(*out.prefill), "--decode", url_of(*out.decode)});
    return out;
  }
  static std::vector<std::string> with(std::vector<std::string> a, const std::vector<std::string>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
};

TEST_F(SimserverGangFaults, LostRankEndsRankZeroWithItsNumber) {
  Program& first = start_first({"--zero-latency"}, 3);
  Program& one = start_other(first, {"--zero-latency"}, 1, 3);
  Program& two = start_other(first, {"--zero-latency"}, 2, 3);
  ASSERT_TRUE(first.wait_for_error("Application startup complete"));
  two.signal(SIGKILL);
  EXPECT_EQ(two.finish(), -SIGKILL);
  EXPECT_EQ(first.finish(), 1);
  EXPECT_THAT(first.err(), HasSubstr("rank 2 (127.0.0.1:"));
  EXPECT_THAT(first.err(), HasSubstr(") is lost"));
  EXPECT_EQ(one.finish(), 1) << "the other ranks end too";
  EXPECT_THAT(one.err(), HasSubstr("rank 2 (127.0.0.1:"));
}

TEST_F(SimserverGangFaults, LostRankZeroEndsTheOthers) {
  Program& first = start_first({"--zero-latency"});
  Program& other = start_other(first, {"--zero-latency"});
  ASSERT_TRUE(first.wait_for_error("Application startup complete"));
  first.signal(SIGKILL);
  EXPECT_EQ(first.finish(), -SIGKILL);
  EXPECT_EQ(other.finish(), 1);
  EXPECT_THAT(other.err(), HasSubstr("rank 0 (127.0.0.1:"));
  EXPECT_THAT(other.err(), HasSubstr(") is lost"));
}

TEST_F(SimserverGangFaults, RankThatNeverConnectsEndsRankZeroAtTheTimeout) {
  Program& first = start_first({"--zero-latency", "--rendezvous-timeout", "0.2"}, 3);
  Program& silent = start_other(first, {"--zero-latency", "--fault", "never-connect"}, 1, 3);
  ASSERT_TRUE(silent.wait_for_error("does not connect (--fault never-connect)"));
  EXPECT_EQ(first.finish(), 1);
  EXPECT_THAT(first.err(), HasSubstr("rank 1 and 2 of 3 did not connect to 127.0.0.1:"));
  end({&silent});
}

TEST_F(SimserverGangFaults, RankWithoutRankZeroEndsAtTheTimeout) {
  Program& first = start_first({"--zero-latency"});  // to find a free port
  const std::string address = first.err().substr(first.err().find("127.0.0.1:"));
  end({&first});
  Program& other = start({"--zero-latency", "--nnodes", "2", "--node-rank", "1", "--rendezvous-timeout",
                          "0.2", "--dist-init-addr", address.substr(0, address.find('\n'))});
  EXPECT_EQ(other.finish(), 1);
  EXPECT_THAT(other.err(), HasSubstr("cannot connect to rank 0 (127.0.0.1:"));
  EXPECT_THAT(other.err(), HasSubstr("within 0.2 s: Connection refused; start rank 0"));
}

TEST_F(SimserverGangFaults, ExitFaultsEndTheProcessWithTheirStatus) {
  for (const auto& [fault, status] : {std::pair{"exit-after=0.1", 1}, {"exit-0-after=0.1", 0}}) {
    Program& program = start({"--zero-latency", "--port", "0", "--fault", fault});
    EXPECT_EQ(program.finish(), status);
    EXPECT_THAT(program.err(), HasSubstr("(--fault exit-"));
    Program& router =
        start({"--role", "router", "--port", "0", "--worker", "http://127.0.0.1:1", "--fault", fault});
    EXPECT_EQ(router.finish(), status);
  }
}

TEST_F(SimserverGangFaults, RankThatExitsWithStatus0IsLostToo) {
  Program& first = start_first({"--zero-latency"});
  Program& other = start_other(first, {"--zero-latency"});
  ASSERT_TRUE(first.wait_for_error("Application startup complete"));
  end({&other});
  EXPECT_EQ(first.finish(), 1);
  EXPECT_THAT(first.err(), HasSubstr(") is lost"));
}

TEST_F(SimserverGangFaults, FaultsOfTheEnvironmentAreAdded) {
  Program& program = start({"--zero-latency", "--port", "0", "--fault", "never-ready"},
                           {"SWEEP_SIMSERVER_FAULT=exit-after=0.1, cut=0.5"});
  EXPECT_EQ(program.finish(), 1);
  EXPECT_THAT(program.err(), HasSubstr("(--fault exit-after)"));
  Program& wrong = start({"--port", "0"}, {"SWEEP_SIMSERVER_FAULT=exit-aftr=1"});
  EXPECT_EQ(wrong.finish(), 2);
  EXPECT_THAT(wrong.err(), HasSubstr("did you mean exit-after?"));
}

TEST_F(SimserverGangFaults, DecodeWorkerThatDiesEndsItsRequestsWithAnErrorEvent) {
  const Router gang = start_router({}, {"--fault", "die-after-requests=2"});
  Client client(port_of(*gang.router));
  client.send(stream_of(100000));
  EXPECT_THAT(client.read_until("\n\n\r\n"), HasSubstr("data: "));
  EXPECT_THAT(request(*gang.router, stream_of(3)), StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(gang.decode->finish(), -SIGKILL);
  const std::string rest = client.read_until("\r\n0\r\n\r\n");
  EXPECT_THAT(rest, HasSubstr("data: {\"error\":{\"message\":\"the decode worker http://127.0.0.1:"));
  EXPECT_TRUE(rest.ends_with("\r\n0\r\n\r\n")) << "the response is complete";
  ASSERT_TRUE(gang.router->wait_for_error("lost the decode worker http://127.0.0.1:"));
  EXPECT_THAT(request(*gang.router, get("/health")), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(request(*gang.router, get("/workers")), HasSubstr(R"("decode_count":0)"));
  EXPECT_THAT(request(*gang.router, stream_of(3)), HasSubstr("no decode worker is registered"));
  EXPECT_THAT(request(*gang.router, post("/flush_cache", "")), StartsWith("HTTP/1.1 503 "));
  end({gang.router, gang.prefill});
}

TEST_F(SimserverGangFaults, PrefillWorkerThatDiesFailsItsRequests) {
  const Router gang = start_router({"--zero-latency", "--fault", "die-after-requests=1"}, {"--zero-latency"});
  const std::string answer = request(*gang.router, stream_of(3));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 502 "));
  EXPECT_THAT(answer, HasSubstr("the prefill worker http://127.0.0.1:"));
  EXPECT_EQ(gang.prefill->finish(), -SIGKILL);
  end({gang.router, gang.decode});
}

TEST_F(SimserverGangFaults, WorkerThatComesBackIsRegisteredAgain) {
  Program& server = start_http({"--zero-latency"});
  const std::string port = std::to_string(port_of(server));
  Program& router = start_http({"--role", "router", "--worker", url_of(server)});
  end({&server});
  ASSERT_TRUE(router.wait_for_error("lost the regular worker"));
  Program& again = start({"--zero-latency", "--port", port});
  ASSERT_TRUE(router.wait_for_error("Application startup complete", 2));
  EXPECT_THAT(request(router, get("/health")), StartsWith("HTTP/1.1 200 "));
  end({&router, &again});
}

TEST_F(SimserverGangFaults, BrokenServerIsHealthyAndFailsEveryRequest) {
  const Router gang = start_router({"--zero-latency"}, {"--zero-latency", "--fault", "ready-but-broken"});
  EXPECT_THAT(request(*gang.decode, get("/health")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(request(*gang.router, get("/health")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(request(*gang.router, stream_of(3)), StartsWith("HTTP/1.1 500 "));
  Program& bench = start_bench(*gang.router, 4);
  EXPECT_NE(bench.finish(), 0);
  end({gang.router, gang.prefill, gang.decode});
}

TEST_F(SimserverGangFaults, RouterThatKnowsOneWorkerLessIsHealthy) {
  Program& prefill = start_http({"--role", "prefill", "--zero-latency"});
  Program& one = start_http({"--role", "decode", "--zero-latency"});
  Program& two = start_http({"--role", "decode", "--zero-latency"});
  Program& router = start_http({"--role", "router", "--prefill", url_of(prefill), "--decode", url_of(one),
                                "--decode", url_of(two), "--fault", "knows-one-worker-less"});
  EXPECT_THAT(request(router, get("/health")), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(request(router, get("/workers")), HasSubstr(R"("prefill_count":1,"decode_count":1)"));
  end({&router, &prefill, &one, &two});
  EXPECT_THAT(two.err(), HasSubstr("simulated: 0 requests"));
}

TEST_F(SimserverGangFaults, NeverReadyRouterKnowsItsWorkers) {
  Program& server = start_http({"--zero-latency"});
  Program& router =
      start_http({"--role", "router", "--worker", url_of(server), "--fault", "never-ready"}, "registered");
  EXPECT_THAT(request(router, get("/workers")), HasSubstr(R"("regular_count":1)"));
  EXPECT_THAT(request(router, get("/health")), StartsWith("HTTP/1.1 503 "));
  end({&router, &server});
}

TEST_F(SimserverGangFaults, OptionsThatCannotBeCombinedAreNamed) {
  const auto message_for = [this](const std::vector<std::string>& options) {
    Program& program = start(options);
    EXPECT_EQ(program.finish(), 2) << program.err();
    EXPECT_EQ(occurrences(program.err(), "\n"), 1) << program.err();
    return program.err();
  };
  EXPECT_THAT(message_for({"--role", "nurse"}),
              HasSubstr("unknown --role 'nurse'; give prefill, decode or router"));
  EXPECT_THAT(message_for({"--role", "router"}), HasSubstr("give --prefill URL and --decode URL"));
  EXPECT_THAT(message_for({"--role", "router", "--prefill", "http://a:1"}), HasSubstr("--decode"));
  EXPECT_THAT(message_for({"--role", "router", "--worker", "http://a:1", "--tp", "4"}),
              HasSubstr("--tp has no effect with --role router"));
  EXPECT_THAT(message_for({"--role", "router", "--worker", "a:1"}), HasSubstr("give http://HOST:PORT"));
  EXPECT_THAT(message_for({"--role", "router", "--worker", "http://a:1", "--worker", "http://a:1"}),
              HasSubstr("given twice"));
  EXPECT_THAT(message_for({"--decode", "http://a:1"}), HasSubstr("give --role router"));
  EXPECT_THAT(message_for({"--nnodes", "2"}), HasSubstr("give --dist-init-addr"));
  EXPECT_THAT(message_for({"--node-rank", "1"}), HasSubstr("needs --nnodes"));
  EXPECT_THAT(message_for({"--nnodes", "2", "--node-rank", "2", "--dist-init-addr", "a:1"}),
              HasSubstr("from 0 to 1"));
  EXPECT_THAT(message_for({"--nnodes", "3", "--dist-init-addr", "a:1"}), HasSubstr("--tp 8"));
  EXPECT_THAT(message_for({"--nnodes", "2", "--dist-init-addr", "a"}), HasSubstr("HOST:PORT of rank 0"));
  EXPECT_THAT(message_for({"--nnodes", "2", "--node-rank", "1", "--dist-init-addr", "a:0"}),
              HasSubstr("give the port of rank 0"));
  EXPECT_THAT(message_for({"--nnodes", "2", "--dist-init-addr", "a:1", "--rendezvous-timeout", "0"}),
              HasSubstr("--rendezvous-timeout"));
  EXPECT_THAT(message_for({"--kv-transfer-time", "1"}), HasSubstr("--role prefill"));
  EXPECT_THAT(message_for({"--role", "prefill", "--zero-latency", "--kv-transfer-time", "1"}),
              HasSubstr("--zero-latency"));
  EXPECT_THAT(message_for({"--fault", "never-connect"}), HasSubstr("--node-rank 1"));
}

}  // namespace
}  // namespace sweep::sim_server
