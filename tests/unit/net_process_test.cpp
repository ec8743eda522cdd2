// util/os/process and signals: starting programs, their output and exit status, and signals, in an EventLoop.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "tests/unit/net_folder.hpp"
#include "tests/unit/net_loop.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/os/signals.hpp"
#include "util/text.hpp"

namespace sweep {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

// ---- processes

using SpawnInFolder = InFolder;

struct Ran {
  std::string out, err;
  ExitStatus status;
};

/// Runs a program to its end. Sets the output descriptors of `spec`.
Expected<Ran> run(SpawnSpec spec) {
  auto out = make_pipe();
  auto err = make_pipe();
  spec.out = out->write_end.get();
  spec.err = err->write_end.get();
  SWEEP_ASSIGN(auto child, spawn(spec));
  out->write_end.reset();
  err->write_end.reset();
  Ran ran;
  int open = 3;
  EventLoop loop;
  const auto collect = [&](int fd, std::string& into) {
    loop.watch(fd, [&loop, &into, &open, fd] {
      const Chunk chunk = read_available(fd, 4096);
      into += chunk.bytes;
      if (!chunk.closed) return;
      loop.unwatch(fd);
      --open;
    });
  };
  collect(out->read_end.get(), ran.out);
  collect(err->read_end.get(), ran.err);
  loop.watch(child.pidfd.get(), [&] {
    const auto status = reap(child.pid);
    ASSERT_TRUE(status);
    ran.status = *status;
    loop.unwatch(child.pidfd.get());
    --open;
  });
  if (!run_until(loop, [&] { return open == 0; })) {
    ::kill(child.pid, SIGKILL);
    return fail("it did not end");
  }
  return ran;
}

SpawnSpec shell(const std::string& script) {
  SpawnSpec spec;
  spec.argv = {"sh", "-c", script};
  spec.environment = {"PATH=/usr/bin:/bin"};
  return spec;
}

std::string why_not(const SpawnSpec& spec) {
  const auto child = spawn(spec);
  return child ? "it started" : child.error().message;
}

TEST(Spawn, OutputAndExitCode) {
  const auto ran = run(shell("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, "out\n");
  EXPECT_EQ(ran->err, "err\n");
  EXPECT_EQ(ran->status.code, 7);
  EXPECT_EQ(ran->status.signal, std::nullopt);
}

TEST(Spawn, EndBySignal) {
  const auto ran = run(shell("kill -TERM $$"));
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->status.code, std::nullopt);
  EXPECT_EQ(ran->status.signal, SIGTERM);
}

TEST(Spawn, ReapOfARunningChildIsNullopt) {
  const auto child = spawn(shell("exec sleep 1000"));
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(reap(child->pid), std::nullopt);
  ::kill(-child->pid, SIGKILL);
  EventLoop loop;
  std::optional<ExitStatus> status;
  loop.watch(child->pidfd.get(), [&] { status = reap(child->pid); });
  ASSERT_TRUE(run_until(loop, [&] { return status.has_value(); }));
  EXPECT_EQ(status->signal, SIGKILL);
}

TEST(Spawn, EnvironmentIsExactlyTheGivenOne) {
  ASSERT_EQ(::setenv("SWEEP_NET_TEST", "of the parent", 1), 0);
  SpawnSpec spec;
  spec.argv = {"/usr/bin/env"};
  spec.environment = {"A=1", "B=two words"};
  const auto ran = run(spec);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, "A=1\nB=two words\n");
  EXPECT_THAT(own_environment(), testing::Contains("SWEEP_NET_TEST=of the parent"));
}

TEST(Spawn, StandardInputIsEmpty) {
  const auto ran = run(shell("cat; readlink /proc/self/fd/0"));
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, "/dev/null\n");
}

