// core::Collection: which pieces are asked for, and when a result with files can be accepted.
#include "controller/core/collection.hpp"
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

using testing::SizeIs;

/// Files in memory. They survive a Collection.
class MemoryStore : public FileStore {
 public:
  Expected<Place> begin(const AttemptRef&, const std::vector<Artifact>& files) override {
    ++begun;
    for (std::size_t i = 0; i < files.size(); ++i) {
      const auto size = static_cast<std::int64_t>(content[files[i].name].size());
      if (size < files[i].bytes) return Place{i, size};
    }
    return Place{files.size(), 0};
  }
  Expected<void> write(const AttemptRef&, const Artifact& file, std::int64_t offset, std::string_view bytes,
                       bool last) override {
    if (!problem.empty()) return fail(problem);
    EXPECT_EQ(static_cast<std::int64_t>(content[file.name].size()), offset);
    content[file.name] += bytes;
    EXPECT_EQ(last, static_cast<std::int64_t>(content[file.name].size()) == file.bytes);
    return {};
  }
  Expected<void> install(const AttemptRef&) override {
    if (!problem.empty()) return fail(problem);
    installed = std::move(content);
    content.clear();
    return {};
  }
  void discard(const AttemptRef&) override {
    ++discarded;
    content.clear();
  }
  std::map<std::string, std::string> content, installed;
  std::string problem;
  int begun = 0, discarded = 0;
};

class CollectionTest : public CoreTest {
 protected:
  static constexpr std::int64_t kMost = 1'000;
  void SetUp() override {
    begin({4});
    join(agent_info("a", "n1", 8));
    ready("a");
    start("dir");
    finished.files = {{"empty.json", 0, true}, {"results/x", 5, true}, {"server.log", 3}};
  }
  void start(const std::string& directory) { handle(AttemptStarted{"a", {"p0", 1}, 7, directory}); }
  std::string text(const std::optional<wire::Fetch>& fetch) const {
    return fetch ? std::to_string(fetch->file) + " at " + std::to_string(fetch->offset) : "decide";
  }
  std::string offer() {
    account = finished.account;
    return text(collection.on(state, "a", finished, account));
  }
  std::string piece(int file, std::int64_t offset, const std::string& bytes,
                    const std::string& problem = "") {
    return text(collection.on(state, "a", wire::Piece{{"p0", 1}, file, offset, problem}, bytes));
  }
  std::string left_out() const {
    return account.collected && !account.collected->left_out.empty() ? account.collected->left_out[0] : "";
  }

  MemoryStore store;
  Collection collection{store, kMost};
  wire::Finished finished{{"p0", 1}, Outcome{}, 5};
  Account account;
};

TEST_F(CollectionTest, FetchesEveryByteBeforeTheResultIsDecided) {
  EXPECT_EQ(offer(), "1 at 0");
  EXPECT_EQ(piece(1, 0, "abc"), "1 at 3");
  EXPECT_EQ(collection.progress({"p0", 1}), (std::pair<std::int64_t, std::int64_t>(3, 8)));
  EXPECT_EQ(piece(1, 3, "de"), "2 at 0");
  EXPECT_EQ(piece(2, 0, "log"), "3 at 0");
  EXPECT_EQ(offer(), "decide");
  ASSERT_TRUE(account.collected);
  EXPECT_EQ(account.collected->files, 3);
  EXPECT_EQ(account.collected->bytes, 8);
  EXPECT_EQ(left_out(), "");
  collection.install({"p0", 1}, account);
  EXPECT_EQ(store.installed["results/x"], "abcde");
  collection.finish({"p0", 1});
  EXPECT_EQ(collection.progress({"p0", 1}), (std::pair<std::int64_t, std::int64_t>(0, 0)));
}

TEST_F(CollectionTest, ARepeatedFinishedAsksForTheSamePieceAgain) {
  offer();
  EXPECT_EQ(piece(1, 0, "abc"), "1 at 3");
  EXPECT_EQ(offer(), "1 at 3");
  EXPECT_EQ(piece(1, 0, "abc"), "decide") << "a piece that is there is ignored";
  EXPECT_EQ(store.content["results/x"], "abc");
}

TEST_F(CollectionTest, ARestartedControllerContinuesWithWhatIsThere) {
  offer();
  piece(1, 0, "abc");
  Collection second(store, kMost);
  EXPECT_EQ(text(second.on(state, "a", finished, account)), "1 at 3");
}

TEST_F(CollectionTest, AProblemOfTheAgentLeavesOutEverything) {
  offer();
  piece(1, 0, "abc");
  EXPECT_EQ(piece(1, 3, "", "disk error"), "3 at 0");
  EXPECT_EQ(offer(), "decide");
  EXPECT_EQ(left_out(), "not collected: disk error");
  EXPECT_EQ(account.collected->files, 0);
  EXPECT_EQ(store.discarded, 1);
  collection.install({"p0", 1}, account);
  EXPECT_TRUE(store.installed.empty());
}

