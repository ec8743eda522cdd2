// util/os/files: writing to descriptors.
#include "util/os/files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "util/os/process.hpp"

namespace sweep {
namespace {

// Otherwise a long output would end in the middle, with "Resource temporarily unavailable".
TEST(WriteAll, WaitsForAPipeThatAnotherProcessMadeNonBlocking) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  ::fcntl(pipe->write_end.get(), F_SETFL, O_NONBLOCK);
  const std::string bytes(1'000'000, 'x');  // more than a pipe holds
  std::size_t read = 0;
  std::thread reader([&] {
    pollfd ready{pipe->read_end.get(), POLLIN, 0};
    for (bool closed = false; !closed && ::poll(&ready, 1, 10'000) == 1;) {
      const Chunk chunk = read_available(pipe->read_end.get(), 65536);
      read += chunk.bytes.size();
      closed = chunk.closed;
    }
  });
  EXPECT_EQ(write_all(pipe->write_end.get(), bytes), 0);
  pipe->write_end.reset();
  reader.join();
  EXPECT_EQ(read, bytes.size());
}

TEST(WriteAll, ReturnsWhyBytesCouldNotBeWritten) {
  std::signal(SIGPIPE, SIG_IGN);
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  pipe->read_end.reset();
  EXPECT_EQ(write_all(pipe->write_end.get(), "x"), EPIPE);
  EXPECT_EQ(write_all(-1, "x"), EBADF);
  EXPECT_EQ(write_all(-1, ""), 0);
}

}  // namespace
}  // namespace sweep