TEST(Spawn, ChildHasNoOtherDescriptors) {
  // Without close-on-exec, as some libraries or srun leave them.
  const Fd low(::dup(2));
  const Fd high(::fcntl(2, F_DUPFD, 500));
  ASSERT_TRUE(low.open() && high.open());
  const auto ran = run(shell("exec ls /proc/self/fd"));
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, "0\n1\n2\n3\n");  // 3 is the directory that ls reads
}

TEST(Spawn, OutputDescriptorsMayBeSwapped) {
  // out is the parent's 2 and err its 1: moved one by one, each would overwrite the other.
  auto first = make_pipe();
  auto second = make_pipe();
  ASSERT_TRUE(first && second);
  const Fd saved_out(::dup(1));
  const Fd saved_err(::dup(2));
  ::dup2(first->write_end.get(), 1);
  ::dup2(second->write_end.get(), 2);
  SpawnSpec spec = shell("echo out; echo err >&2");
  spec.out = 2;
  spec.err = 1;
  const auto child = spawn(spec);
  ::dup2(saved_out.get(), 1);
  ::dup2(saved_err.get(), 2);
  ASSERT_TRUE(child) << child.error().message;
  EventLoop loop;
  bool ended = false;
  loop.watch(child->pidfd.get(), [&] { ended = reap(child->pid).has_value(); });
  ASSERT_TRUE(run_until(loop, [&] { return ended; }));
  EXPECT_EQ(read_available(first->read_end.get(), 100).bytes, "err\n");
  EXPECT_EQ(read_available(second->read_end.get(), 100).bytes, "out\n");
}

/// Sets the disposition of a signal until the end of the scope.
class Disposition {
 public:
  Disposition(int signal, void (*handler)(int)) : signal_(signal), before_(std::signal(signal, handler)) {}
  Disposition(const Disposition&) = delete;
  Disposition& operator=(const Disposition&) = delete;
  ~Disposition() { std::signal(signal_, before_); }

 private:
  int signal_;
  void (*before_)(int);
};

// Otherwise the child's errors would go where the parent's go.
TEST(Spawn, TooFewDescriptorsForTheOutputAreAnError) {
  const auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  SpawnSpec spec = shell("exit 0");
  spec.out = spec.err = pipe->write_end.get();
  const int free = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // One for /dev/null and one for the output; none for the errors.
  const rlimit few{static_cast<rlim_t>(free) + 2, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const std::string why = why_not(spec);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(why, "cannot start 'sh': Too many open files; raise the limit (ulimit -n)");
}

TEST(Spawn, NoSignalIsBlockedOrIgnored) {
  // The tests may have been started with these ignored.
  const Disposition hup(SIGHUP, SIG_DFL), interrupt(SIGINT, SIG_DFL), quit(SIGQUIT, SIG_DFL);
  const SignalFd blocked({SIGUSR2, SIGTERM});  // and ignores SIGPIPE
  const auto ran = run(shell("exec grep -E '^Sig(Blk|Ign)' /proc/self/status"));
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  sigset_t own;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGTERM), 1) << "spawn changed its caller's signals";
}

TEST(Spawn, SignalsThatNohupAndShellsIgnoreStayIgnored) {
  const Disposition hup(SIGHUP, SIG_IGN), interrupt(SIGINT, SIG_IGN), quit(SIGQUIT, SIG_IGN);
  const Disposition pipe(SIGPIPE, SIG_IGN), user(SIGUSR1, SIG_IGN);  // not the user's choice
  const auto ran = run(shell("exec grep -E '^SigIgn' /proc/self/status"));
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, "SigIgn:\t0000000000000007\n");
}

TEST(Spawn, OwnGroupIsOptional) {
  SpawnSpec spec = shell("read -r a b c d group rest < /proc/$$/stat; echo $group; echo $$");
  auto ran = run(spec);
  ASSERT_TRUE(ran) << ran.error().message;
  auto lines = split(ran->out, '\n');
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], lines[1]);
  spec.own_group = false;
  ran = run(spec);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(split(ran->out, '\n')[0], std::to_string(::getpgrp()));
}

