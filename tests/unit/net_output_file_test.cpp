// util/os/output_file: what happens to the thing that is at a path which the user named.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/unit/net_folder.hpp"
#include "util/os/output_file.hpp"
#include "util/os/process.hpp"
#include "util/os/signals.hpp"

namespace sweep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class OutputFiles : public InFolder {
 protected:
  mode_t kind(const std::string& name) const {
    struct stat info {};
    return ::lstat(path(name).c_str(), &info) == 0 ? info.st_mode & S_IFMT : 0;
  }
  std::string content(const std::string& name) const { return read_file(path(name), 1 << 20).value_or("?"); }
  std::string error_of(const std::string& path_) const {
    const auto written = write_output_file(path_, "x");
    return written ? "written" : written.error().message;
  }
};

TEST_F(OutputFiles, FileIsReplacedAtomicallyAndKeepsItsMode) {
  put("f", "old and longer", 0640);
  const Fd reader(::open(path("f").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(write_output_file(path("f"), "new"));
  EXPECT_EQ(content("f"), "new");
  EXPECT_EQ(read_available(reader.get(), 10).bytes, "old and lo");
  struct stat info {};
  ASSERT_EQ(::stat(path("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0640u);
  EXPECT_THAT(listing(), ElementsAre("f"));
}

TEST_F(OutputFiles, LinkIsFollowedAndStays) {
  ASSERT_TRUE(make_directories(path("store")));
  put("store/r", "old");
  ASSERT_EQ(::symlink("store/r", path("link").c_str()), 0);
  ASSERT_EQ(::symlink("link", path("second").c_str()), 0);
  ASSERT_EQ(::symlink("store/absent", path("dangling").c_str()), 0);
  ASSERT_EQ(::symlink("loop", path("loop").c_str()), 0);
  ASSERT_TRUE(write_output_file(path("second"), "new"));
  ASSERT_TRUE(write_output_file(path("dangling"), "made"));
  EXPECT_EQ(content("store/r"), "new");
  EXPECT_EQ(content("store/absent"), "made");
  EXPECT_EQ(kind("link"), S_IFLNK);
  EXPECT_EQ(kind("second"), S_IFLNK);
  EXPECT_EQ(kind("dangling"), S_IFLNK);
  EXPECT_EQ(error_of(path("loop")), "cannot write '" + path("loop") + "': Too many levels of symbolic links");
  EXPECT_THAT(names_in(path("store")), UnorderedElementsAre("r", "absent"));
}

TEST_F(OutputFiles, RootFollowsNoLinkOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  put("kept", "old");
  ASSERT_EQ(::symlink("kept", path("link").c_str()), 0);
  ASSERT_EQ(::lchown(path("link").c_str(), 65534, 65534), 0);
  EXPECT_THAT(error_of(path("link")), HasSubstr("is another user's link, which root does not follow"));
  EXPECT_EQ(content("kept"), "old");
}

// Uses a terminal and devices in its own folder: if this fails, no file in /dev is replaced.
TEST_F(OutputFiles, DeviceIsWrittenTo) {
  const Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(terminal.open() && ::grantpt(terminal.get()) == 0 && ::unlockpt(terminal.get()) == 0);
  ASSERT_EQ(::symlink(::ptsname(terminal.get()), path("tty").c_str()), 0);
  const Fd keeps_it_open(::open(path("tty").c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(check_output_file(path("tty")));
  ASSERT_TRUE(write_output_file(path("tty"), "shown"));
  EXPECT_EQ(read_available(terminal.get(), 100).bytes, "shown");
  EXPECT_EQ(kind("tty"), S_IFLNK);

  // Only root may make a device, and only some file systems let it be opened.
  if (::mknod(path("full").c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0) return;
  if (!Fd(::open(path("full").c_str(), O_WRONLY | O_CLOEXEC)).open()) return;
  EXPECT_THAT(error_of(path("full")), HasSubstr("': No space left on device; free space"));
  EXPECT_EQ(kind("full"), S_IFCHR);
}

TEST_F(OutputFiles, FifoIsWrittenToAndNeverWaitedFor) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(error_of(path("fifo")), HasSubstr("no process reads it; start the reader first: cat "));
  const Fd reader(::open(path("fifo").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  ASSERT_TRUE(write_output_file(path("fifo"), "bytes"));
  EXPECT_EQ(read_available(reader.get(), 10).bytes, "bytes");
  EXPECT_EQ(kind("fifo"), S_IFIFO);
  EXPECT_THAT(listing(), ElementsAre("fifo"));
}

TEST_F(OutputFiles, ReaderOfAHeldFifoWaits) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  put("file", "");
  EXPECT_FALSE(hold_fifo(path("fifo")));
  EXPECT_FALSE(hold_fifo(path("file"))->open());
  EXPECT_FALSE(hold_fifo(path("absent"))->open());
  const Fd reader(::open(path("fifo").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const auto held = hold_fifo(path("fifo"));
  ASSERT_TRUE(held && held->open());
  EXPECT_FALSE(read_available(reader.get(), 10).closed);
  ASSERT_TRUE(write_output_file(path("fifo"), "x"));
  EXPECT_EQ(read_available(reader.get(), 10).bytes, "x");
}

TEST_F(OutputFiles, FifoWithAFullBufferIsWrittenCompletely) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  const std::string bytes(300'000, 'x');
  std::string got;
  const Fd first(::open(path("fifo").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::thread reader([&] {
    const Fd fd(::open(path("fifo").c_str(), O_RDONLY | O_CLOEXEC));
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(fd.get(), buffer, sizeof buffer)) > 0;)
      got.append(buffer, static_cast<std::size_t>(size));
  });
  EXPECT_TRUE(write_output_file(path("fifo"), bytes));
  reader.join();
  EXPECT_EQ(got, bytes);
}

TEST_F(OutputFiles, DescriptorIsWrittenToAtItsPosition) {
  const Fd file(::open(path("out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(file.get(), "before ", 7), 7);
  const std::string number = std::to_string(file.get());
  ASSERT_EQ(::symlink(("/dev/fd/" + number).c_str(), path("link").c_str()), 0);
  ASSERT_TRUE(write_output_file("/proc/self/fd/" + number, "one "));
  ASSERT_TRUE(write_output_file("/dev/fd/" + number, "two "));
  ASSERT_TRUE(write_output_file(path("link"), "three"));
  EXPECT_EQ(content("out"), "before one two three");
  EXPECT_THAT(listing(), UnorderedElementsAre("out", "link"));

  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  ASSERT_TRUE(write_output_file("/proc/self/fd/" + std::to_string(pipe->write_end.get()), "x"));
  EXPECT_EQ(read_available(pipe->read_end.get(), 9).bytes, "x");
  EXPECT_FALSE(check_output_file("/proc/self/fd/" + std::to_string(pipe->read_end.get())));
}

TEST_F(OutputFiles, ErrorNamesPathReasonAndRemedy) {
  EXPECT_EQ(error_of(path("absent/f")), "cannot write '" + path("absent/f") +
                                            "': No such file or directory; create its directory first: mkdir "
                                            "-p " +
                                            path("absent"));
  EXPECT_EQ(error_of(folder_), "cannot write '" + folder_ + "': Is a directory; give the path of a file");
  put("file", "");
  EXPECT_THAT(error_of(path("file/f")),
              HasSubstr("Not a directory; '" + path("file") + "' is not a directory"));
  EXPECT_THAT(error_of(path(std::string(256, 'n'))),
              HasSubstr("File name too long; give a name of at most 255"));
  EXPECT_THAT(error_of(""), HasSubstr("cannot write ''"));
}

TEST_F(OutputFiles, LongestNameIsPossible) {
  const std::string longest(255, 'n');
  ASSERT_TRUE(check_output_file(path(longest)));
  ASSERT_TRUE(write_output_file(path(longest), "x"));
  EXPECT_EQ(content(longest), "x");
  EXPECT_THAT(listing(), ElementsAre(longest));
}

TEST_F(OutputFiles, CheckFindsWhatWouldFailAndChangesNothing) {
  put("f", "old");
  EXPECT_TRUE(check_output_file(path("f")));
  EXPECT_TRUE(check_output_file(path("new")));
  EXPECT_FALSE(check_output_file(path("absent/f")));
  EXPECT_FALSE(check_output_file(folder_));
  EXPECT_FALSE(check_output_file(path(std::string(256, 'n'))));
  EXPECT_THAT(error_of("/proc/self/fd/999"), HasSubstr("Bad file descriptor; this descriptor is not open"));
  EXPECT_FALSE(check_output_file("/proc/self/fd/999"));
  EXPECT_FALSE(check_output_file("/proc/f"));
  EXPECT_EQ(content("f"), "old");
  EXPECT_THAT(listing(), ElementsAre("f"));
}

TEST_F(OutputFiles, LimitOfFileSizesIsAnErrorAndLeavesNothing) {
  put("f", "old");
  set_standard_dispositions();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write_output_file(path("f"), std::string(1'000'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_DFL);
  ASSERT_FALSE(written);
  EXPECT_EQ(
      written.error().message,
      "cannot write '" + path("f") + "': File too large; raise the limit on file sizes: ulimit -f unlimited");
  EXPECT_EQ(content("f"), "old");
  EXPECT_THAT(listing(), ElementsAre("f"));
}

/// Returns the id of a process that has ended.
long ended_process() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  return pid;
}

TEST_F(OutputFiles, LeftoversOfEndedProcessesAreRemoved) {
  const std::string dead = std::to_string(ended_process());
  const std::string running = std::to_string(::getppid());
  for (const std::string& name : {"f.tmp-" + dead, "f.tmp-" + running, "other.tmp-" + dead,
                                  "f.tmp-" + dead + "x", std::string("f.tmp-"), std::string("f.tmp-0")})
    put(name, "half");
  ASSERT_TRUE(write_output_file(path("f"), "new"));
  EXPECT_THAT(listing(), UnorderedElementsAre("f", "f.tmp-" + running, "other.tmp-" + dead,
                                              "f.tmp-" + dead + "x", "f.tmp-", "f.tmp-0"));
}

TEST_F(OutputFiles, LeftoverThatAnotherMachineStillWritesIsKept) {
  // Process ids of another machine mean nothing here; its writer holds a lock.
  const std::string name = "f.tmp-" + std::to_string(ended_process());
  put(name, "half");
  const Fd writer(::open(path(name).c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(writer.get(), LOCK_EX), 0);
  ASSERT_TRUE(write_output_file(path("f"), "new"));
  EXPECT_EQ(content(name), "half");
}

}  // namespace
}  // namespace sweep
