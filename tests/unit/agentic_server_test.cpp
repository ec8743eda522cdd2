// controller/agentic/metric_series, adapters and server_metrics: one adapter for each kind of server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/agentic/series_filter.hpp"
#include "controller/agentic/server_metrics.hpp"
#include "util/json.hpp"

namespace sweep::agentic {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

Json series(const Json& stats, const Json& labels = Json::object()) {
  return {{"labels", labels}, {"stats", stats}};
}

Json exported(const Json& metrics) {
  Json out = Json::object();
  for (auto item = metrics.begin(); item != metrics.end(); ++item)
    out[item.key()] = {
        {"series", item->is_array() ? *item : Json::array({series({{"total", *item}, {"max", *item}})})}};
  return {{"metrics", out}};
}

Json metrics_of(const Json& metrics, const std::string& framework = "") {
  Records records;
  records.usable = 3;
  records.input_tokens = {70};
  const auto got = server_metrics(exported(metrics), framework, records, std::nullopt);
  return got ? got->json : Json(got.error().message);
}

TEST(ServerMetrics, AdapterFollowsNamesBeforeFramework) {
  const auto adapter = [](const Json& metrics, const std::string& framework) {
    const Json all = exported(metrics);
    return adapter_of(MetricSeries(all), framework);
  };
  EXPECT_EQ(adapter({{"vllm:x", 1}}, "sglang"), Adapter::Vllm);
  EXPECT_EQ(adapter({{"vllm:x", 1}}, "Dynamo-trt"), Adapter::DynamoVllm);
  EXPECT_EQ(adapter({{"vllm:x", 1}, {"dynamo_x", 1}}, "vllm"), Adapter::DynamoVllm);
  EXPECT_EQ(adapter({{"vllm:x", 1}, {"atom_x", 1}}, "vllm"), Adapter::Atom);
  EXPECT_EQ(adapter({{"vllm:x", 1}, {"sglang:x", 1}}, "vllm"), Adapter::Sglang);
  EXPECT_EQ(adapter({{"foo", 1}}, "vllm"), Adapter::None);
  EXPECT_EQ(adapter(Json::object(), "SGLang"), Adapter::Sglang);
  EXPECT_EQ(adapter(Json::object(), "trt"), Adapter::None);
}

TEST(ServerMetrics, UnknownServerIsAnError) {
  EXPECT_THAT(
      metrics_of({{"foo", 1}, {"bar", 1}}, "VLLM").get<std::string>(),
      HasSubstr("Unsupported agentic server metrics backend; framework='vllm', metric_names=[bar, foo]"));
}

TEST(ServerMetrics, WithoutMetricsTotalsAreThoseOfTheRequests) {
  Records records;
  records.usable = 2;
  records.output_tokens = {5, 6};
  const auto got = server_metrics(Json::object(), "vllm", records, 1000);
  ASSERT_TRUE(got);
  EXPECT_THAT(got->warnings, ElementsAre("server_metrics_export.json missing or empty"));
  EXPECT_EQ(got->json["present"], false);
  EXPECT_EQ(got->json["adapter"], "none");
  EXPECT_TRUE(got->json["tokens"]["prompt_total"].is_null());
  EXPECT_EQ(got->json["tokens"]["generation_total"], 11);
  EXPECT_EQ(got->json["tokens"]["requests_completed"], 2);
  EXPECT_EQ(got->json["kv_cache"]["gpu_total_tokens"], 1000);
  EXPECT_EQ(got->json["cache"].size(), 14U);
}

TEST(Vllm, HitRatesAreSharesOfQueries) {
  const Json got = metrics_of({{"vllm:prompt_tokens", 99.6},
                               {"vllm:prefix_cache_hits", 30},
                               {"vllm:prefix_cache_queries", 100},
                               {"vllm:external_prefix_cache_hits", 5},
                               {"vllm:external_prefix_cache_queries", 50},
                               {"vllm:kv_cache_usage_perc", 91}});
  EXPECT_EQ(got["adapter"], "vllm");
  EXPECT_EQ(got["cache"]["gpu_cache_hit_rate"], 0.3);
  EXPECT_EQ(got["cache"]["overall_cache_hit_rate"], 0.3);
  EXPECT_EQ(got["cache"]["cpu_cache_hit_rate"], 0.1);
  EXPECT_EQ(got["kv_cache"]["gpu_usage_pct"], 0.91);
  EXPECT_EQ(got["tokens"]["prompt_total"], 100);
  EXPECT_TRUE(got["tokens"]["generation_total"].is_null());
}

TEST(Vllm, TokensBySourceReplaceTheRates) {
  const Json sources = {series({{"total", 60}}, {{"source", "local_cache_hit"}}),
                        series({{"total", 20}}, {{"source", "external_kv_transfer"}}),
                        series({{"total", 20}}, {{"source", "local_compute"}}), series({{"total", 9}})};
  const Json got = metrics_of({{"vllm:prompt_tokens_by_source", sources},
                               {"vllm:prefix_cache_hits", 1},
                               {"vllm:prefix_cache_queries", 2}});
  EXPECT_EQ(got["cache"]["gpu_cache_hit_rate"], 0.6);
  EXPECT_EQ(got["cache"]["external_cache_hit_rate"], 0.2);
  EXPECT_EQ(got["cache"]["overall_cache_hit_rate"], 0.8);
  EXPECT_EQ(got["tokens"]["prompt_by_source"]["computed"], 20.0);
}

TEST(Vllm, OffloadHasABandwidth) {
  const Json got = metrics_of({{"vllm:kv_offload_bytes_gpu_to_cpu", 1000},
                               {"vllm:kv_offload_time_gpu_to_cpu", 4},
                               {"vllm:kv_offload_bytes_cpu_to_gpu", 5},
                               {"vllm:kv_offload_time_cpu_to_gpu", 0}});
  EXPECT_EQ(got["kv_offload"]["bandwidth_gpu_to_cpu_bytes_per_second"], 250.0);
  EXPECT_TRUE(got["kv_offload"]["bandwidth_cpu_to_gpu_bytes_per_second"].is_null());
}

TEST(Vllm, SourcesAreToldApartByRoleEndpointAndRank) {
  Json worker = series({{"total", 5}}, {{"dynamo_component", "backend"}, {"dp_rank", 1}});
  worker["endpoint_url"] = "http://a:1";
  const Json got =
      metrics_of({{"vllm:prompt_tokens", {worker, series({{"sum", 2}}, {{"component", "prefill"}})}},
                  {"vllm:generation_tokens", {series({{"avg", 3}})}}});
  ASSERT_EQ(got["sources"].size(), 3U);
  EXPECT_EQ(got["sources"][0]["id"], "combined");
  EXPECT_EQ(got["sources"][0]["generation_tokens"], 3.0);
  EXPECT_EQ(got["sources"][1]["id"], "decode|http://a:1|dp_rank=1");
  EXPECT_EQ(got["sources"][1]["role"], "decode");
  EXPECT_EQ(got["sources"][2]["prompt_tokens"], 2.0);
  EXPECT_EQ(got["tokens"]["prompt_total"], 7);
}

TEST(Dynamo, FrontEndCountsTokens) {
  const Json got =
      metrics_of({{"dynamo_frontend_input_sequence_tokens", 100},
                  {"vllm:prompt_tokens", 5},
                  {"vllm:generation_tokens", 7},
                  {"dynamo_frontend_cached_tokens", 25},
                  {"dynamo_component_gpu_cache_usage_percent", 50},
                  {"dynamo_component_router_kv_hit_rate", {series({{"avg", 20}}), series({{"avg", 60}})}}});
  EXPECT_EQ(got["adapter"], "dynamo-vllm");
  EXPECT_EQ(got["tokens"]["prompt_total"], 100);
  EXPECT_EQ(got["tokens"]["generation_total"], 7);
  EXPECT_EQ(got["cache"]["frontend_cache_hit_rate"], 0.25);
  EXPECT_EQ(got["cache"]["router_kv_hit_rate"], 0.4);
  EXPECT_EQ(got["kv_cache"]["gpu_usage_pct"], 0.5);
}

TEST(Sglang, HitsOnTheHostAreExternal) {
  const Json cached = {series({{"total", 40}}, {{"cache_source", "device"}}),
                       series({{"total", 10}}, {{"cache_source", "host"}})};
  const Json computed = {series({{"total", 50}}, {{"mode", "prefill_compute"}}),
                         series({{"total", 1}}, {{"mode", "x"}})};
  const Json got = metrics_of({{"sglang:prompt_tokens", 100},
                               {"sglang:cached_tokens", cached},
                               {"sglang:realtime_tokens", computed},
                               {"sglang:max_total_num_tokens", 500},
                               {"sglang:hicache_host_used_tokens", 30},
                               {"sglang:hicache_host_total_tokens", 60}});
  EXPECT_EQ(got["cache"]["gpu_cache_hit_rate"], 0.4);
  EXPECT_EQ(got["cache"]["external_cache_hit_rate"], 0.1);
  EXPECT_EQ(got["cache"]["overall_cache_hit_rate"], 0.5);
  EXPECT_EQ(got["cache"]["cached_tokens_by_source"].dump(), R"({"device":40.0,"host":10.0})");
  EXPECT_EQ(got["kv_cache"]["gpu_total_tokens"], 500);
  EXPECT_EQ(got["kv_cache"]["cpu_usage_pct"], 0.5);
  EXPECT_EQ(got["tokens"]["prompt_by_source"]["computed"], 50.0);
}

TEST(Sglang, WithoutCachedTokensItsOwnRateIsUsed) {
  EXPECT_EQ(metrics_of({{"sglang:cache_hit_rate",
                         {series({{"avg", 0.25}, {"max", 0.9}})}}})["cache"]["overall_cache_hit_rate"],
            0.25);
}

TEST(Atom, BothSpellingsAddUp) {
  const Json got = metrics_of({{"atom:prompt_tokens", 10},
                               {"atom_prompt_tokens_total", 5},
                               {"atom_prefix_cache_cached_tokens", 30},
                               {"atom:prefix_cache_full_tokens_total", 60},
                               {"atom:lmcache_loaded_tokens", 6},
                               {"atom_kv_cache_usage_ratio", 0.7}});
  EXPECT_EQ(got["adapter"], "atom");
  EXPECT_EQ(got["tokens"]["prompt_total"], 15);
  EXPECT_EQ(got["cache"]["overall_cache_hit_rate"], 0.5);
  EXPECT_EQ(got["cache"]["external_cache_hit_rate"], 0.1);
  EXPECT_EQ(got["kv_cache"]["gpu_usage_pct"], 0.7);
}

TEST(MetricSeries, SharesAboveOneAndAHalfArePerCent) {
  EXPECT_EQ(as_fraction(1.5), 1.5);
  EXPECT_EQ(as_fraction(1.6), 0.016);
  EXPECT_EQ(as_fraction(std::nullopt), std::nullopt);
  EXPECT_EQ(ratio(1, 0), std::nullopt);
  EXPECT_EQ(ratio(std::nullopt, 1), std::nullopt);
}

std::string filtered(const std::string& text) {
  SeriesFilter filter;
  for (const char byte : text)
    filter.feed({&byte, 1});
  return filter.text();
}

TEST(SeriesFilter, KeepsLabelsStatisticsAndEndpoint) {
  EXPECT_EQ(
      filtered(R"({"metrics": {"a": {"unit": "x", "series": [{"timeslices": [{"avg": 1}, "}]\"" ],)"
               R"( "labels": {"k": "v"}, "stats": {"avg": 2, "buckets": [1]}, "endpoint_url": "u", "n": 5},)"
               "\n"
               R"({"n": {"labels": 1}}]}}, "summary": {"a": {"b": [{"n": 1}]}}})"),
      R"({"metrics": {"a": {"unit": "x", "series": [{"timeslices":null,)"
      R"( "labels": {"k": "v"}, "stats": {"avg": 2, "buckets": [1]}, "endpoint_url": "u", "n":null},)"
      "\n"
      R"({"n":null}]}}, "summary": {"a": {"b": [{"n": 1}]}}})");
}

