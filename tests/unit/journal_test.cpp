// The journal written, read, held and refused.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/journal_child.hpp"
#include "tests/unit/journal_sample.hpp"

namespace sweep::journal {
namespace {

class JournalFile : public JournalTest {};

std::string complaint(const Expected<Journal>& journal) {
  return journal ? "" : journal.error().message;
}

TEST_F(JournalFile, GivesBackWhatWasCommitted) {
  write_all();
  auto journal = Journal::open_to_read(file());
  ASSERT_TRUE(journal) << journal.error().message;
  const auto read = journal->opening();
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->meta, opening.meta);
  EXPECT_EQ(read->ids, opening.ids);
  EXPECT_EQ(read->entries, opening.entries) << "keys in their order";
  const auto events = journal->events();
  EXPECT_EQ(text(events), text(all_events()));
  EXPECT_EQ(replayed(*events), finished);
}

TEST_F(JournalFile, GivesResultsThatCountInTheOrderOfTheMatrix) {
  write_all();
  auto journal = Journal::open_to_read(file());
  ASSERT_TRUE(journal);
  std::vector<std::string> points, bytes;
  const auto done = journal->each_accepted_result([&](StoredResult result) {
    points.push_back(result.ref.point + "/" + std::to_string(result.ref.attempt) + " " + result.node);
    bytes.push_back(result.raw);
    EXPECT_TRUE(result.accepted);
  });
  EXPECT_TRUE(done);
  EXPECT_THAT(points, ElementsAre("p0/1 n1", "p2/1 n1")) << "p2 was first, p1 was refused";
  EXPECT_EQ(bytes.at(0), "first");
  EXPECT_EQ(bytes.at(1), batches[3].results[0].raw) << "every byte as it came";
}

TEST_F(JournalFile, CanBeReadWhileItIsWritten) {
  auto journal = Journal::create(file(), opening);
  ASSERT_TRUE(journal);
  EXPECT_EQ(text(journal->events()), "");
  std::vector<core::Event> so_far;
  for (const Batch& batch : batches) {
    ASSERT_TRUE(journal->commit(batch));
    so_far.insert(so_far.end(), batch.events.begin(), batch.events.end());
    EXPECT_EQ(text(journal->events()), text(so_far));
  }
}

TEST_F(JournalFile, IsOnePlainFileWhenTheSweepHasEnded) {
  write_all();
  EXPECT_THAT(listing(), ElementsAre("sweep.db"));
  auto one = Journal::open_to_read(file());
  auto two = Journal::open_to_read(file());
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(text(one->events()), text(two->events()));
}

TEST_F(JournalFile, SurvivesAControllerThatIsKilled) {
  Standing controller([&] {
    auto journal = Journal::create(file(), opening);
    for (std::size_t i = 0; journal && i < 4; ++i)
      static_cast<void>(journal->commit(batches[i]));
    static Expected<Journal> held = std::move(journal);  // open when the signal comes
  });
  controller.kill();
  auto journal = Journal::open_to_read(file());
  ASSERT_TRUE(journal) << journal.error().message;
  std::vector<core::Event> committed;
  for (std::size_t i = 0; i < 4; ++i)
    committed.insert(committed.end(), batches[i].events.begin(), batches[i].events.end());
  EXPECT_EQ(text(journal->events()), text(committed));
}

TEST_F(JournalFile, KeepsOthersOutWhileItIsHeld) {
  Standing controller([&] { static Expected<Journal> held = Journal::create(file(), opening); });
  EXPECT_EQ(complaint(Journal::open_to_read(file())), "'" + file() + "' is in use by another process");
  EXPECT_EQ(complaint(Journal::create(file(), opening)), "'" + file() + "' is there already");
  controller.kill();
  EXPECT_EQ(complaint(Journal::open_to_read(file())), "");
}

TEST_F(JournalFile, KeepsOthersOutAlsoAfterItsLastWord) {
  Standing controller([&] {
    static Expected<Journal> held = Journal::create(file(), opening);
    static_cast<void>(held->finish());
  });
  EXPECT_EQ(complaint(Journal::open_to_read(file())), "'" + file() + "' is in use by another process");
}

TEST_F(JournalFile, OneThatIsThereIsNotTouchedByAnother) {
  write_all();
  Opening other = opening;
  other.meta["facts"] = "of another";
  EXPECT_EQ(complaint(Journal::create(file(), other)), "'" + file() + "' is there already");
  EXPECT_THAT(listing(), ElementsAre("sweep.db"));
  EXPECT_EQ(Journal::open_to_read(file())->opening()->meta, opening.meta);
}

// ---- what cannot be opened

TEST_F(JournalFile, AFileThatIsNotThereIsNamed) {
  EXPECT_EQ(complaint(Journal::open_to_read(file())),
            "'" + file() + "' is not there: no sweep has run in that directory");
  EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(JournalFile, AFileThatIsNoJournalIsNamed) {
  put("sweep.db", "");
  EXPECT_EQ(complaint(Journal::open_to_read(file())), "'" + file() + "' is no journal of a sweep");
  put("sweep.db", std::string(10'000, 'x'));
  EXPECT_THAT(complaint(Journal::open_to_read(file())), HasSubstr(file()));
  EXPECT_THAT(complaint(Journal::open_to_read(folder_)), HasSubstr(folder_));
}

TEST_F(JournalFile, OneOfANewerVersionIsRefused) {
  write_all();
  {
    auto database = Database::open(file(), Database::Mode::ReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute("PRAGMA user_version=" + std::to_string(kSchemaVersion + 1)));
  }
  EXPECT_EQ(
      complaint(Journal::open_to_read(file())),
      "'" + file() +
          "' has schema version 3; this sweepctl reads up to version 2: use the sweepctl that wrote it, "
          "or a newer one");
}

TEST_F(JournalFile, ADirectoryThatIsNotThereOrIsNoneIsNamed) {
  const std::string nowhere = path("nowhere") + "/sweep.db";
  EXPECT_EQ(complaint(Journal::create(nowhere, opening)),
            "cannot make '" + nowhere + "': No such file or directory");
  put("plain", "");
  const std::string below = path("plain") + "/sweep.db";
  EXPECT_EQ(complaint(Journal::create(below, opening)), "cannot make '" + below + "': Not a directory");
}

TEST_F(JournalFile, ADirectoryThatIsNotWritableIsNamed) {
  const std::string sealed = path("sealed");
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(sealed.c_str(), 0555), 0);
  const std::string said = in_child([&]() -> std::string {
    constexpr uid_t kNobody = 65534;  // root may write anywhere
    if (::geteuid() == 0 && ::seteuid(kNobody) != 0) return "cannot become somebody else";
    return complaint(Journal::create(sealed + "/sweep.db", opening));
  });
  EXPECT_EQ(said, "cannot make '" + sealed + "/sweep.db': Permission denied");
}

// ---- a full disk: no file of the child may become larger than this

void limit_files(rlim_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = std::min(bytes, limit.rlim_max);
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(JournalFile, ABatchThatFailsLeavesNothingAndTheNextOneWorks) {
  const std::string said = in_child([&]() -> std::string {
    auto journal = Journal::create(file(), opening);
    if (!journal) return journal.error().message;
    if (!journal->commit(batches[0])) return "the first commit failed";
    limit_files(64 * 1024);
    Batch large = batches[1];
    large.results.push_back({{"p0", 9}, "n1", true, std::string(1 << 20, 'x')});
    const auto failed = journal->commit(large);
    if (failed) return "more was written than fits";
    if (failed.error().message.find(file()) == std::string::npos)
      return "not named: " + failed.error().message;
    if (text(journal->events()) != text(batches[0].events))
      return "something of it is there: " + text(journal->events());
    limit_files(RLIM_INFINITY);
    if (!journal->commit(batches[1])) return "it never works again";
    return "";
  });
  EXPECT_EQ(said, "");
  auto journal = Journal::open_to_read(file());
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ(text(journal->events()), text(batches[0].events) + text(batches[1].events));
  EXPECT_TRUE(journal->each_accepted_result(
      [](const StoredResult&) { ADD_FAILURE() << "a result of the failed batch"; }));
}

TEST_F(JournalFile, ABatchThatSqliteRefusesHalfWayLeavesNothingEither) {
  write_all();
  {
    auto database = Database::open(file(), Database::Mode::ReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(
        database->execute("CREATE TRIGGER refuse BEFORE INSERT ON results WHEN new.point = 'px' "
                          "BEGIN SELECT RAISE(ABORT, 'refused'); END"));
  }
  auto journal = Journal::open_to_read(file());
  ASSERT_TRUE(journal);
  Batch refused = batches[0];
  refused.results.push_back({{"px", 1}, "n1", true, "x"});
  const auto failed = journal->commit(refused);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("refused"));
  EXPECT_EQ(text(journal->events()), text(all_events()));
  EXPECT_TRUE(journal->commit(batches[1]));
  EXPECT_EQ(text(journal->events()), text(all_events()) + text(batches[1].events));
}

TEST_F(JournalFile, OneThatCannotBeMadeLeavesNothing) {
  const std::string said = in_child([&] {
    limit_files(1'000);
    return complaint(Journal::create(file(), opening));
  });
  EXPECT_THAT(said, HasSubstr(file()));
  EXPECT_THAT(listing(), IsEmpty());
  write_all();
}

// ---- older versions: a sample of each is kept, as the program of its time wrote it

TEST_F(JournalFile, OneOfVersionOneIsReadAndGoesOn) {
  std::filesystem::copy_file(SWEEP_SOURCE_DIR "/tests/unit/data/journal_v1.db", file());
  std::string as_it_was;
  {
    auto journal = Journal::open_to_read(file());
    ASSERT_TRUE(journal) << journal.error().message;
    as_it_was = text(journal->events());
    EXPECT_EQ(journal->opening()->ids.size(), 6u);
  }
  auto journal = Journal::open_to_continue(file());
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ(text(journal->events()), as_it_was);
  int results = 0;
  EXPECT_TRUE(journal->each_accepted_result([&](const StoredResult&) { ++results; }));
  EXPECT_EQ(results, 3);
  EXPECT_TRUE(journal->commit(batches[0]));
  EXPECT_EQ(text(journal->events()), as_it_was + text(batches[0].events));
  EXPECT_TRUE(journal->check());
}

}  // namespace
}  // namespace sweep::journal