TEST_F(SpawnInFolder, RunsInTheDirectory) {
  SpawnSpec spec = shell("pwd");
  spec.directory = folder_;
  const auto ran = run(spec);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, std::filesystem::canonical(folder_).string() + "\n");
  spec.directory = path("absent");
  EXPECT_EQ(why_not(spec), "cannot run in '" + path("absent") + "': No such file or directory");
}

TEST_F(SpawnInFolder, SearchesThePathOfTheGivenEnvironment) {
  ASSERT_TRUE(make_directories(path("a")) && make_directories(path("b")));
  put("a/tool", "#!/bin/sh\necho first\n", 0644);  // not executable, so it is skipped
  put("b/tool", "#!/bin/sh\necho second \"$0\" \"$@\"\n");
  SpawnSpec spec;
  spec.argv = {"tool", "x y"};
  spec.environment = {"PATH=" + path("absent") + ":" + path("a") + ":" + path("b")};
  const auto ran = run(spec);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, "second " + path("b/tool") + " x y\n");
  spec.environment = {"PATH=" + path("a")};
  EXPECT_EQ(why_not(spec),
            "cannot start 'tool': Permission denied; make it executable: chmod +x " + path("a/tool"));
  spec.environment = {"PATH=" + path("absent")};
  EXPECT_EQ(why_not(spec), "cannot start 'tool': not found in PATH");
  spec.directory = path("b");  // which has a program of that name
  EXPECT_EQ(why_not(spec), "cannot start 'tool': not found in PATH");
}

TEST_F(SpawnInFolder, ErrorAboutARelativePathIsAboutTheFileInItsDirectory) {
  put("b.sh", "#!/bin/sh\n", 0644);
  SpawnSpec spec;
  spec.argv = {"./b.sh"};
  spec.directory = folder_;
  EXPECT_EQ(why_not(spec), "cannot start './b.sh': Permission denied; make it executable: chmod +x ./b.sh");
}

TEST_F(SpawnInFolder, RunsAScriptWithoutItsFirstLineUnderSh) {
  SpawnSpec spec;
  spec.argv = {put("script", "echo \"$0|$1|$2\"; exit 4\n"), "a b", "c"};
  spec.environment = {"PATH=/usr/bin:/bin"};
  const auto ran = run(spec);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->out, path("script") + "|a b|c\n");
  EXPECT_EQ(ran->status.code, 4);
}

TEST_F(SpawnInFolder, ErrorSaysWhyNothingWasStarted) {
  const auto says = [](const std::string& program) {
    SpawnSpec spec;
    spec.argv = {program};
    return why_not(spec);
  };
  EXPECT_EQ(says(path("absent")), "cannot start '" + path("absent") + "': No such file or directory");
  EXPECT_EQ(says(folder_), "cannot start '" + folder_ + "': it is a directory");
  EXPECT_EQ(says(put("plain", "#!/bin/sh\n", 0644)),
            "cannot start '" + path("plain") + "': Permission denied; make it executable: chmod +x " +
                path("plain"));
  EXPECT_EQ(says(put("odd", "#!/no/such/interpreter -x\n")),
            "cannot start '" + path("odd") +
                "': the interpreter on its first line does not exist: '/no/such/interpreter'");
  EXPECT_EQ(says(put("windows", "#!/bin/sh\r\necho\r\n")),
            "cannot start '" + path("windows") +
                "': its lines end in CR LF; remove the CR: sed -i 's/\\r$//' " + path("windows"));
  EXPECT_EQ(why_not(SpawnSpec{}), "cannot start: no command");
  errno = 0;
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left behind";
  EXPECT_EQ(errno, ECHILD);
}

TEST(RunProgram, ReturnsTheEndOfTheOutput) {
  const std::vector<std::string> argv = {"sh", "-c", "printf 0123456789"};
  const std::vector<std::string> environment = own_environment();
  EXPECT_EQ(run_program(argv, {.environment = environment})->out, "0123456789");
  EXPECT_EQ(run_program(argv, {.environment = environment, .kept = 4})->out, "6789");
}

