// Truncated journals and journals with flipped bits are either read or refused with a message.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "controller/core/replay.hpp"
#include "tests/unit/journal_child.hpp"
#include "tests/unit/journal_sample.hpp"

namespace sweep::journal {
namespace {

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& file, const std::string& bytes) {
  std::filesystem::remove(file);  // a new file, because some file systems flush an overwritten one to disk
  std::ofstream(file, std::ios::binary) << bytes;
}

void put_byte(const std::string& file, std::size_t at, char byte) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(at));
  out.put(byte);
}

class JournalDamage : public JournalTest {
 protected:
  /// Reads the whole journal as sweepctl does. Returns the error, or "" if everything was read and is
  /// consistent.
  std::string read() {
    whole = false;
    auto journal = Journal::open_to_read(path("damaged.db"));
    if (!journal) return journal.error().message;
    if (const auto read = journal->opening(); !read) return read.error().message;
    const auto results = journal->each_accepted_result([](const StoredResult&) {});
    if (!results) return results.error().message;
    const auto events = journal->events();
    if (!events) return events.error().message;
    core::State state = core::make_state({}, specs);
    const auto done = core::replay(state, *events);
    if (!done) return done.error().message;
    whole = text(*events) == text(all_events());
    return "";
  }
  /// The same with one bit of the file flipped. The file is restored afterwards.
  std::string read_with_flip(std::size_t at, int bit) {
    put_byte(path("damaged.db"), at, static_cast<char>(bytes[at] ^ (1 << bit)));
    const std::string error = read();
    if (bytes_of(path("damaged.db")).size() == bytes.size()) {
      put_byte(path("damaged.db"), at, bytes[at]);
    } else {
      write(path("damaged.db"), bytes);
    }
    for (const char* suffix : {"-wal", "-shm", "-journal"})
      std::filesystem::remove(path("damaged.db") + suffix);
    return error;
  }
  void SetUp() override {
    JournalTest::SetUp();
    write_all();
    bytes = bytes_of(file());
    write(path("damaged.db"), bytes);
  }

  std::string bytes;   // of an undamaged journal
  bool whole = false;  // the last read() returned all events unchanged
};

TEST_F(JournalDamage, TheUndamagedFileIsRead) {
  EXPECT_EQ(read(), "");
  EXPECT_TRUE(whole);
}

TEST_F(JournalDamage, FileTruncatedAtAnyLengthIsRefusedOrReadWhole) {
  ASSERT_GT(bytes.size(), 20'000u);
  int refused = 0;
  constexpr std::size_t kHeader = 120, kStep = 97;
  for (std::size_t length = bytes.size(); length > 0;) {
    length -= length < kHeader ? 1 : kStep;
    std::filesystem::resize_file(path("damaged.db"), length);
    // The missing part may be an index that is not used.
    const std::string error = read();
    EXPECT_TRUE(error != "" || whole) << "part of a sweep was read from " << length << " of " << bytes.size();
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    refused += error != "";
  }
  EXPECT_GT(refused, 250);
}

TEST_F(JournalDamage, FlippedBitAnywhereIsRefusedOrHarmless) {
  int refused = 0;
  constexpr std::size_t kHeader = 108;  // headers of the file and of its first page
  for (std::size_t at = 0; at < kHeader; ++at)
    refused += read_with_flip(at, static_cast<int>(at % 8)) != "";
  std::mt19937_64 random(1);
  constexpr int kFlips = 1'000;
  for (int i = 0; i < kFlips; ++i)
    refused += read_with_flip(random() % bytes.size(), static_cast<int>(random() % 8)) != "";
  EXPECT_GT(refused, 30);
}

// In the text of the events a flipped bit is most likely to give a readable but different event.
TEST_F(JournalDamage, FlippedBitInEventsIsRefusedOrHarmless) {
  const std::size_t found = bytes.find("agent-joined");
  ASSERT_NE(found, std::string::npos);
  const std::size_t page = found & ~std::size_t{4095};
  int refused = 0;
  for (std::size_t at = page; at < page + 4096; ++at) {
    if (bytes[at] == 0) continue;
    const bool is_refused = read_with_flip(at, static_cast<int>(at % 7)) != "";
    EXPECT_TRUE(is_refused || whole) << "different events were read with a bit flipped at " << at;
    refused += is_refused;
  }
  EXPECT_GT(refused, 500);
}

// SQLite's own check does not detect a flipped bit in a text.
TEST_F(JournalDamage, JournalThatPassesCheckIsUnchanged) {
  const auto content = [&]() -> std::string {
    auto journal = Journal::open_to_read(path("damaged.db"));
    if (!journal || !journal->check()) return "refused";
    std::string out = text(journal->events());
    const auto read = journal->opening();
    if (!read) return "refused";
    for (const auto& [name, value] : read->meta)
      out += name + value;
    out += join(read->ids, " ") + join(read->entries, " ");
    journal->each_good_result([&](const StoredResult& result) {
      out += result.ref.point + std::to_string(result.ref.attempt) + result.node +
             std::to_string(result.accepted) + result.raw;
    });
    return out;
  };
  const std::string undamaged = content();
  ASSERT_NE(undamaged, "refused");
  const std::size_t results = bytes.find("refused") & ~std::size_t{4095};
  std::mt19937_64 random(2);
  std::size_t refused = 0;
  constexpr std::size_t kFlips = 1'500;
  for (std::size_t i = 0; i < kFlips; ++i) {
    // Every other flip is in the page that has the results.
    const std::size_t at = i % 2 == 0 ? random() % bytes.size() : results + 4095 - i / 2 % 400;
    const char was = bytes[at];
    put_byte(path("damaged.db"), at, static_cast<char>(was ^ (1 << random() % 8)));
    const std::string found = content();
    EXPECT_TRUE(found == "refused" || found == undamaged)
        << "a different journal passed with a bit flipped at " << at;
    refused += found == "refused";
    put_byte(path("damaged.db"), at, was);
  }
  EXPECT_GT(refused, 150u);
}

// A killed controller leaves the file and a write-ahead log. The intact part of the log is used: each batch
// is either complete or missing, and only last ones are missing.
TEST_F(JournalDamage, TruncatedLogGivesAPrefixOfTheBatches) {
  const std::string name = path("killed.db");
  PausedChild controller([&] {
    static Expected<Journal> held = Journal::create(name, opening);
    for (const Batch& batch : batches)
      static_cast<void>(held->commit(batch));
  });
  const std::string base = bytes_of(name), log = bytes_of(name + "-wal");
  controller.kill();
  ASSERT_FALSE(log.empty());
  std::vector<std::string> prefixes{""};
  for (const Batch& batch : batches)
    prefixes.push_back(prefixes.back() + text(batch.events));
  std::size_t most = 0;
  constexpr std::size_t kStep = 1'021;
  for (std::size_t length = 0; length <= log.size(); length += length < 64 ? 16 : kStep) {
    write(path("damaged.db"), base);
    write(path("damaged.db-wal"), log.substr(0, length));
    auto journal = Journal::open_to_read(path("damaged.db"));
    if (!journal) continue;  // the log contained the opening, too
    const auto found = std::find(prefixes.begin(), prefixes.end(), text(journal->events()));
    ASSERT_NE(found, prefixes.end()) << "part of a batch was read at " << length;
    const auto batches_there = static_cast<std::size_t>(found - prefixes.begin());
    EXPECT_GE(batches_there, most) << "a longer log has fewer batches";
    most = batches_there;
  }
  EXPECT_GE(most, batches.size() - 1);
}

}  // namespace
}  // namespace sweep::journal
