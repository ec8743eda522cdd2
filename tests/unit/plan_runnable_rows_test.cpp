// controller/plan/runnable_rows: rows that a sweep cannot run are counted, never dropped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/plan/runnable_rows.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;

const ordered_json kOld = {{"isl", 1024}, {"tp", 8}, {"conc", 4}};
const ordered_json kOneNode = {{"isl", 1024},   {"tp", 8},   {"pp", 1},
                               {"pcp-size", 1}, {"conc", 4}, {"spec-decoding", "none"}};

ordered_json with(const char* key, const ordered_json& value) {
  ordered_json out = kOneNode;
  out[key] = value;
  return out;
}

TEST(RunnableRows, FixedRowsOfOneNodeCanRun) {
  EXPECT_TRUE(check_runnable_rows({}));
  EXPECT_TRUE(check_runnable_rows({kOld, kOneNode}));
}

TEST(RunnableRows, OthersAreCountedByReason) {
  const auto checked = check_runnable_rows({kOneNode, with("scenario-type", "agentic-coding"),
                                            with("prefill", ordered_json::object()), with("pp", 2),
                                            with("pcp-size", 2), with("spec-decoding", "mtp")});
  ASSERT_FALSE(checked);
  EXPECT_THAT(
      checked.error().message,
      HasSubstr("cannot run 5 of 6 rows of the matrix (agentic-coding: 1, several nodes: 1, pp or pcp-size "
                "above 1: 2, spec-decoding: 1): "));
  EXPECT_THAT(checked.error().message,
              HasSubstr("select such rows with --single-node --scenario-type fixed-seq-len"));
}

}  // namespace
}  // namespace sweep