TEST_F(CollectionTest, PiecesOfAWrongSizeEndTheTransfer) {
  for (const std::string& bytes : {std::string(), std::string("abcdef")}) {
    Collection fresh(store, kMost);
    store.content.clear();
    std::ignore = fresh.on(state, "a", finished, account);
    EXPECT_EQ(text(fresh.on(state, "a", wire::Piece{{"p0", 1}, 1, 0}, bytes)), "3 at 0");
    EXPECT_EQ(text(fresh.on(state, "a", finished, account)), "decide");
    EXPECT_THAT(left_out(), HasSubstr("wrong size"));
  }
}

TEST_F(CollectionTest, PiecesOfOthersAreIgnored) {
  EXPECT_EQ(piece(1, 0, "abc"), "decide");
  offer();
  EXPECT_EQ(text(collection.on(state, "b", wire::Piece{{"p0", 1}, 1, 0}, "abc")), "decide");
  EXPECT_EQ(text(collection.on(state, "a", wire::Piece{{"p0", 2}, 1, 0}, "abc")), "decide");
  EXPECT_EQ(piece(2, 0, "log"), "decide");
  EXPECT_EQ(piece(1000, 0, "log"), "decide");
  EXPECT_TRUE(store.content["results/x"].empty());
}

TEST_F(CollectionTest, ADiskThatIsFullLeavesOutEverything) {
  offer();
  store.problem = "no space left";
  EXPECT_EQ(piece(1, 0, "abc"), "3 at 0");
  EXPECT_EQ(offer(), "decide");
  EXPECT_EQ(left_out(), "not collected: no space left");
}

TEST_F(CollectionTest, AFailedRenameLeavesOutEverything) {
  offer();
  piece(1, 0, "abcde");
  piece(2, 0, "log");
  offer();
  store.problem = "cannot rename";
  collection.install({"p0", 1}, account);
  EXPECT_EQ(left_out(), "not collected: cannot rename");
}

TEST_F(CollectionTest, BadListsAreRefused) {
  finished.files = {{"../x", 1}};
  EXPECT_EQ(offer(), "decide");
  EXPECT_THAT(left_out(), HasSubstr("not collected: '../x'"));
  EXPECT_EQ(store.begun, 0);
  finished.files = {{"x", kMost + 1}};
  EXPECT_EQ(offer(), "decide");
  EXPECT_THAT(left_out(), HasSubstr("artifact-limit"));
}

TEST_F(CollectionTest, NumbersOfTheAgentAreNotBelieved) {
  finished.files.clear();
  finished.account.collected = Collected{9, 9, {"a: b"}};
  EXPECT_EQ(offer(), "decide");
  EXPECT_EQ(account.collected->files, 0);
  EXPECT_EQ(left_out(), "a: b");
}

