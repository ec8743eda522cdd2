// util/line_queue: what is kept for a reader that does not keep up.
#include "util/line_queue.hpp"

#include <gtest/gtest.h>

namespace sweep {
namespace {

TEST(LineQueue, ReturnsTextsInOrderAsTheyWereWritten) {
  LineQueue queue(100);
  queue.push("one\n");
  queue.push("");
  queue.push("two\nthree\n");
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.pop(), "one\n");
  EXPECT_EQ(queue.pop(), "two\nthree\n");
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(LineQueue, DropsTheOldestAndCountsItsLines) {
  LineQueue queue(8);
  queue.push("a\nb\n");
  queue.push("c\n");
  queue.push("d\ne\nf\n");
  EXPECT_EQ(queue.pop(), "… 2 lines were not shown\nc\n");
  EXPECT_EQ(queue.pop(), "d\ne\nf\n") << "the note is shown once";
  queue.push("12345678\n");
  queue.push("x\n");
  EXPECT_EQ(queue.pop(), "… 1 line was not shown\nx\n");
}

TEST(LineQueue, KeepsTheNewestTextWhateverItsSize) {
  LineQueue queue(8);
  queue.push("a summary of many words\n");
  EXPECT_EQ(queue.pop(), "a summary of many words\n");
}

TEST(LineQueue, NoteBeginsALineOfItsOwnAfterAStatusLine) {
  LineQueue queue(8);
  queue.push("status");
  EXPECT_EQ(queue.pop(), "status");
  queue.push("lost\n");
  queue.push("kept 1\n");
  EXPECT_EQ(queue.pop(), "\n… 1 line was not shown\nkept 1\n");
}

TEST(LineQueue, DroppedStatusLinesAreNotCounted) {
  LineQueue queue(8);
  queue.push("status");
  queue.push("status");
  EXPECT_EQ(queue.pop(), "status");
}

}  // namespace
}  // namespace sweep
