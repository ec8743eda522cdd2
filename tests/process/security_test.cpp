// Another user of the same machine cannot do anything to a sweep, even with its key, and the sweep's secrets
// are not in any place that others can read. The first part needs two users, and therefore root.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "proto/base/env_names.hpp"
#include "tests/process/waiting_sweep.hpp"
#include "tests/unit/net_munged.hpp"
#include "util/os/files.hpp"

namespace sweep {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr uid_t kOwner = 65'534, kOther = 65'533;
constexpr std::size_t kMost = 64 << 20;

std::string bytes_of(const std::string& path) {  // read_file() needs a size, which files of /proc do not have
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// --- another user

class AnotherUser : public WaitingSweep {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can run programs as two different users";
    Program probe(directory_, as(kOwner, {bin("sweepctl"), "--version"}));
    if (probe.finish() != 0) GTEST_SKIP() << "other users cannot run programs in " << SWEEP_BIN_DIR;
  }
  static std::string bin(const std::string& program) { return std::string(SWEEP_BIN_DIR) + "/" + program; }
  static std::vector<std::string> as(uid_t uid, std::vector<std::string> argv) {
    const std::string id = std::to_string(uid);
    argv.insert(argv.begin(), {"/usr/bin/setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups"});
    return argv;
  }
  /// Returns the command of the sweep, run as its owner.
  std::vector<std::string> sweep() {
    ::chmod(directory_.c_str(), 0755);
    for (const auto& item : fs::directory_iterator(directory_))
      EXPECT_EQ(::chown(item.path().c_str(), kOwner, kOwner), 0);
    EXPECT_EQ(::chown(directory_.c_str(), kOwner, kOwner), 0);
    std::vector<std::string> command = command_;
    command[0] = bin(command[0]);
    return as(kOwner, command);
  }
  /// Returns the environment of an agent with this key.
  static std::vector<std::string> key_of(const ControlFile& to, const std::string& secret) {
    return {SWEEP_ENV_ENDPOINT "=" + to.endpoint, SWEEP_ENV_SERVER_KEY "=" + to.server_key,
            SWEEP_ENV_CLIENT_SECRET "=" + secret};
  }
};

TEST_F(AnotherUser, CannotReadSecretsOrStatusOrCancel) {
  prepare("auth: key\n");
  Program run(directory_, sweep());
  ASSERT_TRUE(benchmark_waits()) << run.err();
  Program reads(directory_, as(kOther, {"/bin/cat", "out/sweep.control"}));
  EXPECT_EQ(reads.finish(), 1);
  EXPECT_EQ(reads.out(), "");
  for (const char* command : {"status", "cancel"}) {
    Program asks(directory_, as(kOther, {bin("sweepctl"), command, "out"}));
    EXPECT_EQ(asks.finish(), 1) << command << asks.out();
    EXPECT_THAT(asks.err(), HasSubstr("sweep.control")) << command;
    EXPECT_EQ(asks.out(), "") << command;
  }
  Program owner(directory_, as(kOwner, {bin("sweepctl"), "status", "out"}));
  EXPECT_EQ(owner.finish(), 0) << owner.err();
  EXPECT_THAT(owner.out(), HasSubstr("0 of 1 done, 1 running"));
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
}

TEST_F(AnotherUser, IsRefusedWithAnotherKey) {
  prepare("auth: key\n");
  Program run(directory_, sweep());
  ASSERT_TRUE(benchmark_waits()) << run.err();
  Program agent(directory_, as(kOther, {bin("sweep-agent")}), key_of(control(), make_key_pair().secret_key));
  EXPECT_NE(agent.finish(), 0);
  EXPECT_THAT(agent.err(), HasSubstr("does not accept this sweep's key"));
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("with a wrong key refused"));
}

TEST_F(AnotherUser, IsRefusedByMungeEvenWithTheSweepsKey) {
  Munged munged;
  if (const std::string why = munged.start(); !why.empty()) GTEST_SKIP() << why;
  const std::string conf = "SLURM_CONF=" + munged.conf();
  prepare("auth: munge\n");
  Program run(directory_, sweep(), {conf});  // the owner's agent is admitted
  ASSERT_TRUE(benchmark_waits()) << run.err();
  std::vector<std::string> environment = key_of(control(), control().client_secret);
  environment.push_back(conf);
  Program agent(directory_, as(kOther, {bin("sweep-agent")}), environment);
  EXPECT_NE(agent.finish(), 0);
  EXPECT_THAT(agent.err(), HasSubstr("a munge credential of another user than uid 65534"));
  environment.pop_back();
  environment.push_back("SLURM_CONF=/dev/null");
  Program without(directory_, as(kOther, {bin("sweep-agent")}), environment);
  EXPECT_NE(without.finish(), 0);
  EXPECT_THAT(without.err(), HasSubstr("sent no munge credential"));
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("2 agents refused although they had the sweep's key"));
}

