// The router's workers: registration, choice, and what the router answers itself.
#include "benchmarks/sweep-simserver/core/workers.hpp"

#include <gmock/gmock.h>

namespace sweep::sim_server {
namespace {

using testing::HasSubstr;
using testing::Not;

Worker worker(WorkerKind kind, const std::string& url) {
  return {.kind = kind, .address = *read_worker_url("--worker", url)};
}

// Prefill workers 0 and 1, decode workers 2, 3 and 4.
Workers two_and_three() {
  return Workers({worker(WorkerKind::Prefill, "http://p:1"), worker(WorkerKind::Prefill, "http://p:2"),
                  worker(WorkerKind::Decode, "http://d:1"), worker(WorkerKind::Decode, "http://d:2"),
                  worker(WorkerKind::Decode, "http://d:3")});
}

TEST(Workers, RegisteredWorkersAreChosenRoundRobin) {
  Workers workers = two_and_three();
  EXPECT_FALSE(workers.choose(WorkerKind::Decode));
  for (std::size_t i = 0; i < workers.size(); ++i)
    workers.set_registered(i, true);
  std::vector<std::size_t> decode, prefill;
  for (int i = 0; i < 4; ++i) {
    decode.push_back(*workers.choose(WorkerKind::Decode));
    prefill.push_back(*workers.choose(WorkerKind::Prefill));
  }
  EXPECT_EQ(decode, (std::vector<std::size_t>{2, 3, 4, 2}));
  EXPECT_EQ(prefill, (std::vector<std::size_t>{0, 1, 0, 1}));
  workers.set_registered(3, false);
  EXPECT_EQ(workers.choose(WorkerKind::Decode), 4U);
  EXPECT_EQ(workers.choose(WorkerKind::Decode), 2U);
  EXPECT_FALSE(workers.choose(WorkerKind::Regular));
}

TEST(Workers, AreAllRegisteredOnlyWithTheLastOne) {
  Workers workers = two_and_three();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    EXPECT_FALSE(workers.all_registered());
    workers.set_registered(i, true);
  }
  EXPECT_TRUE(workers.all_registered());
  workers.set_registered(0, false);
  EXPECT_FALSE(workers.all_registered());
}

TEST(Workers, ListHasTheCountsOfRegisteredWorkers) {
  Workers workers = two_and_three();
  workers.set_registered(0, true);
  workers.set_registered(2, true);
  workers.set_registered(4, true);
  const std::string body = workers.list().body;
  EXPECT_THAT(body, HasSubstr(R"("stats":{"prefill_count":1,"decode_count":2,"regular_count":0})"));
  EXPECT_THAT(body, HasSubstr(R"("total":3)"));
  EXPECT_THAT(body, HasSubstr("http://d:3"));
  EXPECT_THAT(body, Not(HasSubstr("http://d:2")));
  EXPECT_THAT(body, HasSubstr(R"("simulated":true)"));
}

TEST(Workers, ForgottenWorkerIsNeitherCountedNorWaitedFor) {
  Workers workers = two_and_three();
  workers.forget_last();
  for (std::size_t i = 0; i < workers.size(); ++i)
    workers.set_registered(i, true);
  EXPECT_TRUE(workers.all_registered());
  EXPECT_THAT(workers.list().body, HasSubstr(R"("decode_count":2)"));
}

TEST(Workers, HealthNamesTheMissingWorkers) {
  Workers workers = two_and_three();
  workers.set_registered(0, true);
  const Answer waiting = workers.health(false);
  EXPECT_EQ(waiting.status, 503);
  EXPECT_THAT(waiting.body, HasSubstr("decode worker http://d:1"));
  EXPECT_THAT(waiting.body, Not(HasSubstr("http://p:1")));
  EXPECT_EQ(workers.health(true).status, 200);
}

TEST(Workers, PathsAreRouted) {
  const Workers workers = two_and_three();
  const auto action = [&](const char* method, const char* path) {
    return std::get<RouterAction>(workers.route(method, path, true));
  };
  const auto status = [&](const char* method, const char* path) {
    return std::get<Answer>(workers.route(method, path, true)).status;
  };
  EXPECT_EQ(action("POST", "/v1/completions"), RouterAction::Generate);
  EXPECT_EQ(action("POST", "/v1/chat/completions"), RouterAction::Generate);
  EXPECT_EQ(action("GET", "/v1/models"), RouterAction::Forward);
  EXPECT_EQ(action("POST", "/flush_cache?a=b"), RouterAction::Reset);
  EXPECT_EQ(action("POST", "/reset_prefix_cache"), RouterAction::Reset);
  EXPECT_EQ(status("GET", "/health"), 200);
  EXPECT_EQ(status("GET", "/workers"), 200);
  EXPECT_EQ(status("POST", "/workers"), 405);
  EXPECT_EQ(status("GET", "/v1/completions"), 405);
  EXPECT_EQ(status("GET", "/nothing"), 404);
}

TEST(Workers, UrlsAreReadOrRefused) {
  const auto address = read_worker_url("--decode", "http://node-1:8000/");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->host, "node-1");
  EXPECT_EQ(address->port, 8000);
  EXPECT_EQ(address->url, "http://node-1:8000");
  EXPECT_EQ(read_worker_url("--decode", "http://[::1]:8000")->host, "::1");
  for (const char* url : {"", "node:8000", "https://node:8000", "http://node", "http://:8000", "http://node:",
                          "http://node:0", "http://node:70000", "http://node:8000/v1", "http://node:8x"}) {
    const auto refused = read_worker_url("--decode", url);
    ASSERT_FALSE(refused) << url;
    EXPECT_THAT(refused.error().message, HasSubstr("invalid --decode '" + std::string(url))) << url;
    EXPECT_THAT(refused.error().message, HasSubstr("http://HOST:PORT"));
  }
}

}  // namespace
}  // namespace sweep::sim_server
