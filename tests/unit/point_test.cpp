// proto/base/point: points of matrix entries, their identity, names and environment.
#include "proto/base/point.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "util/json.hpp"

namespace sweep {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::Pair;

ordered_json entry() {
  return {{"image", "lmsysorg/sglang:v0.5"},
          {"model", "deepseek-ai/DeepSeek-R1-0528"},
          {"precision", "fp8"},
          {"framework", "sglang"},
          {"runner", "h200"},
          {"isl", 1024},
          {"osl", 1024},
          {"tp", 8},
          {"ep", 1},
          {"dp-attn", false},
          {"conc", 4},
          {"max-model-len", 2248},
          {"exp-name", "dsr1_1k1k"}};
}

Point point_of(const ordered_json& body, int repeat = 0) {
  auto point = make_point(body, repeat);
  EXPECT_TRUE(point) << point.error().message;
  return point.value_or(Point{});
}

TEST(MakePoint, ReadsEveryField) {
  ordered_json body = entry();
  body["ep"] = 2;
  body["dp-attn"] = true;
  body["osl"] = 8192;
  const Point point = point_of(body, 1);
  EXPECT_EQ(point.exp_name, "dsr1_1k1k");
  EXPECT_EQ(point.image, "lmsysorg/sglang:v0.5");
  EXPECT_EQ(point.model, "deepseek-ai/DeepSeek-R1-0528");
  EXPECT_EQ(point.framework, "sglang");
  EXPECT_EQ(point.precision, "fp8");
  EXPECT_EQ(point.runner, "h200");
  EXPECT_EQ(point.isl, 1024);
  EXPECT_EQ(point.osl, 8192);
  EXPECT_EQ(point.max_model_len, 2248);
  EXPECT_EQ(point.tp, 8);
  EXPECT_EQ(point.ep, 2);
  EXPECT_EQ(point.conc, 4);
  EXPECT_TRUE(point.dp_attention);
  EXPECT_EQ(point.repeat, 1);
  EXPECT_EQ(entry_of(point), body);
  EXPECT_EQ(gpus_needed(point), 8);
}

// Later versions must find the same ids in old journals. These were computed with Python's json and hashlib.
TEST(MakePoint, IdentityIsTheSameOnEveryMachineAndInEveryVersion) {
  EXPECT_EQ(point_of(entry(), 0).id, "84517c3051a5ff3e");
  EXPECT_EQ(point_of(entry(), 1).id, "17b5702aae4e21cf");
}

TEST(MakePoint, IdentityDependsOnValuesNotOnTheirOrder) {
  ordered_json turned;
  const ordered_json body = entry();
  for (auto item = body.rbegin(); item != body.rend(); ++item)
    turned[item.key()] = *item;
  EXPECT_EQ(point_of(turned).id, point_of(body).id);
  ordered_json more = body;
  more["of-a-newer-tool"] = 1;
  EXPECT_NE(point_of(more).id, point_of(body).id);
}

TEST(MakePoint, RefusesEntriesThatCannotRun) {
  const auto says = [](const char* field, const ordered_json& value) {
    ordered_json body = entry();
    if (value.is_null()) {
      body.erase(field);
    } else {
      body[field] = value;
    }
    const auto point = make_point(body, 0);
    return point ? std::string() : point.error().message.substr(0, point.error().message.find(" in {"));
  };
  for (const char* field : {"exp-name", "image", "model", "framework", "precision", "runner", "isl", "osl",
                            "max-model-len", "tp", "ep", "conc", "dp-attn"}) {
    EXPECT_EQ(says(field, nullptr), "matrix entry: '" + std::string(field) + "' is missing");
  }
  for (const char* field : {"tp", "ep", "conc"}) {
    EXPECT_EQ(says(field, 0),
              "matrix entry: '" + std::string(field) + "' must be an integer from 1 to 1000000000");
  }
  EXPECT_NE(says("tp", "8"), "");
  EXPECT_NE(says("dp-attn", 1), "");
  EXPECT_FALSE(make_point(ordered_json::array(), 0));
  // The error shows the entry on one line, whatever it contains.
  const auto shown = make_point({{"image", "two\nlines\xff"}}, 0);
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().message.find('\n'), std::string::npos);
  EXPECT_NE(shown.error().message.find("two\\nlines"), std::string::npos);
}

TEST(MakePoints, EqualEntriesAreRepeats) {
  ordered_json other = entry();
  other["conc"] = 8;
  const auto points = make_points({entry(), other, entry(), entry()});
  ASSERT_TRUE(points);
  std::vector<int> repeats;
  std::set<std::string> ids;
  for (const Point& point : *points) {
    repeats.push_back(point.repeat);
    ids.insert(point.id);
  }
  EXPECT_THAT(repeats, ElementsAre(0, 0, 1, 2));
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_FALSE(make_points({entry(), ordered_json::object()}));
}

TEST(MakePoints, PointsAreTheSameAfterARoundTrip) {
  ordered_json odd = entry();
  odd["image"] = "ä\xff";
  std::vector<std::string> texts, ids;
  const auto points = make_points({entry(), odd, entry()});
  ASSERT_TRUE(points);
  for (const Point& point : *points) {
    texts.push_back(point.entry);
    ids.push_back(point.id);
  }
  EXPECT_EQ(entry_of(points->at(1)).at("image"), "ä\ufffd") << "a text is UTF-8, whatever it came from";
  const auto read = read_points(texts);
  ASSERT_TRUE(read);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(read->at(i).entry, texts[i]) << "keys in their order";
    EXPECT_EQ(read->at(i).id, ids[i]);
  }
  EXPECT_FALSE(read_points({texts[0], "{"}));
}

TEST(PointNames, ResultStemAndLabel) {
  Point point = point_of(entry());
  EXPECT_EQ(result_stem(point), "dsr1_1k1k_fp8_sglang_tp8_ep1_dpa_false_conc4");
  EXPECT_EQ(label(point), "dsr1_1k1k fp8 sglang h200 tp8 conc4");
  point.ep = 4;
  point.dp_attention = true;
  point.repeat = 1;
  point.exp_name = "../x";
  EXPECT_EQ(result_stem(point), "_._x_fp8_sglang_tp8_ep4_dpa_true_conc4");
  EXPECT_EQ(label(point), "../x fp8 sglang h200 tp8 ep4 dpa conc4 repeat2");
}

TEST(PointNames, EnvironmentFollowsTheContract) {
  ordered_json body = entry();
  body["ep"] = 2;
  body["dp-attn"] = true;
  EXPECT_THAT(point_environment(point_of(body)),
              testing::UnorderedElementsAre(
                  Pair("EXP_NAME", "dsr1_1k1k"), Pair("MODEL", "deepseek-ai/DeepSeek-R1-0528"),
                  Pair("IMAGE", "lmsysorg/sglang:v0.5"), Pair("FRAMEWORK", "sglang"),
                  Pair("PRECISION", "fp8"), Pair("ISL", "1024"), Pair("OSL", "1024"),
                  Pair("MAX_MODEL_LEN", "2248"), Pair("TP", "8"), Pair("EP_SIZE", "2"),
                  Pair("DP_ATTENTION", "true"), Pair("CONC", "4"), Pair("RUNNER_TYPE", "h200")));
}

}  // namespace
}  // namespace sweep
