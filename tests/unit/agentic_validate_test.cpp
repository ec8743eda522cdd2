// controller/agentic/validate: the share of failed requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "controller/agentic/validate.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/json.hpp"

namespace sweep::agentic {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::StartsWith;

Json summary(const Json& successes, const Json& errors) {
  return {{"request_count", {{"avg", successes}}}, {"error_request_count", {{"avg", errors}}}};
}

TEST(JudgeSummary, TheThresholdItselfIsAccepted) {
  const auto got = judge_summary(summary(90, 10), "p", 0.1);
  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(got.out, "Validated aiperf request error rate: 10/100 = 10.000% <= 10.000%\n");
  const auto over = judge_summary(summary(89, 11), "p", 0.1);
  EXPECT_EQ(over.status, 1);
  EXPECT_EQ(over.err,
            "ERROR: aiperf request error rate exceeded the benchmark limit: 11/100 = 11.000% > 10.000%\n");
  EXPECT_EQ(over.out, "");
}

TEST(JudgeSummary, CompletedRequestsMayBeGiven) {
  Json json = summary(1, 1);
  json["completed_request_count"] = {{"avg", 100}};
  EXPECT_EQ(judge_summary(json, "p", 0.1).status, 0);
  json["completed_request_count"] = nullptr;
  EXPECT_EQ(judge_summary(json, "p", 0.1).status, 1);
  EXPECT_EQ(judge_summary({{"request_count", {{"avg", 5}}}}, "p", 0).status, 0);
}

TEST(JudgeSummary, LargeCountsAreShortened) {
  EXPECT_THAT(judge_summary(summary(9999999, 1), "p", 1).out, HasSubstr("1/1e+07 = 0.000%"));
}

TEST(JudgeSummary, OddSummariesAreNamed) {
  const auto error = [](const Json& json) { return judge_summary(json, "p.json", 0.1).err; };
  EXPECT_EQ(error(Json::array()), "ERROR: p.json must contain a JSON object\n");
  EXPECT_THAT(error(Json::object()), StartsWith("ERROR: request_count.avg is missing"));
  EXPECT_THAT(error({{"request_count", Json::object()}}), StartsWith("ERROR: request_count.avg is missing"));
  EXPECT_THAT(error({{"request_count", 9}}),
              StartsWith("ERROR: failed to read p.json: request_count must be an object"));
  EXPECT_THAT(error(summary("9", 0)),
              StartsWith("ERROR: failed to read p.json: request_count.avg must be numeric"));
  EXPECT_THAT(error(summary(true, 0)), HasSubstr("request_count.avg must be numeric"));
  EXPECT_THAT(error(summary(5, -1)),
              HasSubstr("error_request_count.avg must be a finite non-negative number"));
  EXPECT_THAT(error(summary(0, 0)), StartsWith("ERROR: aiperf completed zero requests"));
}

class ValidateAgentic : public InFolder {};

TEST_F(ValidateAgentic, FileMayBeInASubfolder) {
  EXPECT_EQ(validate_agentic(folder_, 0.1).err, "ERROR: " + path("profile_export_aiperf.json") +
                                                    " not found; give the folder that aiperf wrote\n");
  std::filesystem::create_directories(path("b"));
  std::filesystem::create_directories(path("a"));
  put("b/profile_export_aiperf.json", summary(5, 0).dump());
  EXPECT_EQ(validate_agentic(folder_, 0.1).status, 0);
  put("profile_export_aiperf.json", "{");
  EXPECT_THAT(validate_agentic(folder_ + "/", 0.1).err,
              StartsWith("ERROR: failed to read " + path("profile_export_aiperf.json") +
                         ": Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"));
}

}  // namespace
}  // namespace sweep::agentic
