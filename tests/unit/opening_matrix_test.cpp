// compare_matrix: which points are added, removed or changed between two days.
#include "tests/unit/opening_sample.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

class CompareMatrix : public testing::Test {
 protected:
  static std::vector<Point> points(const std::vector<ordered_json>& entries) {
    auto made = make_points(entries);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : std::vector<Point>{};
  }
  /// The entries of these points, one behind the other.
  static auto entries_of(const std::vector<std::vector<Point>>& lists) {
    std::vector<decltype(Point::entry)> out;
    for (const auto& list : lists) {
      for (const Point& point : list)
        out.push_back(point.entry);
    }
    return out;
  }

  std::vector<Point> were_ = points({sample_entry(8, 1), sample_entry(8, 2), sample_entry(4, 2)});
};

TEST_F(CompareMatrix, TheSameIsNoChange) {
  const MatrixChange change = compare_matrix(were_, {}, were_);
  EXPECT_FALSE(change.any());
  EXPECT_THAT(change.withdrawn, IsEmpty());
  EXPECT_EQ(change.entries, entries_of({were_}));
}

TEST_F(CompareMatrix, NorIsAnotherOrder) {
  const auto are = points({sample_entry(4, 2), sample_entry(8, 1), sample_entry(8, 2)});
  const MatrixChange change = compare_matrix(were_, {}, are);
  EXPECT_FALSE(change.any());
  EXPECT_EQ(change.entries, entries_of({are}));
}

TEST_F(CompareMatrix, AnAddedPointIsNamed) {
  const auto are = points({sample_entry(8, 1), sample_entry(8, 64), sample_entry(8, 2), sample_entry(4, 2)});
  const MatrixChange change = compare_matrix(were_, {}, are);
  EXPECT_THAT(change.lines, ElementsAre("added    " + label(are[1])));
  EXPECT_THAT(change.withdrawn, IsEmpty());
  EXPECT_EQ(change.entries, entries_of({are}));
}

TEST_F(CompareMatrix, ARemovedPointIsNamedAndStaysInThePlanBehindTheOthers) {
  const auto are = points({sample_entry(8, 2), sample_entry(4, 2)});
  const MatrixChange change = compare_matrix(were_, {}, are);
  EXPECT_THAT(change.lines, ElementsAre("removed  " + label(were_[0])));
  EXPECT_THAT(change.withdrawn, ElementsAre(were_[0].id));
  EXPECT_EQ(change.entries, entries_of({are, {were_[0]}}));
}

TEST_F(CompareMatrix, AChangedPointIsNamedWithWhatIsOther) {
  auto entry = sample_entry(8, 2);
  entry["image"] = "sglang:v2";
  entry["max-model-len"] = 4096;
  entry.erase("exp-name");
  entry["exp-name"] = "dsr1_1k8k";  // its place among the keys is no difference
  const auto are = points({sample_entry(8, 1), entry, sample_entry(4, 2)});
  const MatrixChange change = compare_matrix(were_, {}, are);
  EXPECT_THAT(change.lines, ElementsAre("changed  " + label(were_[1]) +
                                        ": image \"lmsysorg/sglang:v0.5.3rc1-cu129-b200\" -> \"sglang:v2\", "
                                        "max-model-len 9416 -> 4096"));
  EXPECT_THAT(change.withdrawn, ElementsAre(were_[1].id));
  EXPECT_EQ(change.entries, entries_of({are, {were_[1]}}));
}

TEST_F(CompareMatrix, KeysThatCameOrWentAreNamed) {
  auto more = sample_entry(8, 1);
  more["disagg"] = true;
  const auto came = compare_matrix(points({sample_entry(8, 1)}), {}, points({more}));
  EXPECT_THAT(came.lines, ElementsAre(HasSubstr(": disagg true is new")));
  const auto went = compare_matrix(points({more}), {}, points({sample_entry(8, 1)}));
  EXPECT_THAT(went.lines, ElementsAre(HasSubstr(": disagg true is gone")));
}

TEST_F(CompareMatrix, ARepeatMoreOrLessIsAPointOfItsOwn) {
  const auto once = points({sample_entry(8, 1)}), twice = points({sample_entry(8, 1), sample_entry(8, 1)});
  const MatrixChange more = compare_matrix(once, {}, twice), less = compare_matrix(twice, {}, once);
  EXPECT_THAT(more.lines, ElementsAre(HasSubstr("added    ")));
  EXPECT_THAT(less.lines, ElementsAre(HasSubstr("removed  ")));
  EXPECT_THAT(less.withdrawn, ElementsAre(twice[1].id));
}

TEST_F(CompareMatrix, WhatWasWithdrawnBeforeIsNoNewChange) {
  const auto are = points({sample_entry(8, 2), sample_entry(4, 2)});
  const MatrixChange change = compare_matrix(were_, {were_[0].id}, are);
  EXPECT_FALSE(change.any());
  EXPECT_THAT(change.withdrawn, ElementsAre(were_[0].id));
  EXPECT_EQ(change.entries, entries_of({are, {were_[0]}}));
}

TEST_F(CompareMatrix, WhatWasWithdrawnMayComeBack) {
  const MatrixChange change = compare_matrix(were_, {were_[0].id}, were_);
  EXPECT_THAT(change.lines, ElementsAre("added    " + label(were_[0])));
  EXPECT_THAT(change.withdrawn, IsEmpty());
  EXPECT_EQ(change.entries, entries_of({were_}));
}

TEST_F(CompareMatrix, NothingOfAnEntryCommandsTheTerminal) {
  auto entry = sample_entry(8, 1);
  entry["image"] = "a\x1b[2Jb\nc";
  const MatrixChange change = compare_matrix(points({sample_entry(8, 1)}), {}, points({entry}));
  ASSERT_EQ(change.lines.size(), 1U);
  EXPECT_THAT(change.lines[0], Not(HasSubstr("\x1b")));
  EXPECT_THAT(change.lines[0], Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace sweep
