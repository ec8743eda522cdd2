// sweep-agent --contain with a real bubblewrap: what a command sees, how it ends, and that no process or file
// is left.
#include "container/io/scoped_folders.hpp"
#include "container/io/supervise.hpp"
#include "tests/unit/container_helper.hpp"

namespace sweep::container {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Contain = InContainers;

TEST_F(Contain, CommandSeesImageWorkspaceAndNamedVariables) {
  auto what = request(
      R"(env; pwd; ls /; cat /models/weights; touch /new /tmp/t /dev/shm/s result.json; ls /tmp /dev/shm; exit 7)");
  ASSERT_TRUE(make_directories(path("models")));
  put("models/weights", "W");
  what.container.mounts = {path("models") + ":/models:ro"};
  what.image_variables = {"OF_IMAGE=it says"};
  const auto ended = run(what);
  EXPECT_EQ(ended.status.code, 7) << ended.out;
  EXPECT_FALSE(ended.note) << ended.note->reason;
  for (const char* seen : {"NAMED=yes\n", "OF_IMAGE=it says\n", "HOME=/tmp\n", "/workspace\n", "W",
                           "/tmp:\nt\n", "/dev/shm:\ns\n"})
    EXPECT_THAT(ended.out, HasSubstr(seen));
  EXPECT_THAT(ended.out, Not(HasSubstr("hidden")));
  struct stat info {};
  ASSERT_EQ(::stat(path("ws/result.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, ::getuid());
  EXPECT_FALSE(std::filesystem::exists(path("image/new")));
  EXPECT_THAT(places(), IsEmpty());
}

TEST_F(Contain, ReadOnlyMountsAndImagesCannotBeWritten) {
  ASSERT_TRUE(make_directories(path("models")));
  auto what = request("touch /models/x; touch /new; touch /tmp/x && echo written");
  what.container.mounts = {path("models") + ":/models:ro"};
  what.container.writable = false;
  const auto ended = run(what);
  EXPECT_THAT(ended.out, HasSubstr("/models/x"));
  EXPECT_THAT(ended.out, HasSubstr("cannot touch '/new'"));
  EXPECT_THAT(ended.out, HasSubstr("written"));
}

TEST_F(Contain, SignalThatEndsTheCommandIsInTheExitStatus) {
  // Bubblewrap exits with 128 + N, as shells do.
  EXPECT_EQ(run(request("kill -KILL $$")).status.code, 128 + SIGKILL);
}

TEST_F(Contain, MissingMountSourceIsTheNodesFault) {
  auto what = request("true");
  what.container.mounts = {"/nonexistent/hub:/mnt"};
  const auto ended = run(what);
  EXPECT_EQ(ended.status.code, kCannotContain);
  ASSERT_TRUE(ended.note);
  EXPECT_FALSE(ended.note->of_image);
  EXPECT_EQ(ended.note->reason,
            "node n1: cannot use the mount source '/nonexistent/hub': No such file or directory");
}

TEST_F(Contain, CommandMissingInTheImageIsTheBenchmarksFault) {
  for (const bool writable : {true, false}) {
    auto what = request("");
    what.argv = {"nvidia-smi"};
    what.container.writable = writable;
    const auto ended = run(what);
    EXPECT_EQ(ended.status.code, kCannotContain) << ended.out;
    ASSERT_TRUE(ended.note);
    EXPECT_TRUE(ended.note->of_image);
    EXPECT_THAT(ended.note->reason, HasSubstr("cannot start the command 'nvidia-smi': the image "));
  }
}

TEST_F(Contain, MissingImageIsTheNodesFault) {
  auto what = request("true");
  what.container.image = path("gone");
  const auto ended = run(what);
  ASSERT_TRUE(ended.note);
  EXPECT_FALSE(ended.note->of_image);
  EXPECT_THAT(ended.note->reason, HasSubstr("cannot set up the container: "));
  EXPECT_THAT(ended.note->reason, HasSubstr("gone"));
}

TEST_F(Contain, SigtermReachesTheCommand) {
  auto started = start(request("trap 'echo ended >end; exit 5' TERM; echo up; while :; do sleep 0.1; done"));
  ASSERT_THAT(until(started.out, "up"), HasSubstr("up"));
  ::kill(started.child.pid, SIGTERM);
  const auto ended = finish(started);
  EXPECT_EQ(ended.status.code, 5);
  EXPECT_EQ(read_file(path("ws/end"), 100).value_or(""), "ended\n");
}

constexpr const char* kStubborn =
    "trap '' TERM INT HUP; setsid sleep 1000 & (trap '' TERM; sleep 1000) & echo up; sleep 1000; sleep 1000";

TEST_F(Contain, SigquitKillsAllProcesses) {
  auto started = start(request(kStubborn));
  until(started.out, "up");
  EXPECT_THAT(marked(), SizeIs(testing::Ge(5U)));
  ::kill(started.child.pid, SIGQUIT);
  EXPECT_EQ(finish(started).status.signal, SIGKILL);
  EXPECT_TRUE(all_gone());
  EXPECT_THAT(places(), IsEmpty());
}

TEST_F(Contain, NoProcessOutlivesAKilledSupervisorAndFoldersAreRemoved) {
  auto started = start(request(kStubborn));
  until(started.out, "up");
  ::kill(started.child.pid, SIGKILL);
  EXPECT_EQ(end_of(started.child).signal, SIGKILL);
  EXPECT_TRUE(all_gone());
  EXPECT_THAT(places(), SizeIs(1));
  const auto done = remove_abandoned_containers(own_environment());
  EXPECT_THAT(done, SizeIs(1));
  EXPECT_THAT(places(), IsEmpty());
  EXPECT_THAT(remove_abandoned_containers(own_environment()), IsEmpty());
}

/// Both are ways in which a shell starts the agent: a job in the background ignores SIGQUIT.
class ContainOfAgent : public Contain, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Sigquit, ContainOfAgent, testing::Bool(),
                         [](const auto& one) { return one.param ? "Ignored" : "Default"; });

TEST_P(ContainOfAgent, NoProcessOutlivesTheAgent) {
  int up[2];
  ASSERT_EQ(::pipe(up), 0);
  const pid_t agent = ::fork();
  if (agent == 0) {
    if (GetParam()) std::signal(SIGQUIT, SIG_IGN);
    auto started = start(request(kStubborn));
    until(started.out, "up");
    std::ignore = ::write(up[1], "x", 1);
    ::pause();
  }
  char got = 0;
  ASSERT_EQ(::read(up[0], &got, 1), 1);
  EXPECT_FALSE(marked().empty());
  ::kill(agent, SIGKILL);
  ::waitpid(agent, nullptr, 0);
  EXPECT_TRUE(all_gone());
  EXPECT_THAT(places(), IsEmpty());
  ::close(up[0]);
  ::close(up[1]);
}

TEST_F(Contain, RunningContainerIsNotAbandoned) {
  auto started = start(request("echo up; sleep 1000"));
  until(started.out, "up");
  EXPECT_THAT(remove_abandoned_containers(own_environment()), IsEmpty());
  EXPECT_THAT(places(), SizeIs(1));
  ::kill(started.child.pid, SIGQUIT);
  finish(started);
}

/// A stand-in for docker that records its arguments; `run` waits until it is killed.
TEST_F(Contain, ContainerOfADaemonIsRemovedByName) {
  put("docker",
      "#!/bin/sh\necho \"$@\" >>" + path("calls") + "\n[ \"$1\" != run ] || { echo up; exec sleep 1000; }\n");
  auto what = request("true");
  what.runtime = Runtime::Docker;
  what.tool = path("docker");
  auto started = start(what);
  until(started.out, "up");
  ::kill(started.child.pid, SIGTERM);
  ::kill(started.child.pid, SIGQUIT);
  finish(started);
  const std::string calls = read_file(path("calls"), 10'000).value_or("");
  EXPECT_THAT(calls, HasSubstr("run --rm --init --name c1 "));
  EXPECT_THAT(calls, HasSubstr("rm --force c1\n"));
  EXPECT_TRUE(all_gone());
}

// The abandoned container may use the GPUs that the next one gets.
TEST_F(Contain, AbandonedContainerEndsBeforeTheNextOneStarts) {
  put("docker",
      "#!/bin/sh\necho \"$@\" >>" + path("calls") + "\n[ \"$1\" != run ] || { echo up; exec sleep 1000; }\n");
  auto what = request("true");
  what.runtime = Runtime::Docker;
  what.tool = path("docker");
  auto first = start(what);
  until(first.out, "up");
  ::kill(first.child.pid, SIGKILL);
  end_of(first.child);
  what.name = "c2";
  auto second = start(what);
  until(second.out, "up");
  const std::string calls = read_file(path("calls"), 10'000).value_or("");
  EXPECT_LT(calls.find("rm --force c1\n"), calls.find("--name c2 ")) << calls;
  EXPECT_THAT(places(), SizeIs(1));
  ::kill(second.child.pid, SIGQUIT);
  finish(second);
}

/// A stand-in for enroot that prints the script given with --rc, which replaces the image's entrypoint.
TEST_F(Contain, EnrootDoesNotRunTheImagesEntrypoint) {
  put("enroot", "#!/bin/sh\nwhile [ $# -gt 0 ] && [ \"$1\" != --rc ]; do shift; done\ncat \"$2\"; exit 5\n");
  auto what = request("true");
  what.runtime = Runtime::Enroot;
  what.tool = path("enroot");
  EXPECT_THAT(run(what).out, HasSubstr("exec \"$@\"\n"));
  EXPECT_THAT(places(), IsEmpty());
}

TEST_F(Contain, AbandonedContainerOfADaemonIsRemoved) {
  put("docker",
      "#!/bin/sh\necho \"$@\" >>" + path("calls") + "\n[ \"$1\" != run ] || { echo up; exec sleep 1000; }\n");
  auto what = request("true");
  what.runtime = Runtime::Docker;
  what.tool = path("docker");
  auto started = start(what);
  until(started.out, "up");
  ::kill(started.child.pid, SIGKILL);
  end_of(started.child);
  EXPECT_THAT(remove_abandoned_containers(own_environment()), SizeIs(1));
  EXPECT_THAT(read_file(path("calls"), 10'000).value_or(""), HasSubstr("rm --force c1\n"));
  EXPECT_THAT(places(), IsEmpty());
}

// At the end of a step Slurm sends SIGTERM to the command that removes the container, too.
TEST_F(Contain, RemovalIsRepeatedIfItsCommandIsInterrupted) {
  put("docker", "#!/bin/sh\necho \"$@\" >>" + path("calls") +
                    "\ncase $1 in run) echo up; exec sleep 1000 ;; esac\n[ -e " + path("again") +
                    " ] || { touch " + path("again") + "; kill $$; }\n");
  auto what = request("true");
  what.runtime = Runtime::Docker;
  what.tool = path("docker");
  auto started = start(what);
  until(started.out, "up");
  ::kill(started.child.pid, SIGKILL);
  end_of(started.child);
  EXPECT_THAT(remove_abandoned_containers(own_environment()),
              ElementsAre(testing::Field(&RemovedContainer::line, "removed the abandoned container c1")));
  EXPECT_THAT(places(), IsEmpty());
}

}  // namespace
}  // namespace sweep::container