// --- munge, as one user

class MungeSweep : public WaitingSweep {};

TEST_F(MungeSweep, UsesMungeByItselfAndAdmitsItsOwnAgents) {
  Munged munged;
  if (const std::string why = munged.start(); !why.empty()) GTEST_SKIP() << why;
  prepare();  // auth: auto
  Program run(directory_, command_, {"SLURM_CONF=" + munged.conf()});
  ASSERT_TRUE(benchmark_waits()) << run.err();
  ClientSocket socket = peer();
  wire::Hello hello;
  hello.agent = "another";
  hello.node = "n1";
  socket.send(hello);
  const auto reject = next<wire::Reject>(socket);
  ASSERT_TRUE(reject);
  EXPECT_THAT(reject->reason, HasSubstr("agent another on n1 sent no munge credential"));
  EXPECT_THAT(reject->reason, HasSubstr("auth: key"));
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(read("out/logs/controller.log"),
              HasSubstr("admitted by the sweep's key and a munge credential"));
}

TEST_F(MungeSweep, StatusAndCancelAreOnlyForTheOwner) {
  Munged munged;
  if (const std::string why = munged.start(); !why.empty()) GTEST_SKIP() << why;
  prepare();
  const std::vector<std::string> with_munge = {"SLURM_CONF=" + munged.conf()};
  Program run(directory_, command_, with_munge);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  ClientSocket with_the_key = peer();
  with_the_key.send(wire::StatusRequest{});
  auto reject = next<wire::Reject>(with_the_key);
  ASSERT_TRUE(reject);
  EXPECT_THAT(reject->reason, HasSubstr("the sender of the status request sent no munge credential"));
  with_the_key.send(wire::StopRequest{"mine now", true});
  reject = next<wire::Reject>(with_the_key);
  ASSERT_TRUE(reject);
  EXPECT_THAT(reject->reason, HasSubstr("the sender of the stop request sent no munge credential"));

  Program status(directory_, {"sweepctl", "status", "out"}, with_munge);
  EXPECT_EQ(status.finish(), 0) << status.err();
  EXPECT_THAT(status.out(), HasSubstr("1 running"));
  Program cancel(directory_, {"sweepctl", "cancel", "out"}, with_munge);
  EXPECT_EQ(cancel.finish(), 0) << cancel.err();
  EXPECT_EQ(run.finish(), 1) << run.err();
}

TEST_F(MungeSweep, DoesNotStartWithoutMungeIfTheProfileRequiresIt) {
  write("slurm.conf", "AuthInfo=socket=" + path("none") + "\n");
  prepare("auth: munge\n");
  Program run(directory_, command_, {"SLURM_CONF=" + path("slurm.conf")});
  EXPECT_EQ(run.finish(), 1);
  EXPECT_THAT(run.err(), HasSubstr("start munged on this machine, or set 'auth: key'"));
}

// --- files of a folder in which others can write

class GroupFolder : public WaitingSweep {
 protected:
  /// Returns the log file of the benchmark's standard output, as soon as it exists.
  std::string log_file() {
    constexpr int kTries = 2'000;
    ClientSocket own = peer();
    for (int i = 0; i < kTries; ++i) {
      for (const auto& item : fs::directory_iterator(path("out/logs"))) {
        if (item.path().extension() == ".out") return item.path().string();
      }
      status(own);  // the controller has turned its loop once more
    }
    ADD_FAILURE() << "no log file";
    return {};
  }
};

// A FIFO or a link in place of a log file, or a folder that is a link, neither stops the sweep nor is
// followed.
TEST_F(GroupFolder, FifosAndLinksOfOthersAreNeitherOpenedNorFollowed) {
  prepare();
  write("waits.sh",
        std::string(kGoodBenchmark) + "exec 3<>go\necho here >started\nread line <&3\necho late output\n",
        true);
  write("private", "mine\n");
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  const std::string log = log_file();
  fs::remove(log);
  ASSERT_EQ(::symlink(path("private").c_str(), log.c_str()), 0);
  fs::rename(path("out/raw"), path("out/raw-moved"));
  fs::create_directory(path("elsewhere"));
  ASSERT_EQ(::symlink(path("elsewhere").c_str(), path("out/raw").c_str()), 0);
  let_benchmark_end();
  static_cast<void>(run.finish());
  EXPECT_EQ(read("private"), "mine\n");
  EXPECT_TRUE(fs::is_empty(path("elsewhere")));
  EXPECT_THAT(run.err(), HasSubstr("it is a symbolic link"));
}

