// Whether other jobs may use the nodes of a sweep's job.
#include "controller/plan/sharing.hpp"
#include "tests/unit/plan_sample.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;

TEST(PlanSharing, OnlyNoIsExclusive) {
  EXPECT_FALSE(is_shared(""));
  EXPECT_FALSE(is_shared("NO"));
  for (const char* sharing : {"OK", "YES", "USER", "MCS", "TOPO"})
    EXPECT_TRUE(is_shared(sharing)) << sharing;
}

TEST(PlanSharing, NoteNamesTheJobTheDoubtAndTheRemedy) {
  const Plan plan = sample_plan({sample_entry(8, 4)});
  EXPECT_EQ(shared_nodes_note(plan, "12", "OK"),
            "results will not be valid (node-shared): other jobs may run on the nodes of job 12 "
            "(OverSubscribe=OK); submit the job with --exclusive");
  EXPECT_EQ(shared_nodes_note(plan, "12", "NO"), "");
  EXPECT_EQ(shared_nodes_note(plan, "12", ""), "");
}

TEST(PlanSharing, NoNoteIfResultsStayValid) {
  profile::Profile no_gpus, ignores;
  no_gpus.ignore_gpus = true;
  ignores.doubts_ignored = {"node-shared"};
  EXPECT_EQ(shared_nodes_note(sample_plan({sample_entry(8, 4)}, no_gpus), "12", "OK"), "");
  EXPECT_EQ(shared_nodes_note(sample_plan({sample_entry(8, 4)}, ignores), "12", "OK"), "");
}

TEST(PlanSharing, ValueIsParsedFromScontrol) {
  EXPECT_EQ(oversubscribe_in("JobId=12 JobName=x OverSubscribe=OK Contiguous=0"), "OK");
  EXPECT_EQ(oversubscribe_in("JobId=12 OverSubscribe=NO\n"), "NO");
  EXPECT_EQ(oversubscribe_in("slurm_load_jobs error: Invalid job id specified\n"), "");
}

}  // namespace
}  // namespace sweep
