// From options to requests: which options are rejected, what the seed determines, and what the bodies
// contain.
#include "benchmarks/sweep-bench/core/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "benchmarks/sweep-bench/core/prompts.hpp"
#include "benchmarks/sweep-bench/core/url.hpp"
#include "util/json.hpp"

namespace sweep::client {
namespace {

Options options() {
  Options o;
  o.model = "org/Model";
  o.base_url = "http://0.0.0.0:8888";
  o.input_len = 100;
  o.output_len = 50;
  o.range_ratio = 0.8;
  o.num_prompts = 2000;
  return o;
}

TEST(ClientOptions, InferenceMaxCommandLineIsAccepted) {
  Options o = options();
  o.max_concurrency = 64;
  o.ignore_eos = true;
  const auto setup = check_options(o);
  ASSERT_TRUE(setup);
  EXPECT_EQ(setup->host, "0.0.0.0");
  EXPECT_EQ(setup->port, "8888");
  EXPECT_EQ(setup->path, "/v1/completions");
  ASSERT_EQ(setup->percentiles.size(), 3U);
  EXPECT_EQ(setup->percentiles[2].first, "p99.9");
  EXPECT_EQ(max_concurrent(o, 2000), 64U);
  EXPECT_EQ(max_concurrent(o, 3), 3U);
}

TEST(ClientOptions, ChatTemplateIsLeftToTheServer) {
  Options o = options();
  o.use_chat_template = true;
  const auto setup = check_options(o);
  ASSERT_TRUE(setup);
  EXPECT_EQ(setup->path, "/v1/chat/completions");
  EXPECT_EQ(setup->notes.size(), 1U);
}

TEST(ClientOptions, ErrorNamesOptionOrValue) {
  const auto message_for = [](auto change) {
    Options o = options();
    change(o);
    const auto setup = check_options(o);
    return setup ? std::string("no error") : setup.error().message;
  };
  const auto names = [](const std::string& text, const char* word) {
    return text.find(word) != std::string::npos;
  };
  EXPECT_PRED2(names, message_for([](Options& o) { o.model = ""; }), "--model");
  EXPECT_PRED2(names, message_for([](Options& o) { o.backend = "tgi"; }), "'tgi'");
  EXPECT_PRED2(names, message_for([](Options& o) { o.dataset_name = "sharegpt"; }), "'sharegpt'");
  EXPECT_PRED2(names, message_for([](Options& o) { o.num_prompts = 0; }), "--num-prompts 0");
  EXPECT_PRED2(names, message_for([](Options& o) { o.max_concurrency = 0; }), "--max-concurrency 0");
  EXPECT_PRED2(names, message_for([](Options& o) { o.range_ratio = 1.5; }), "--random-range-ratio");
  EXPECT_PRED2(names, message_for([](Options& o) { o.request_rate = 0; }), "--request-rate");
  EXPECT_PRED2(names, message_for([](Options& o) { o.burstiness = std::nan(""); }), "--burstiness");
  EXPECT_PRED2(names, message_for([](Options& o) { o.base_url = "https://x"; }), "TLS");
  EXPECT_PRED2(names, message_for([](Options& o) { o.base_url = "http://x:99999"; }), "port");
  EXPECT_PRED2(names, message_for([](Options& o) { o.port = 65'536; }),
               "--port 65536 is out of range; give a number from 1 to 65535");
  EXPECT_PRED2(names, message_for([](Options& o) { o.base_url = "http://x\r\nEvil: 1"; }), "--base-url");
  EXPECT_PRED2(names, message_for([](Options& o) { o.endpoint = "/generate"; }), "'/generate'");
  EXPECT_PRED2(names, message_for([](Options& o) { o.goodput = {"itl:5"}; }), "'itl:5'");
  EXPECT_PRED2(names, message_for([](Options& o) { o.metadata = {"tp"}; }), "'tp'");
  EXPECT_PRED2(names, message_for([](Options& o) { o.metric_percentiles = "99,101"; }), "'101'");
  EXPECT_PRED2(names, message_for([](Options& o) { o.percentile_metrics = "ttft,x"; }), "'x'");
  EXPECT_PRED2(names, message_for([](Options& o) { o.extra_body = "[1]"; }), "--extra-body");
}

TEST(ClientUrl, ParsesHostPortAndPath) {
  EXPECT_EQ(parse_url("http://[::1]:9/a/")->host, "::1");
  EXPECT_EQ(parse_url("http://[::1]:9/a/")->path, "/a");
  EXPECT_EQ(parse_url("http://h")->port, "80");
  for (const char* bad : {"", "h:1", "http://", "http://:1", "http://h:", "http://[::1", "http://u@h"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

TEST(ClientPlan, LengthsCoverTheRangeAndDependOnTheSeed) {
  const Plan plan = make_plan(options()), same = make_plan(options());
  Options other = options();
  other.seed = 1;
  std::set<std::uint32_t> inputs, outputs, starts;
  bool differs = false;
  for (std::size_t i = 0; i < plan.requests.size(); ++i) {
    inputs.insert(plan.requests[i].input_len);
    outputs.insert(plan.requests[i].output_len);
    starts.insert(plan.requests[i].start);
    EXPECT_EQ(plan.requests[i].start, same.requests[i].start);
    EXPECT_EQ(plan.requests[i].input_len, same.requests[i].input_len);
    EXPECT_EQ(plan.requests[i].arrival, 0);
  }
  for (const PlannedRequest& warmup : plan.warmups)
    starts.insert(warmup.start);
  const Plan changed = make_plan(other);
  for (std::size_t i = 0; i < plan.requests.size(); ++i)
    differs = differs || plan.requests[i].input_len != changed.requests[i].input_len;
  EXPECT_TRUE(differs);
  EXPECT_EQ(*inputs.begin(), 80U);
  EXPECT_EQ(*inputs.rbegin(), 100U);
  EXPECT_EQ(*outputs.begin(), 40U);
  EXPECT_EQ(*outputs.rbegin(), 50U);
  EXPECT_EQ(starts.size(), 2001U);  // prompts begin at different positions, including the test request's
}

TEST(ClientPlan, ArrivalsMatchRateAndBurstiness) {
  for (const double burstiness : {0.3, 1.0, 4.0}) {
    Options o = options();
    o.num_prompts = 20'000;
    o.request_rate = 10;
    o.burstiness = burstiness;
    const Plan plan = make_plan(o);
    EXPECT_EQ(plan.requests[0].arrival, 0);
    double sum = 0, squares = 0;
    for (std::size_t i = 1; i < plan.requests.size(); ++i) {
      const double gap = plan.requests[i].arrival - plan.requests[i - 1].arrival;
      sum += gap;
      squares += gap * gap;
    }
    const double n = static_cast<double>(plan.requests.size() - 1), mean = sum / n;
    EXPECT_NEAR(mean, 0.1, 0.006);
    EXPECT_NEAR((squares / n - mean * mean) / (mean * mean), 1 / burstiness, 0.15 / burstiness);
  }
}

nlohmann::json parsed(const Body& body) {
  return nlohmann::json::parse(body.head + std::string(body.prefix) + std::string(body.window) +
                               std::string(body.tail));
}

TEST(ClientPrompts, IdPromptsHaveTheExactLength) {
  Options o = options();
  o.prefix_len = 7;
  o.ignore_eos = true;
  o.extra_body = R"({"temperature":0.5,"top_k":1})";
  const auto setup = check_options(o);
  ASSERT_TRUE(setup);
  const Plan plan = make_plan(o);
  const Prompts prompts(*setup, plan, false);
  nlohmann::json prefix;
  for (std::size_t i = 0; i < 50; ++i) {
    const Body body = prompts.body(plan.requests[i]);
    const auto json = parsed(body);
    ASSERT_EQ(json["prompt"].size(), plan.requests[i].input_len);
    EXPECT_EQ(json["max_tokens"], plan.requests[i].output_len);
    EXPECT_EQ(json["temperature"], 0.5);
    EXPECT_EQ(json["stream_options"]["include_usage"], true);
    EXPECT_EQ(json["ignore_eos"], true);
    for (const auto& id : json["prompt"])
      EXPECT_TRUE(id >= 1000 && id <= 31'999);
    const nlohmann::json begin(std::vector<int>(json["prompt"].begin(), json["prompt"].begin() + 7));
    if (i == 0) prefix = begin;
    EXPECT_EQ(begin, prefix);
  }
}

TEST(ClientPrompts, TextPromptHasOneWordPerToken) {
  Options o = options();
  o.endpoint = "/v1/chat/completions";
  const auto setup = check_options(o);
  ASSERT_TRUE(setup);
  const Plan plan = make_plan(o);
  const Prompts prompts(*setup, plan, false);
  const auto json = parsed(prompts.body(plan.requests[0]));
  const auto text = json["messages"][0]["content"].get<std::string>();
  EXPECT_EQ(static_cast<std::uint32_t>(std::count(text.begin(), text.end(), ' ')) + 1,
            plan.requests[0].input_len);
  EXPECT_EQ(json["max_completion_tokens"], plan.requests[0].output_len);
}

// So that sweep-simserver counts about as many tokens as were requested.
TEST(ClientPrompts, TextPromptHasFourBytesPerToken) {
  Options o = options();
  o.endpoint = "/v1/chat/completions";
  o.input_len = 8192;
  const auto setup = check_options(o);
  ASSERT_TRUE(setup);
  const Plan plan = make_plan(o);
  const Prompts prompts(*setup, plan, false);
  const auto json = parsed(prompts.body(plan.requests[0]));
  const auto bytes = static_cast<double>(json["messages"][0]["content"].get<std::string>().size());
  EXPECT_NEAR(bytes / plan.requests[0].input_len, 4, 0.04);
}

}  // namespace
}  // namespace sweep::client
