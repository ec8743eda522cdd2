// agent/io/spool on a real folder: damaged files, folders that must not be used, full disks, and concurrent
// agents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <memory>

#include "agent/io/spool.hpp"
#include "proto/wire/codec.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/json.hpp"

namespace sweep::agent {
namespace {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

wire::Finished finished_message(const std::string& point, int attempt = 1,
                                OutcomeKind kind = OutcomeKind::Ok) {
  wire::Finished out;
  out.ref = {point, attempt};
  out.outcome.kind = kind;
  out.outcome.exit_code = 0;
  out.outcome.phase = "benchmark";
  out.wall_ms = 1'234;
  return out;
}

class AgentSpoolFiles : public InFolder {
 protected:
  std::unique_ptr<Spool> open(const std::string& agent, const std::string& sweep = "s",
                              std::uint64_t most = Spool::kMostBytes) {
    auto spool = std::make_unique<Spool>(most);
    const auto done = spool->open(folder_, sweep, agent);
    EXPECT_TRUE(done) << done.error().message;
    return spool;
  }
  std::string problem(const std::string& agent) {
    Spool spool;
    const auto done = spool.open(folder_, "s", agent);
    EXPECT_EQ(spool.folder().empty(), !done);
    return done ? "" : done.error().message;
  }
  /// Lets an agent die: its lock is free then, and its files stay.
  void leave(const std::string& agent, const std::vector<std::string>& points,
             const std::string& sweep = "s") {
    const auto spool = open(agent, sweep);
    for (const std::string& point : points)
      ASSERT_TRUE(spool->keep(finished_message(point), "{\"of\": \"" + point + "\"}"));
  }
  std::vector<Spool::LeftResult> adopt_all(Spool& spool) {
    std::vector<Spool::LeftResult> all;
    while (auto left = spool.adopt(notes_))
      all.push_back(std::move(*left));
    return all;
  }
  /// Returns all files below the folder with this ending, sorted by path.
  std::vector<std::string> files(const std::string& ending) const {
    std::vector<std::string> out;
    for (const auto& item : fs::recursive_directory_iterator(folder_)) {
      if (item.path().string().ends_with(ending)) out.push_back(item.path().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string base() const { return path("slurm-sweep-" + std::to_string(::geteuid())); }

  std::vector<std::string> notes_;
};

// ---- kept, dropped, adopted

TEST_F(AgentSpoolFiles, OnlyTheOwnerHasAccessAndEmptyFoldersAreRemoved) {
  ::umask(0);
  {
    const auto spool = open("a");
    ASSERT_TRUE(spool->keep(finished_message("p"), "{}"));
    const std::string file = files(".result").at(0);
    for (const auto& [what, mode] : std::map<std::string, unsigned>{
             {file, 0600}, {files(".lock").at(0), 0600}, {spool->folder(), 0700}, {base(), 0700}}) {
      struct stat info {};
      ASSERT_EQ(::stat(what.c_str(), &info), 0);
      EXPECT_EQ(info.st_mode & 07777, mode) << what;
    }
    EXPECT_EQ(spool->kept(), 1u);
    spool->drop({"p", 2}, "");
    spool->drop({"p", 1}, "another");
    EXPECT_EQ(spool->kept(), 1u);
    spool->drop({"p", 1}, "");
    EXPECT_EQ(spool->kept(), 0u);
    EXPECT_THAT(files(".result"), IsEmpty());
  }
  EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(AgentSpoolFiles, NextAgentOfTheSweepAdoptsLeftResults) {
  leave("a", {"p", "q"});
  leave("b", {"r"}, "another sweep");
  const auto next = open("c");
  EXPECT_EQ(next->kept(), 2u);
  auto all = adopt_all(*next);
  ASSERT_THAT(all, SizeIs(2));
  std::sort(all.begin(), all.end(),
            [](const auto& x, const auto& y) { return x.finished.ref.point < y.finished.ref.point; });
  EXPECT_EQ(all[0].finished.of, "a");
  EXPECT_EQ(all[0].finished.ref, (wire::AttemptRef{"p", 1}));
  EXPECT_EQ(all[0].finished.wall_ms, 1'234);
  EXPECT_EQ(outcome_to_json(all[0].finished.outcome), outcome_to_json(finished_message("p").outcome));
  EXPECT_EQ(all[0].bytes, R"({"of": "p"})");
  EXPECT_EQ(all[1].finished.ref.point, "q");
  EXPECT_THAT(notes_, IsEmpty());
  next->drop({"p", 1}, "a");
  EXPECT_EQ(next->kept(), 1u);
  EXPECT_THAT(files(".result"), SizeIs(2));  // q, and the other sweep's
}

TEST_F(AgentSpoolFiles, ResultsAreAdoptedOneByOne) {
  leave("a", {"p", "q", "r"});
  const auto next = open("b");
  for (const bool more : {true, true, false}) {
    EXPECT_TRUE(next->adopt(notes_));
    EXPECT_EQ(next->has_more(), more);
  }
  EXPECT_FALSE(next->adopt(notes_));
  EXPECT_FALSE(next->has_more());
}

TEST_F(AgentSpoolFiles, UnsettledResultsStayForTheAgentAfterThat) {
  leave("a", {"p"});
  for (const char* agent : {"b", "c"}) {
    const auto next = open(agent);
    const auto all = adopt_all(*next);
    ASSERT_THAT(all, SizeIs(1));
    EXPECT_EQ(all[0].finished.of, "a");
  }
}

TEST_F(AgentSpoolFiles, AgentOfTheSameNameAdoptsItsPredecessorsResults) {
  leave("12.0.0", {"p"});  // its job was requeued
  const auto again = open("12.0.0");
  const auto all = adopt_all(*again);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].finished.of, "12.0.0");
  again->drop({"p", 1}, "12.0.0");
  EXPECT_THAT(files(".result"), IsEmpty());
}

TEST_F(AgentSpoolFiles, LivingAgentsResultsAreNotAdopted) {
  const auto first = open("a");
  ASSERT_TRUE(first->keep(finished_message("p"), "{}"));
  const auto second = open("b");
  EXPECT_THAT(adopt_all(*second), IsEmpty());
  EXPECT_THAT(problem("a"), HasSubstr("another running agent has the same name, a"));
  EXPECT_EQ(first->kept(), 1u);
}

TEST_F(AgentSpoolFiles, OnlyOneOfTwoAgentsAdoptsAResult) {
  leave("a", {"p"});
  const auto one = open("b"), other = open("c");
  EXPECT_THAT(adopt_all(*one), SizeIs(1));
  EXPECT_THAT(adopt_all(*other), IsEmpty());
}

TEST_F(AgentSpoolFiles, KilledProcessesResultsAreAdopted) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Spool spool;
    const bool done = spool.open(folder_, "s", "a") && spool.keep(finished_message("p"), "{}");
    ::raise(done ? SIGKILL : SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_THAT(adopt_all(*open("b")), SizeIs(1));
}

TEST_F(AgentSpoolFiles, NamesAreNotUsedAsPaths) {
  const auto spool = open("../../a", "../up");
  ASSERT_TRUE(spool->keep(finished_message("../../../p"), "{}"));
  EXPECT_EQ(fs::path(files(".result").at(0)).parent_path().parent_path(), base());
  EXPECT_THAT(listing(), SizeIs(1));
}

// ---- damage

TEST(AgentSpoolText, RoundTrips) {
  for (const std::string& bytes : {std::string(), std::string("{}"), std::string("\0\n\xff", 3)}) {
    const auto left = read_spool_text(spool_text(finished_message("p", 7), "12.0.3", bytes));
    ASSERT_TRUE(left) << left.error().message;
    EXPECT_EQ(left->bytes, bytes);
    EXPECT_EQ(left->finished.of, "12.0.3");
    EXPECT_EQ(left->finished.ref, (wire::AttemptRef{"p", 7}));
  }
}

TEST(AgentSpoolText, TruncatedOrExtendedTextIsRejected) {
  const std::string text = spool_text(finished_message("p"), "a", "{\"x\": 1}\n");
  for (std::size_t at = 0; at < text.size(); ++at)
    EXPECT_FALSE(read_spool_text(text.substr(0, at))) << "cut at " << at;
  EXPECT_FALSE(read_spool_text(text + "x"));
  EXPECT_TRUE(read_spool_text(text));
}

TEST(AgentSpoolText, TextWithAnyFlippedBitIsRejected) {
  const std::string text = spool_text(finished_message("p"), "a", "{\"x\": 1}\n");
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(read_spool_text(flipped)) << "bit " << bit;
  }
}

TEST_F(AgentSpoolFiles, DamagedFileIsRenamedAndReportedAndOthersAreAdopted) {
  leave("a", {"p", "q"});
  const std::string victim = files(".result").at(0);
  std::string text = read_file(victim, 10'000).value();
  text[text.size() / 2] ^= 1;
  ASSERT_TRUE(write_file_atomic(victim, text));
  const auto next = open("b");
  EXPECT_THAT(adopt_all(*next), SizeIs(1));
  EXPECT_THAT(notes_, ElementsAre(testing::AllOf(HasSubstr(victim), HasSubstr("damaged"))));
  EXPECT_THAT(files(".damaged"), ElementsAre(victim + ".damaged"));
  EXPECT_EQ(next->kept(), 1u);
}

TEST_F(AgentSpoolFiles, NameThatDoesNotMatchTheContentIsDamage) {
  leave("a", {"p"});
  const std::string file = files(".result").at(0);
  ASSERT_EQ(::rename(file.c_str(), (file.substr(0, file.size() - 8) + "2.result").c_str()), 0);
  EXPECT_THAT(adopt_all(*open("b")), IsEmpty());
  EXPECT_THAT(notes_, SizeIs(1));
}

TEST_F(AgentSpoolFiles, TemporaryFileOfADeadAgentIsRemoved) {
  leave("a", {"p"});
  const std::string half = files(".result").at(0) + ".tmp-123";
  ASSERT_TRUE(write_file_atomic(half, "slurm-sw"));
  EXPECT_THAT(adopt_all(*open("b")), SizeIs(1));
  EXPECT_FALSE(fs::exists(half));
  EXPECT_THAT(notes_, IsEmpty());
}

// ---- folders that must not be used

TEST_F(AgentSpoolFiles, FolderThatIsALinkOrFileOrAccessibleToOthersIsReplacedByAnother) {
  const auto uses_another = [&](const char* reason) {
    const auto spool = open("a");
    EXPECT_THAT(spool->folder(), StartsWith(base() + "-2/"));
    EXPECT_THAT(spool->note(), HasSubstr(reason));
    EXPECT_THAT(spool->note(), HasSubstr("using '" + base() + "-2' instead"));
  };
  ASSERT_EQ(::mkdir(path("elsewhere").c_str(), 0700), 0);
  ASSERT_EQ(::symlink(path("elsewhere").c_str(), base().c_str()), 0);
  uses_another("it is a symbolic link");
  EXPECT_TRUE(fs::is_empty(path("elsewhere")));
  fs::remove(base());
  put(fs::path(base()).filename().string(), "");
  uses_another("it is not a directory");
  fs::remove(base());
  ASSERT_EQ(::mkdir(base().c_str(), 0700), 0);
  ASSERT_EQ(::chmod(base().c_str(), 0770), 0);
  uses_another("other users have access to it");
  ASSERT_EQ(::chmod(base().c_str(), 0700), 0);
  EXPECT_EQ(open("a")->note(), "");
}

TEST_F(AgentSpoolFiles, SweepFolderThatIsALinkIsRejected) {
  const std::string folder = open("a")->folder();
  ASSERT_EQ(::mkdir(path("elsewhere").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir(base().c_str(), 0700), 0);
  ASSERT_EQ(::symlink(path("elsewhere").c_str(), folder.c_str()), 0);
  EXPECT_THAT(problem("a"), HasSubstr(folder));
  EXPECT_TRUE(fs::is_empty(path("elsewhere")));
}

TEST_F(AgentSpoolFiles, NamesTakenByAnotherUserAreSkippedAndThatIsSaidOnce) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to change the owner";
  for (const std::string& name : {base(), base() + "-2"}) {
    ASSERT_EQ(::mkdir(name.c_str(), 0700), 0);
    ASSERT_EQ(::chown(name.c_str(), 12'345, 12'345), 0);
  }
  const auto first = open("a");
  EXPECT_THAT(first->folder(), StartsWith(base() + "-3/"));
  EXPECT_THAT(first->note(), HasSubstr("belongs to uid 12345"));
  const auto second = open("b");
  EXPECT_EQ(second->folder(), first->folder()) << "agents of one user share a spool";
  EXPECT_EQ(second->note(), "");
}

TEST_F(AgentSpoolFiles, DirectoryThatCannotBeCreatedIsReported) {
  put("file", "");
  Spool spool;
  const auto done = spool.open(path("file") + "/x", "s", "a");
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr(path("file")));
  EXPECT_FALSE(spool.keep(finished_message("p"), "{}"));
  EXPECT_EQ(spool.kept(), 0u);
}

// ---- limited space

TEST_F(AgentSpoolFiles, OldestFilesOfOtherSweepsMakeRoomExceptOfLivingAgents) {
  const std::string much(1'000, 'x');
  const std::uint64_t one = spool_text(finished_message("p"), "a", much).size();
  const auto put_in = [&](const std::string& sweep, const std::string& agent) {
    const auto spool = open(agent, sweep);
    EXPECT_TRUE(spool->keep(finished_message("p"), much));
    return spool->folder();
  };
  const std::string newer = put_in("newer", "a"), older = put_in("older", "b");
  fs::last_write_time(fs::directory_iterator(older)->path(),
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  for (const auto& item : fs::directory_iterator(older))
    fs::last_write_time(item.path(), fs::file_time_type::clock::now() - std::chrono::hours(2));
  const auto living = open("c", "living");
  ASSERT_TRUE(living->keep(finished_message("p"), much));
  for (const auto& item : fs::directory_iterator(living->folder()))
    fs::last_write_time(item.path(), fs::file_time_type::clock::now() - std::chrono::hours(3));

  const auto spool = open("d", "s", one * 4);
  EXPECT_TRUE(spool->keep(finished_message("p"), much));  // there are four now
  EXPECT_TRUE(fs::exists(older));
  EXPECT_TRUE(spool->keep(finished_message("q"), much));
  EXPECT_FALSE(fs::exists(older));
  EXPECT_TRUE(fs::exists(newer));
  EXPECT_TRUE(spool->keep(finished_message("r"), much));
  EXPECT_FALSE(fs::exists(newer));
  const auto full = spool->keep(finished_message("s"), much);
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, HasSubstr("no room"));
  EXPECT_EQ(spool->kept(), 3u);
  EXPECT_EQ(living->kept(), 1u);
  EXPECT_THAT(files(".result"), SizeIs(4));
  spool->drop({"p", 1}, "");
  EXPECT_TRUE(spool->keep(finished_message("s"), much));
}

TEST_F(AgentSpoolFiles, FilesOfItsOwnSweepAreNotRemoved) {
  const std::uint64_t one = spool_text(finished_message("p"), "a", "{}").size();
  leave("a", {"p"});
  const auto spool = open("b", "s", one + 10);
  EXPECT_FALSE(spool->keep(finished_message("q"), "{}"));
  EXPECT_THAT(adopt_all(*spool), SizeIs(1));
}

TEST_F(AgentSpoolFiles, FullDiskIsAnErrorAndLeavesNoFile) {
  const auto spool = open("a");
  std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit tiny = before;
  tiny.rlim_cur = 100;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tiny), 0);
  const auto full = spool->keep(finished_message("p"), std::string(1'000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(full);
  EXPECT_THAT(full.error().message, HasSubstr("File too large"));
  EXPECT_EQ(spool->kept(), 0u);
  EXPECT_THAT(files(".result"), IsEmpty());
  EXPECT_THAT(files(""), SizeIs(3));  // two folders and the lock
  EXPECT_TRUE(spool->keep(finished_message("p"), "{}"));
}

TEST_F(AgentSpoolFiles, LargestResultIsReadBack) {
  const std::string largest(wire::kMaxBulkBytes, 'x');
  {
    const auto spool = open("a");
    ASSERT_TRUE(spool->keep(finished_message("p"), largest));
  }
  const auto all = adopt_all(*open("b"));
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_TRUE(all[0].bytes == largest);
}

}  // namespace
}  // namespace sweep::agent