TEST_F(CollectionTest, AStoppingSweepTakesTheResultWithoutItsFiles) {
  offer();
  handle(Stop{"enough", Millis(5'000)});
  EXPECT_EQ(piece(1, 0, "abc"), "3 at 0");
  EXPECT_EQ(offer(), "decide");
  EXPECT_EQ(left_out(), "not collected: the sweep was being stopped");
}

TEST_F(CollectionTest, NothingIsFetchedForAResultThatDoesNotCount) {
  finished.outcome.kind = OutcomeKind::NoResult;
  EXPECT_EQ(offer(), "decide");
  finished.outcome.kind = OutcomeKind::Ok;
  EXPECT_EQ(text(collection.on(state, "b", finished, account)), "decide");
  finished.ref.attempt = 2;
  EXPECT_EQ(offer(), "decide");
  EXPECT_EQ(store.begun, 0);
}

// ---- the state of the sweep

class NextPoint : public CollectionTest {
 protected:
  void SetUp() override { begin({4, 4}); }
};

TEST_F(NextPoint, IsLeasedWhileFilesAreFetched) {
  join(agent_info("a", "n1", 4));
  EXPECT_THAT(ready("a"), ElementsAre("lease a p0/1"));
  start("dir");
  EXPECT_THAT(handle(FilesAwaited{"a", {"p0", 1}}), ElementsAre("lease a p1/1"));
  EXPECT_THAT(handle(FilesAwaited{"a", {"p0", 1}}), IsEmpty());
  EXPECT_EQ(state.points[0].state, PointState::Running);
  EXPECT_THAT(handle(AttemptFinished{"a", {"p0", 1}, Outcome{}}), ElementsAre("settled a p0/1 accepted"));
  handle(AttemptStarted{"a", {"p1", 1}, 8, "dir"});
  EXPECT_FALSE(state.points[0].attempts[0].shared) << "the next attempt of the agent came after it";
  EXPECT_FALSE(state.points[1].attempts[0].shared);
}

TEST_F(NextPoint, OfAnAgentThatIsLostWhileItSendsRunsAgain) {
  join(agent_info("a", "n1", 4, 2));  // the sweep waits for another agent
  ready("a");
  start("dir");
  handle(FilesAwaited{"a", {"p0", 1}});
  EXPECT_THAT(handle(Goodbye{"a", "killed"}), IsEmpty());
  EXPECT_EQ(state.points[0].state, PointState::Pending);
  handle(Heartbeat{"a"});
  EXPECT_EQ(state.points[0].state, PointState::Running) << "the agent has returned";
  EXPECT_EQ(state.points[0].attempts[0].state, Attempt::State::Sending);
}

TEST_F(CollectionTest, ASweepDoesNotEndBeforeItsFilesAreThere) {
  handle(FilesAwaited{"a", {"p0", 1}});
  EXPECT_EQ(state.phase, Phase::Running);
  handle(AttemptFinished{"a", {"p0", 1}, Outcome{}});
  EXPECT_EQ(state.phase, Phase::Closed);
}

class SharedDirectory : public CollectionTest {
 protected:
  void SetUp() override {
    settings.pack_gpus = true;
    begin({2, 2, 2});
    join(agent_info("a", "n1", 4));
    ready("a");
    finished.files = {{"results/x", 5, true}, {"server.log", 3}};
  }
};

TEST_F(SharedDirectory, OnlyOwnFilesAreFetchedIfAnotherAttemptRanThere) {
  handle(AttemptStarted{"a", {"p0", 1}, 7, "dir"});
  handle(AttemptStarted{"a", {"p1", 1}, 8, "dir"});
  EXPECT_EQ(offer(), "0 at 0");
  EXPECT_EQ(piece(0, 0, "abcde"), "2 at 0");
  EXPECT_EQ(offer(), "decide");
  EXPECT_EQ(account.collected->files, 1);
  EXPECT_EQ(left_out(), "server.log: another attempt ran in the same directory at that time");
}

TEST_F(SharedDirectory, AnotherDirectoryIsNotShared) {
  handle(AttemptStarted{"a", {"p0", 1}, 7, "dir"});
  handle(AttemptStarted{"a", {"p1", 1}, 8, "other"});
  EXPECT_FALSE(state.points[0].attempts[0].shared);
  EXPECT_FALSE(state.points[1].attempts[0].shared);
}

TEST_F(SharedDirectory, ALeaseOfWhichNothingIsKnownMayRunThere) {
  handle(AttemptStarted{"a", {"p0", 1}, 7, "dir"});
  EXPECT_EQ(offer(), "0 at 0");
  EXPECT_EQ(piece(0, 0, "abcde"), "2 at 0");
}

TEST_F(SharedDirectory, AnAttemptThatMayHaveBegunBeforeAnotherEndedIsMarked) {
  handle(AttemptStarted{"a", {"p1", 1}, 8, "dir"});
  handle(AttemptFinished{"a", {"p1", 1}, Outcome{}});
  handle(AttemptStarted{"a", {"p0", 1}, 7, "dir"});  // late: it was leased before
  EXPECT_TRUE(state.points[0].attempts[0].shared);
  EXPECT_TRUE(state.points[1].attempts[0].shared);
}

TEST_F(SharedDirectory, AnAttemptWhoseStartWasLostMayHaveRunThere) {
  handle(AttemptStarted{"a", {"p0", 1}, 7, "dir"});
  handle(AttemptFinished{"a", {"p1", 1}, Outcome{}});
  EXPECT_TRUE(state.points[0].attempts[0].shared);
}

TEST_F(SharedDirectory, AnAttemptThatCouldNotBeStartedDidNotRunThere) {
  handle(AttemptStarted{"a", {"p0", 1}, 7, "dir"});
  handle(AttemptFinished{"a", {"p1", 1}, outcome_of(OutcomeKind::BenchmarkFailed, "no such file")});
  EXPECT_FALSE(state.points[0].attempts[0].shared);
}

TEST_F(SharedDirectory, AnUnknownDirectoryMayBeAny) {
  handle(AttemptFinished{"a", {"p1", 1}, outcome_of(OutcomeKind::BenchmarkFailed)});
  handle(AttemptFinished{"a", {"p2", 1}, outcome_of(OutcomeKind::BenchmarkFailed)});
  handle(AttemptStarted{"a", {"p0", 1}, 7, ""});
  EXPECT_EQ(offer(), "0 at 0");
  EXPECT_EQ(piece(0, 0, "abcde"), "2 at 0");
}

}  // namespace
}  // namespace sweep::core