TEST(Spawn, ChildDiesWithItsParent) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  const pid_t parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    SpawnSpec spec = shell("echo ready; exec sleep 1000");
    spec.out = pipe->write_end.get();
    const auto child = spawn(spec);
    ::pause();
    ::_exit(child ? 0 : 1);
  }
  pipe->write_end.reset();
  std::string out;
  bool closed = false;
  EventLoop loop;
  loop.watch(pipe->read_end.get(), [&] {
    const Chunk chunk = read_available(pipe->read_end.get(), 100);
    out += chunk.bytes;
    closed = chunk.closed;
  });
  EXPECT_TRUE(run_until(loop, [&] { return out == "ready\n"; }));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(run_until(loop, [&] { return closed; })) << "the child outlived its parent";
}

// ---- pipes

TEST(Pipes, ReadAvailableReturnsBytesAndEndOfFile) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  const int fd = pipe->read_end.get();
  EXPECT_FALSE(read_available(fd, 10).closed);
  ASSERT_EQ(::write(pipe->write_end.get(), "abcdef", 6), 6);
  EXPECT_EQ(read_available(fd, 4).bytes, "abcd");
  EXPECT_EQ(read_available(fd, 4).bytes, "ef");
  const Chunk waiting = read_available(fd, 4);
  EXPECT_EQ(waiting.bytes, "");
  EXPECT_FALSE(waiting.closed);
  ASSERT_EQ(::write(pipe->write_end.get(), "g", 1), 1);
  pipe->write_end.reset();
  const Chunk last = read_available(fd, 4);
  EXPECT_EQ(last.bytes, "g");
  EXPECT_FALSE(last.closed);
  EXPECT_TRUE(read_available(fd, 4).closed);
  EXPECT_TRUE(read_available(-1, 4).closed);  // otherwise a loop would read forever
}

// ---- signals

TEST(Signals, SignalsAreReadFromTheDescriptor) {
  SignalFd signals({SIGUSR1, SIGUSR2});
  EXPECT_THAT(signals.take(), ElementsAre());
  ::kill(::getpid(), SIGUSR1);
  ::kill(::getpid(), SIGUSR2);
  ::kill(::getpid(), SIGUSR1);
  std::vector<int> taken;
  EventLoop loop;
  loop.watch(signals.fd(), [&] {
    for (const int signal : signals.take())
      taken.push_back(signal);
  });
  ASSERT_TRUE(run_until(loop, [&] { return taken.size() >= 2; }));
  EXPECT_THAT(taken, UnorderedElementsAre(SIGUSR1, SIGUSR2));
  EXPECT_THAT(signals.take(), ElementsAre());
}

TEST(Signals, SignalThatWasIgnoredIsNotDelivered) {
  const Disposition ignored(SIGUSR1, SIG_IGN), delivered(SIGUSR2, SIG_DFL);
  EXPECT_TRUE(is_ignored(SIGUSR1));
  EXPECT_THAT(without_ignored({SIGUSR1, SIGUSR2}), ElementsAre(SIGUSR2));
  SignalFd signals({SIGUSR1, SIGUSR2});
  ::kill(::getpid(), SIGUSR1);
  ::kill(::getpid(), SIGUSR2);
  EXPECT_THAT(signals.take(), ElementsAre(SIGUSR2));
}

TEST(Signals, ChildrenAreReapedAlsoIfSigchldWasIgnored) {
  const Disposition ignored(SIGCHLD, SIG_IGN);
  const SignalFd signals({SIGCHLD});
  const auto ran = run(shell("exit 3"));
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->status.code, 3);
}

TEST(Signals, WritingToAClosedPipeDoesNotEndTheProcess) {
  const SignalFd signals({SIGUSR1});
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  pipe->read_end.reset();
  EXPECT_EQ(::write(pipe->write_end.get(), "x", 1), -1);
}

}  // namespace
}  // namespace sweep