TEST(SeriesFilter, LeavesOtherTextAsItIs) {
  for (const char* text :
       {"", "]}", "{\"metrics\": [1, {\"series\": [{\"n\": 1}]}]", "nonsense \" { \\", "5",
        "{\"m\": {\"a\": {\"series\": [{\"n\": 1}]}}}", "{\"metrics\": {\"a\": {\"x\": [{\"n\": 1}]}}}"})
    EXPECT_EQ(filtered(text), text);
}

TEST(SeriesFilter, KeepsLineFeedsOfWhatItSkips) {
  EXPECT_EQ(filtered("{\"metrics\": {\"a\": {\"series\": [{\"n\": [\n1,\n2]}]}}}"),
            "{\"metrics\": {\"a\": {\"series\": [{\"n\":null\n\n}]}}}");
}

TEST(MetricSeries, OddExportsHaveNoMetrics) {
  for (const Json& odd : {Json::array(), Json(5), Json{{"metrics", Json::array()}}})
    EXPECT_TRUE(MetricSeries(odd).empty());
  const Json strange = {
      {"metrics", {{"a", 3}, {"b", {{"series", {1, "x"}}}}, {"c", {{"series", {series("x")}}}}}}};
  EXPECT_EQ(MetricSeries(strange).counter({"a", "b", "c"}), std::nullopt);
}

}  // namespace
}  // namespace sweep::agentic
