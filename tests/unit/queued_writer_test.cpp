// util/os/queued_writer: a pipe that is not read stops no program.
#include "util/os/queued_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "util/os/process.hpp"

namespace sweep {
namespace {

/// Fills the pipe, so that a write to it would block. Returns the number of bytes.
std::size_t fill(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  std::size_t filled = 0;
  while (::write(fd, "#", 1) == 1)
    ++filled;
  ::fcntl(fd, F_SETFL, flags);
  return filled;
}

/// Reads until the text ends with `end`; gives up after ten seconds without a byte.
std::string read_until(int fd, const std::string& end) {
  std::string text;
  pollfd ready{fd, POLLIN, 0};
  while (!text.ends_with(end) && ::poll(&ready, 1, 10'000) == 1)
    text += read_available(fd, 65536).bytes;
  return text;
}

TEST(QueuedWriter, WritesEverythingInOrder) {
  auto pipe = make_pipe();
  QueuedWriter writer(pipe->write_end.get());
  writer.write("one\n");
  writer.write("two\n");
  EXPECT_TRUE(writer.flush(Millis(10'000)));
  EXPECT_EQ(writer.waiting(), 0U);
  EXPECT_EQ(read_available(pipe->read_end.get(), 100).bytes, "one\ntwo\n");
}

TEST(QueuedWriter, PipeThatNobodyReadsBlocksNoWriterAndLosesOldLinesFirst) {
  auto pipe = make_pipe();
  const std::size_t filled = fill(pipe->write_end.get());
  QueuedWriter writer(pipe->write_end.get(), 1'000);
  for (int i = 0; i < 1'000; ++i)
    writer.write("line " + std::to_string(i) + "\n");
  writer.write("end\n");
  EXPECT_FALSE(writer.flush(Millis(10)));
  EXPECT_GT(writer.waiting(), 10U);
  // Once somebody reads, the newest lines arrive after a note.
  const std::string text = read_until(pipe->read_end.get(), "end\n").substr(filled);
  EXPECT_TRUE(writer.flush(Millis(10'000)));
  EXPECT_NE(text.find(" lines were not shown\nline 890\n"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("line 998\nline 999\nend\n")) << text;
  EXPECT_LT(text.size(), 1'200U);
}

TEST(QueuedWriter, DestructorDoesNotWaitForAStuckPipe) {
  auto pipe = make_pipe();
  fill(pipe->write_end.get());
  {
    QueuedWriter writer(pipe->write_end.get());
    writer.write("stuck\n");
  }
  EXPECT_TRUE(read_until(pipe->read_end.get(), "stuck\n").ends_with("stuck\n"));
}

TEST(QueuedWriter, ReaderThatIsGoneIsNotAnError) {
  std::signal(SIGPIPE, SIG_IGN);
  auto pipe = make_pipe();
  pipe->read_end.reset();
  QueuedWriter writer(pipe->write_end.get());
  writer.write("lost\n");
  EXPECT_TRUE(writer.flush(Millis(10'000)));
  writer.write("lost too\n");
  EXPECT_EQ(writer.waiting(), 0U);
}

TEST(QueuedWriter, DescriptorThatAnotherProcessMadeNonBlockingLosesNothing) {
  auto pipe = make_pipe();
  const std::size_t filled = fill(pipe->write_end.get());
  ::fcntl(pipe->write_end.get(), F_SETFL, O_NONBLOCK);
  QueuedWriter writer(pipe->write_end.get());
  writer.write("later\n");
  EXPECT_EQ(read_until(pipe->read_end.get(), "later\n").substr(filled), "later\n");
}

}  // namespace
}  // namespace sweep
