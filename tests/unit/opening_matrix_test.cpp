// compare_matrix(): which points were added, removed or changed.
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
  /// Returns the entries of these points in order.
  static auto entries_of(const std::vector<std::vector<Point>>& lists) {
    std::vector<decltype(Point::entry)> out;
    for (const auto& list : lists) {
      for (const Point& point : list)
        out.push_back(point.entry);
    }
    return out;
  }

  std::vector<Point> old_ = points({sample_entry(8, 1), sample_entry(8, 2), sample_entry(4, 2)});
};

TEST_F(CompareMatrix, SameMatrixIsNotAChange) {
  const MatrixChange change = compare_matrix(old_, {}, old_);
  EXPECT_FALSE(change.any());
  EXPECT_THAT(change.withdrawn, IsEmpty());
  EXPECT_EQ(change.entries, entries_of({old_}));
}

TEST_F(CompareMatrix, OrderIsNotAChange) {
  const auto new_points = points({sample_entry(4, 2), sample_entry(8, 1), sample_entry(8, 2)});
  const MatrixChange change = compare_matrix(old_, {}, new_points);
  EXPECT_FALSE(change.any());
  EXPECT_EQ(change.entries, entries_of({new_points}));
}

TEST_F(CompareMatrix, AddedPointIsNamed) {
  const auto new_points =
      points({sample_entry(8, 1), sample_entry(8, 64), sample_entry(8, 2), sample_entry(4, 2)});
  const MatrixChange change = compare_matrix(old_, {}, new_points);
  EXPECT_THAT(change.lines, ElementsAre("added    " + label(new_points[1])));
  EXPECT_THAT(change.withdrawn, IsEmpty());
  EXPECT_EQ(change.entries, entries_of({new_points}));
}

TEST_F(CompareMatrix, RemovedPointIsNamedAndComesLastInThePlan) {
  const auto new_points = points({sample_entry(8, 2), sample_entry(4, 2)});
  const MatrixChange change = compare_matrix(old_, {}, new_points);
  EXPECT_THAT(change.lines, ElementsAre("removed  " + label(old_[0])));
  EXPECT_THAT(change.withdrawn, ElementsAre(old_[0].id));
  EXPECT_EQ(change.entries, entries_of({new_points, {old_[0]}}));
}

TEST_F(CompareMatrix, ChangedPointIsNamedWithItsDifferences) {
  auto entry = sample_entry(8, 2);
  entry["image"] = "sglang:v2";
  entry["max-model-len"] = 4096;
  entry.erase("exp-name");
  entry["exp-name"] = "dsr1_1k8k";  // the order of keys is not a difference
  const auto new_points = points({sample_entry(8, 1), entry, sample_entry(4, 2)});
  const MatrixChange change = compare_matrix(old_, {}, new_points);
  EXPECT_THAT(change.lines, ElementsAre("changed  " + label(old_[1]) +
                                        ": image \"lmsysorg/sglang:v0.5.3rc1-cu129-b200\" -> \"sglang:v2\", "
                                        "max-model-len 9416 -> 4096"));
  EXPECT_THAT(change.withdrawn, ElementsAre(old_[1].id));
  EXPECT_EQ(change.entries, entries_of({new_points, {old_[1]}}));
}

TEST_F(CompareMatrix, AddedAndRemovedKeysAreNamed) {
  auto more = sample_entry(8, 1);
  more["disagg"] = true;
  const auto came = compare_matrix(points({sample_entry(8, 1)}), {}, points({more}));
  EXPECT_THAT(came.lines, ElementsAre(HasSubstr(": disagg true was added")));
  const auto went = compare_matrix(points({more}), {}, points({sample_entry(8, 1)}));
  EXPECT_THAT(went.lines, ElementsAre(HasSubstr(": disagg true was removed")));
}

TEST_F(CompareMatrix, EachRepeatIsAPointOfItsOwn) {
  const auto once = points({sample_entry(8, 1)}), twice = points({sample_entry(8, 1), sample_entry(8, 1)});
  const MatrixChange more = compare_matrix(once, {}, twice), less = compare_matrix(twice, {}, once);
  EXPECT_THAT(more.lines, ElementsAre(HasSubstr("added    ")));
  EXPECT_THAT(less.lines, ElementsAre(HasSubstr("removed  ")));
  EXPECT_THAT(less.withdrawn, ElementsAre(twice[1].id));
}

TEST_F(CompareMatrix, PointWithdrawnBeforeIsNotAChange) {
  const auto new_points = points({sample_entry(8, 2), sample_entry(4, 2)});
  const MatrixChange change = compare_matrix(old_, {old_[0].id}, new_points);
  EXPECT_FALSE(change.any());
  EXPECT_THAT(change.withdrawn, ElementsAre(old_[0].id));
  EXPECT_EQ(change.entries, entries_of({new_points, {old_[0]}}));
}

TEST_F(CompareMatrix, WithdrawnPointCanBeAddedAgain) {
  const MatrixChange change = compare_matrix(old_, {old_[0].id}, old_);
  EXPECT_THAT(change.lines, ElementsAre("added    " + label(old_[0])));
  EXPECT_THAT(change.withdrawn, IsEmpty());
  EXPECT_EQ(change.entries, entries_of({old_}));
}

TEST_F(CompareMatrix, ControlCharactersInAnEntryAreNotPrinted) {
  auto entry = sample_entry(8, 1);
  entry["image"] = "a\x1b[2Jb\nc";
  const MatrixChange change = compare_matrix(points({sample_entry(8, 1)}), {}, points({entry}));
  ASSERT_EQ(change.lines.size(), 1U);
  EXPECT_THAT(change.lines[0], Not(HasSubstr("\x1b")));
  EXPECT_THAT(change.lines[0], Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace sweep
