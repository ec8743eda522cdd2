// util/os/files and clock, proto/net/event_loop.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>

#include "proto/base/env_names.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/net_loop.hpp"
#include "util/os/fd.hpp"
#include "util/os/process.hpp"

namespace sweep {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

// ---- files

using FilesInFolder = InFolder;

TEST_F(FilesInFolder, AtomicWriteReplacesAndLeavesNoOtherFile) {
  ASSERT_TRUE(write_file_atomic(path("f"), "old and longer"));
  ASSERT_TRUE(write_file_atomic(path("f"), std::string("new\0", 4), 0600));
  EXPECT_EQ(read_file(path("f"), 100), std::string("new\0", 4));
  struct stat info {};
  ASSERT_EQ(::stat(path("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  EXPECT_THAT(listing(), ElementsAre("f"));
}

TEST_F(FilesInFolder, AtomicWriteDoesNotChangeAFileThatIsOpen) {
  ASSERT_TRUE(write_file_atomic(path("f"), "old"));
  const Fd reader(::open(path("f").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(write_file_atomic(path("f"), "new"));
  EXPECT_EQ(read_available(reader.get(), 10).bytes, "old");
}

TEST_F(FilesInFolder, AtomicWriteThatFailsKeepsTheOldFile) {
  ASSERT_TRUE(make_directories(path("d")));
  const auto onto_directory = write_file_atomic(path("d"), "x");
  ASSERT_FALSE(onto_directory);
  EXPECT_EQ(onto_directory.error().message, "cannot write '" + path("d") + "': Is a directory");
  const auto nowhere = write_file_atomic(path("absent/f"), "x");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().message, "cannot write '" + path("absent/f") + "': No such file or directory");

  ASSERT_TRUE(write_file_atomic(path("f"), "old"));
  // Like a full disk, the limit makes the kernel stop the write in the middle.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{4096, before.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto too_large = write_file_atomic(path("f"), std::string(10'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_DFL);
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().message, "cannot write '" + path("f") + "': File too large");
  EXPECT_EQ(read_file(path("f"), 100), "old");
  EXPECT_THAT(listing(), UnorderedElementsAre("d", "f"));
}

TEST_F(FilesInFolder, FileWrittenInPiecesIsCompleteOrAbsent) {
  std::string all;
  {
    AtomicFile file(path("f"));
    for (const std::size_t size : {1u, 200'000u, 62'143u, 1u, 300'000u, 262'144u, 5u}) {
      const std::string piece(size, static_cast<char>('a' + size % 26));
      file.write(piece);
      all += piece;
    }
    EXPECT_FALSE(std::filesystem::exists(path("f"))) << "before it is finished";
    ASSERT_TRUE(file.finish());
  }
  EXPECT_EQ(read_file(path("f"), all.size()), all);
  {
    AtomicFile given_up(path("f"));
    given_up.write("other");
  }
  EXPECT_EQ(read_file(path("f"), all.size()), all);
  EXPECT_THAT(listing(), ElementsAre("f"));
}

TEST_F(FilesInFolder, LeftoverOfTheTemporaryNameIsReplacedNotOpened) {
  const std::string leftover = temporary_name(path("f"), ::getpid());
  ASSERT_EQ(::mkfifo(leftover.c_str(), 0600), 0);
  EXPECT_TRUE(write_file_atomic(path("f"), "new"));
  put("other", "another user's");
  ASSERT_EQ(::link(path("other").c_str(), leftover.c_str()), 0);
  EXPECT_TRUE(write_file_atomic(path("f"), "newer"));
  EXPECT_EQ(read_file(path("f"), 100), "newer");
  EXPECT_EQ(read_file(path("other"), 100), "another user's");
}

TEST_F(FilesInFolder, ReadFileRefusesOtherKindsAndLargeFiles) {
  put("five", "12345");
  EXPECT_EQ(read_file(path("five"), 5), "12345");
  const auto says = [&](const std::string& name, std::size_t max_bytes) {
    const auto bytes = read_file(path(name), max_bytes);
    return bytes ? "read: " + *bytes : bytes.error().message;
  };
  EXPECT_EQ(says("five", 4), "'" + path("five") + "' is larger than 4 bytes");
  EXPECT_EQ(says("absent", 4), "cannot read '" + path("absent") + "': No such file or directory");
  EXPECT_EQ(says(".", 4), "cannot read '" + path(".") + "': Is a directory");
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(says("fifo", 4), "cannot read '" + path("fifo") + "': not a regular file");
}

TEST_F(FilesInFolder, AppendAndDirectories) {
  ASSERT_TRUE(make_directories(path("a/b/c")));
  ASSERT_TRUE(make_directories(path("a/b/c")));  // it exists already
  ASSERT_TRUE(append_file(path("a/b/c/log"), "one\n"));
  ASSERT_TRUE(append_file(path("a/b/c/log"), "two\n"));
  EXPECT_EQ(read_file(path("a/b/c/log"), 100), "one\ntwo\n");
  const auto below = make_directories(path("a/b/c/log/d"));
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().message,
            "cannot create the directory '" + path("a/b/c/log/d") + "': Not a directory");
  const auto onto = append_file(path("a"), "x");
  ASSERT_FALSE(onto);
  EXPECT_EQ(onto.error().message, "cannot write '" + path("a") + "': Is a directory");
}

TEST(Files, OwnExecutableIsThisProgram) {
  EXPECT_TRUE(own_executable().ends_with("/net_test")) << own_executable();
  EXPECT_THAT(own_command(SWEEP_ENV_LOADER, SWEEP_ENV_AGENT), testing::ElementsAre(own_executable()));
  ::setenv(SWEEP_ENV_LOADER, "/in/lib/ld.so", 1);
  ::setenv(SWEEP_ENV_AGENT, "/in/bin/sweep-agent", 1);
  EXPECT_THAT(own_command(SWEEP_ENV_LOADER, SWEEP_ENV_AGENT),
              testing::ElementsAre("/in/lib/ld.so", "--library-path", "/in/lib", "/in/bin/sweep-agent"));
  ::unsetenv(SWEEP_ENV_LOADER);
  ::unsetenv(SWEEP_ENV_AGENT);
  EXPECT_NE(host_name(), "");
}

// ---- clock

TEST(Clock, WritesTimesForPeopleAndForFileNames) {
  ASSERT_EQ(::setenv("TZ", "XYZ-1", 1), 0);  // an hour east of Greenwich
  ::tzset();
  const Instant at = from_unix_ms(1'763'643'785'999);
  EXPECT_EQ(utc_time(at), "2025-11-20T13:03:05Z");
  EXPECT_EQ(local_time(at), "2025-11-20 14:03:05");
  EXPECT_EQ(local_stamp(at), "20251120_140305");
}

// ---- loop

TEST(Loop, StepEndsAtTheDeadlineNotBefore) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  EventLoop loop;
  loop.watch(pipe->read_end.get(), [] { ADD_FAILURE() << "nothing was written"; });
  const Instant deadline = now() + Millis(30);
  loop.step(deadline);
  EXPECT_GE(now(), deadline);
  const Instant before = now();
  loop.step(before - Millis(1'000));  // a deadline that has passed does not wait
  EXPECT_LT(now(), before + kPatience);
}

TEST(Loop, HandlerMayRemoveItselfAndOthers) {
  auto first = make_pipe();
  auto second = make_pipe();
  ASSERT_TRUE(first && second);
  int calls = 0;
  EventLoop loop;
  const auto handler = [&] {
    ++calls;
    loop.unwatch(first->read_end.get());
    loop.unwatch(second->read_end.get());
  };
  loop.watch(first->read_end.get(), handler);
  loop.watch(second->read_end.get(), handler);
  ASSERT_EQ(::write(first->write_end.get(), "x", 1), 1);
  ASSERT_EQ(::write(second->write_end.get(), "x", 1), 1);
  loop.step(now() + kPatience);  // both are ready
  EXPECT_EQ(calls, 1);
  loop.step(now());
  EXPECT_EQ(calls, 1);
}

TEST(Loop, ClosedEndIsReported) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  pipe->write_end.reset();
  bool closed = false;
  EventLoop loop;
  loop.watch(pipe->read_end.get(), [&] { closed = read_available(pipe->read_end.get(), 1).closed; });
  loop.step(now() + kPatience);
  EXPECT_TRUE(closed);
}

}  // namespace
}  // namespace sweep