TEST_F(GroupFolder, AFifoInPlaceOfALogFileDoesNotStopTheController) {
  prepare();
  write("waits.sh",
        std::string(kGoodBenchmark) + "exec 3<>go\necho here >started\nread line <&3\necho late output\n",
        true);
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  const std::string log = log_file();
  fs::remove(log);
  ASSERT_EQ(::mkfifo(log.c_str(), 0666), 0);
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("not a regular file"));
}

// Root's own commands become the folder's owner, so that a link of the owner leads only where the owner may
// write.
TEST_F(AnotherUser, RootBecomesTheOwnerOfTheFolder) {
  prepare();
  write("waits.sh", kGoodBenchmark, true);
  Program run(directory_, sweep());
  ASSERT_EQ(run.finish(), 0) << run.err();
  fs::create_directory(path("roots"));
  ASSERT_EQ(::chown(path("roots").c_str(), 0, 0), 0);
  fs::remove_all(path("out/raw"));
  fs::remove(path("out/summary.txt"));
  fs::create_symlink(path("roots"), path("out/raw"));
  Program aggregate(directory_, {"sweepctl", "aggregate", "out"});
  EXPECT_EQ(aggregate.finish(), 1) << "raw/ cannot be written";
  EXPECT_THAT(aggregate.err(), HasSubstr("going on as that user instead of root"));
  EXPECT_TRUE(fs::is_empty(path("roots")));
  struct stat info {};
  ASSERT_EQ(::stat(path("out/summary.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, kOwner);
  Program resume(directory_, {"sweepctl", "run", "--resume", "--output", "out"});
  EXPECT_EQ(resume.finish(), 1);
  EXPECT_THAT(resume.err(), HasSubstr("as root"));
}

// --- secrets

class Secrets : public WaitingSweep {};

TEST_F(Secrets, AreOnlyInTheControlFile) {
  prepare();
  // The benchmark's own environment; what it could read of the agent's is described in docs/security.md.
  write("waits.sh",
        std::string(kGoodBenchmark) + "env >seen.env\nexec 3<>go\necho here >started\nread line <&3\n", true);
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  const ControlFile to = control();
  struct stat info {};
  ASSERT_EQ(::stat(path("out/sweep.control").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  const std::vector<std::string> secrets = {to.client_secret, to.server_secret};
  for (const std::string& secret : secrets)
    ASSERT_EQ(secret.size(), 40u);
  const auto clean = [&](const std::string& text, const std::string& where) {
    for (const std::string& secret : secrets)
      EXPECT_EQ(text.find(secret), std::string::npos) << where;
  };
  int processes = 0, environments = 0;
  for (const auto& item : fs::directory_iterator("/proc")) {
    const std::string name = item.path().filename().string();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    const std::string line = bytes_of(item.path().string() + "/cmdline");
    const std::string environment = bytes_of(item.path().string() + "/environ");
    clean(line, "command line of " + name);
    clean(environment, "environment of " + name);
    processes += line.find("sweep") != std::string::npos ? 1 : 0;
    environments += environment.find(directory_.string()) != std::string::npos ? 1 : 0;
  }
  EXPECT_GE(processes, 2);     // controller, agent
  EXPECT_GE(environments, 2);  // the check has seen the environments of the test's processes
  const std::string seen = read("seen.env");
  EXPECT_THAT(seen, HasSubstr("RESULT_FILENAME="));
  EXPECT_THAT(seen, testing::Not(HasSubstr(SWEEP_ENV_PREFIX)));
  clean(seen, "the benchmark's environment");
  const auto files_are_clean = [&] {
    int files = 0;
    for (const auto& item : fs::recursive_directory_iterator(path("out"))) {
      if (!item.is_regular_file() || item.path().filename() == "sweep.control") continue;
      clean(read_file(item.path().string(), kMost).value_or(""), item.path().string());
      ++files;
    }
    return files;
  };
  EXPECT_GE(files_are_clean(), 2);
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_FALSE(exists("out/sweep.control"));
  EXPECT_GE(files_are_clean(), 8);
  for (const char* name : {"out/logs/controller.log", "out/summary.txt", "out/manifest.json", "out/sweep.db"})
    EXPECT_TRUE(exists(name)) << name;
  clean(run.out() + run.err(), "the terminal");
}

TEST_F(Secrets, OfEnvironmentAndCommandAreNotRecorded) {
  prepare();
  write("waits.sh", std::string(kGoodBenchmark), true);
  write("profile.yaml",
        "gpus: ignore\nenv: { MY_PASS: S1X, DB_PWD: S2X, STORE: 'https://u:S3X@h/', NCCL_DEBUG: WARN,\n"
        "  SERVER_ARGS: '--api-key S4X', HF_TOKEN: hf_S5X }\n");
  std::vector<std::string> command = command_;
  command.insert(command.end(), {"--api-key", "S6X", "MINE=S7X"});
  Program run(directory_, command);
  EXPECT_EQ(run.finish(), 0) << run.err();
  int files = 0;
  bool useful = false;
  for (const auto& item : fs::recursive_directory_iterator(path("out"))) {
    if (!item.is_regular_file()) continue;
    const std::string bytes = read_file(item.path().string(), kMost).value_or("");
    for (const char* secret : {"S1X", "S2X", "S3X", "S4X", "S5X", "S6X", "S7X"})
      EXPECT_EQ(bytes.find(secret), std::string::npos) << secret << " in " << item.path();
    useful = useful || (bytes.find("\"NCCL_DEBUG\": \"WARN\"") != std::string::npos &&
                        bytes.find("\"MY_PASS\": \"(set)\"") != std::string::npos);
    ++files;
  }
  EXPECT_GE(files, 8);
  EXPECT_TRUE(useful) << "the record names the variables";
  Program show(directory_, {"sweepctl", "profile", "show", "--profile", "profile.yaml"});
  EXPECT_EQ(show.finish(), 0) << show.err();
  for (const char* secret : {"S1X", "S2X", "S3X", "S4X", "S5X"})
    EXPECT_THAT(show.out() + run.out() + run.err(), testing::Not(HasSubstr(secret)));
}

TEST_F(Secrets, ControlFileThatOthersCanReadIsRefused) {
  prepare();
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  ASSERT_EQ(::chmod(path("out/sweep.control").c_str(), 0640), 0);
  for (const char* command : {"status", "cancel"}) {
    Program asks(directory_, {"sweepctl", command, "out"});
    EXPECT_EQ(asks.finish(), 1) << command;
    EXPECT_THAT(asks.err(), HasSubstr("can be read by other users")) << command;
  }
  ASSERT_EQ(::chmod(path("out/sweep.control").c_str(), 0600), 0);
  let_benchmark_end();
  EXPECT_EQ(run.finish(), 0) << run.err();
}

// A core file of the agent would contain the sweep's key and lie in the workspace.
TEST_F(Secrets, AgentLeavesNoCoreFileButABenchmarkMay) {
  prepare();
  write("waits.sh",
        std::string(kGoodBenchmark) +
            "grep 'core file' /proc/$PPID/limits >of_agent\nulimit -c >of_benchmark\n",
        true);
  std::vector<std::string> command = {"/bin/sh", "-c", "ulimit -c 1000 || exit 77; exec \"$0\" \"$@\""};
  command.insert(command.end(), command_.begin(), command_.end());
  command[3] = std::string(SWEEP_BIN_DIR) + "/" + command[3];
  Program run(directory_, command);
  const int status = run.finish();
  if (status == 77) GTEST_SKIP() << "core files are forbidden here";
  EXPECT_EQ(status, 0) << run.err();
  EXPECT_THAT(read("of_agent"), testing::ContainsRegex("size +0 +"));
  EXPECT_EQ(read("of_benchmark"), "1000\n");
}

// --- cancel

class Cancel : public WaitingSweep {};

TEST_F(Cancel, StopsALiveSweep) {
  prepare();
  Program run(directory_, command_);
  ASSERT_TRUE(benchmark_waits()) << run.err();
  Program cancel(directory_, {"sweepctl", "cancel", "--reason", "wrong image", "out"});
  EXPECT_EQ(cancel.finish(), 0) << cancel.err();
  EXPECT_THAT(cancel.out(),
              HasSubstr(" is stopping: 1 running attempt is being stopped; 0 of 1 point done\n"));
  EXPECT_EQ(run.finish(), 1) << run.err();
  EXPECT_THAT(read("out/summary.txt"), HasSubstr("wrong image"));
}

TEST_F(Cancel, FailsIfNoSweepIsRunning) {
  prepare();
  Program none(directory_, {"sweepctl", "cancel", "out"});
  EXPECT_EQ(none.finish(), 1);
  EXPECT_THAT(none.err(), HasSubstr("no sweep is running in 'out'"));
  Program run(directory_, command_);
  let_benchmark_end();
  ASSERT_EQ(run.finish(), 0) << run.err();
  Program late(directory_, {"sweepctl", "cancel", "out"});
  EXPECT_EQ(late.finish(), 1);
  EXPECT_THAT(late.err(), HasSubstr("no sweep is running in 'out'"));
}

}  // namespace
}  // namespace sweep
