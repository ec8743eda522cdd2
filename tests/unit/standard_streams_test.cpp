// util/os/standard_streams: programs that are started with closed descriptors.
#include "util/os/standard_streams.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace sweep {
namespace {

/// Runs `check` in a child in which the descriptors `closed` are closed. Returns its exit status.
template <class Check>
int in_child_without(std::initializer_list<int> closed, Check check) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (const int fd : closed)
      ::close(fd);
    open_standard_streams();
    ::_exit(check());
  }
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Otherwise messages would be written into the first file that is opened.
TEST(StandardStreams, NoFileGetsTheNumberOfAClosedOne) {
  const auto number_of_a_file = [] { return ::open("/dev/null", O_WRONLY) > STDERR_FILENO ? 0 : 1; };
  EXPECT_EQ(in_child_without({1}, number_of_a_file), 0);
  EXPECT_EQ(in_child_without({0, 2}, number_of_a_file), 0);
  EXPECT_EQ(in_child_without({0, 1, 2}, number_of_a_file), 0);
}

TEST(StandardStreams, WritingToAClosedOneStillFails) {
  EXPECT_EQ(in_child_without({1}, [] { return ::write(1, "x", 1) < 0 ? errno : 0; }), EBADF);
}

TEST(StandardStreams, OpenOnesStayAsTheyAre) {
  EXPECT_EQ(in_child_without({}, [] { return ::write(1, "", 0) == 0 ? 0 : 1; }), 0);
}

}  // namespace
}  // namespace sweep
