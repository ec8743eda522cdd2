// Writing, reading and locking the journal, and files that cannot be opened.
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

TEST_F(JournalFile, ReturnsWhatWasCommitted) {
  write_all();
  auto journal = Journal::open_to_read(file());
  ASSERT_TRUE(journal) << journal.error().message;
  const auto read = journal->opening();
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->meta, opening.meta);
  EXPECT_EQ(read->ids, opening.ids);
  EXPECT_EQ(read->entries, opening.entries) << "keys in their original order";
  const auto events = journal->events();
  EXPECT_EQ(text(events), text(all_events()));
  EXPECT_EQ(replayed(*events), finished);
}

TEST_F(JournalFile, ReturnsAcceptedResultsInMatrixOrder) {
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
  EXPECT_THAT(points, ElementsAre("p0/1 n1", "p2/1 n1")) << "p2 was committed first, p1 was not accepted";
  EXPECT_EQ(bytes.at(0), "first");
  EXPECT_EQ(bytes.at(1), batches[3].results[0].raw) << "every byte unchanged";
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

TEST_F(JournalFile, IsASingleFileAfterFinish) {
  write_all();
  EXPECT_THAT(listing(), ElementsAre("sweep.db"));
  auto one = Journal::open_to_read(file());
  auto two = Journal::open_to_read(file());
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(text(one->events()), text(two->events()));
}

TEST_F(JournalFile, SurvivesAControllerThatIsKilled) {
  PausedChild controller([&] {
    auto journal = Journal::create(file(), opening);
    for (std::size_t i = 0; journal && i < 4; ++i)
      static_cast<void>(journal->commit(batches[i]));
    static Expected<Journal> held = std::move(journal);  // still open when the process is killed
  });
  controller.kill();
  auto journal = Journal::open_to_read(file());
  ASSERT_TRUE(journal) << journal.error().message;
  std::vector<core::Event> committed;
  for (std::size_t i = 0; i < 4; ++i)
    committed.insert(committed.end(), batches[i].events.begin(), batches[i].events.end());
  EXPECT_EQ(text(journal->events()), text(committed));
}

TEST_F(JournalFile, CannotBeOpenedWhileAnotherProcessHoldsIt) {
  PausedChild controller([&] { static Expected<Journal> held = Journal::create(file(), opening); });
  EXPECT_EQ(
      complaint(Journal::open_to_read(file())),
      "'" + file() +
          "' is in use by another process; if its sweep is running, wait until it ends (sweepctl status shows it)");
  EXPECT_EQ(complaint(Journal::create(file(), opening)), "'" + file() + "' already exists");
  controller.kill();
  EXPECT_EQ(complaint(Journal::open_to_read(file())), "");
}

TEST_F(JournalFile, CannotBeOpenedAfterFinishWhileAnotherProcessHoldsIt) {
  PausedChild controller([&] {
    static Expected<Journal> held = Journal::create(file(), opening);
    static_cast<void>(held->finish());
  });
  EXPECT_EQ(
      complaint(Journal::open_to_read(file())),
      "'" + file() +
          "' is in use by another process; if its sweep is running, wait until it ends (sweepctl status shows it)");
}

TEST_F(JournalFile, CreateDoesNotChangeAnExistingJournal) {
  write_all();
  Opening other = opening;
  other.meta["facts"] = "of another";
  EXPECT_EQ(complaint(Journal::create(file(), other)), "'" + file() + "' already exists");
  EXPECT_THAT(listing(), ElementsAre("sweep.db"));
  EXPECT_EQ(Journal::open_to_read(file())->opening()->meta, opening.meta);
}

// ---- files that cannot be opened

TEST_F(JournalFile, MissingFileIsNamed) {
  EXPECT_EQ(complaint(Journal::open_to_read(file())),
            "'" + file() +
                "' does not exist: no sweep has run in that directory; give the output directory of a sweep");
  EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(JournalFile, FileThatIsNotAJournalIsNamed) {
  put("sweep.db", "");
  EXPECT_EQ(complaint(Journal::open_to_read(file())), "'" + file() + "' is not the journal of a sweep");
  put("sweep.db", std::string(10'000, 'x'));
  EXPECT_THAT(complaint(Journal::open_to_read(file())), HasSubstr(file()));
  EXPECT_THAT(complaint(Journal::open_to_read(folder_)), HasSubstr(folder_));
}

TEST_F(JournalFile, JournalOfANewerVersionIsRefused) {
  write_all();
  {
    auto database = Database::open(file(), Database::Mode::ReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute("PRAGMA user_version=" + std::to_string(kSchemaVersion + 1)));
  }
  EXPECT_EQ(
      complaint(Journal::open_to_read(file())),
      "'" + file() +
          "' has schema version 3, but this sweepctl reads versions up to 2; use the sweepctl that wrote it, "
          "or a newer one");
}

TEST_F(JournalFile, MissingDirectoryIsNamed) {
  const std::string nowhere = path("nowhere") + "/sweep.db";
  EXPECT_EQ(complaint(Journal::create(nowhere, opening)),
            "cannot create '" + nowhere + "': No such file or directory");
  put("plain", "");
  const std::string below = path("plain") + "/sweep.db";
  EXPECT_EQ(complaint(Journal::create(below, opening)), "cannot create '" + below + "': Not a directory");
}

TEST_F(JournalFile, ReadOnlyDirectoryIsNamed) {
  const std::string sealed = path("sealed");
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(sealed.c_str(), 0555), 0);
  const std::string error = in_child([&]() -> std::string {
    constexpr uid_t kNobody = 65534;  // root may write anywhere
    if (::geteuid() == 0 && ::seteuid(kNobody) != 0) return "cannot change the user";
    return complaint(Journal::create(sealed + "/sweep.db", opening));
  });
  EXPECT_EQ(error, "cannot create '" + sealed + "/sweep.db': Permission denied");
}

// ---- a full disk, simulated by limiting the size of the child's files

void limit_files(rlim_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = std::min(bytes, limit.rlim_max);
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(JournalFile, BatchThatFailsIsRolledBackAndTheNextOneSucceeds) {
  const std::string error = in_child([&]() -> std::string {
    auto journal = Journal::create(file(), opening);
    if (!journal) return journal.error().message;
    if (!journal->commit(batches[0])) return "the first commit failed";
    limit_files(64 * 1024);
    Batch large = batches[1];
    large.results.push_back({{"p0", 9}, "n1", true, std::string(1 << 20, 'x')});
    const auto failed = journal->commit(large);
    if (failed) return "a commit beyond the file size limit succeeded";
    if (failed.error().message.find(file()) == std::string::npos)
      return "the error does not name the file: " + failed.error().message;
    if (text(journal->events()) != text(batches[0].events))
      return "part of the batch is in the journal: " + text(journal->events());
    limit_files(RLIM_INFINITY);
    if (!journal->commit(batches[1])) return "the next commit failed";
    return "";
  });
  EXPECT_EQ(error, "");
  auto journal = Journal::open_to_read(file());
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ(text(journal->events()), text(batches[0].events) + text(batches[1].events));
  EXPECT_TRUE(journal->each_accepted_result(
      [](const StoredResult&) { ADD_FAILURE() << "a result of the failed batch"; }));
}

TEST_F(JournalFile, BatchThatSqliteRejectsHalfwayIsRolledBack) {
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

TEST_F(JournalFile, FailedCreateLeavesNoFile) {
  const std::string error = in_child([&] {
    limit_files(1'000);
    return complaint(Journal::create(file(), opening));
  });
  EXPECT_THAT(error, HasSubstr(file()));
  EXPECT_THAT(listing(), IsEmpty());
  write_all();
}

// ---- older versions: a sample of each, written by the program of that version

TEST_F(JournalFile, JournalOfVersionOneIsReadAndMigrated) {
  std::filesystem::copy_file(SWEEP_SOURCE_DIR "/tests/unit/data/journal_v1.db", file());
  std::string before;
  {
    auto journal = Journal::open_to_read(file());
    ASSERT_TRUE(journal) << journal.error().message;
    before = text(journal->events());
    EXPECT_EQ(journal->opening()->ids.size(), 6u);
  }
  auto journal = Journal::open_to_continue(file());
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ(text(journal->events()), before);
  int results = 0;
  EXPECT_TRUE(journal->each_accepted_result([&](const StoredResult&) { ++results; }));
  EXPECT_EQ(results, 3);
  EXPECT_TRUE(journal->commit(batches[0]));
  EXPECT_EQ(text(journal->events()), before + text(batches[0].events));
  EXPECT_TRUE(journal->check());
}

}  // namespace
}  // namespace sweep::journal
