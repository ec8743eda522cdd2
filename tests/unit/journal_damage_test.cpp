// Journals cut short and with flipped bits: they are read, or refused with a message; nothing else.
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
  std::filesystem::remove(file);  // a new file: some file systems flush one that is overwritten
  std::ofstream(file, std::ios::binary) << bytes;
}

void put_byte(const std::string& file, std::size_t at, char byte) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(at));
  out.put(byte);
}

class JournalDamage : public JournalTest {
 protected:
  /// Reads everything there is, as sweepctl does. "": all of it could be read and made sense.
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
  /// The same where one bit of the file is another; the file is as before afterwards.
  std::string read_with_flip(std::size_t at, int bit) {
    put_byte(path("damaged.db"), at, static_cast<char>(bytes[at] ^ (1 << bit)));
    const std::string said = read();
    if (bytes_of(path("damaged.db")).size() == bytes.size()) {
      put_byte(path("damaged.db"), at, bytes[at]);
    } else {
      write(path("damaged.db"), bytes);
    }
    for (const char* suffix : {"-wal", "-shm", "-journal"})
      std::filesystem::remove(path("damaged.db") + suffix);
    return said;
  }
  void SetUp() override {
    JournalTest::SetUp();
    write_all();
    bytes = bytes_of(file());
    write(path("damaged.db"), bytes);
  }

  std::string bytes;   // of a sound journal
  bool whole = false;  // what was read last was what was written
};

TEST_F(JournalDamage, TheUndamagedFileIsRead) {
  EXPECT_EQ(read(), "");
  EXPECT_TRUE(whole);
}

TEST_F(JournalDamage, CutShortAtAnyLength) {
  ASSERT_GT(bytes.size(), 20'000u);
  int refused = 0;
  constexpr std::size_t kHeader = 120, kStep = 97;
  for (std::size_t length = bytes.size(); length > 0;) {
    length -= length < kHeader ? 1 : kStep;
    std::filesystem::resize_file(path("damaged.db"), length);
    // What is cut off may be an index that nobody looks at.
    const std::string said = read();
    EXPECT_TRUE(said != "" || whole) << "half a sweep was read from " << length << " of " << bytes.size();
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
    refused += said != "";
  }
  EXPECT_GT(refused, 250);
}

TEST_F(JournalDamage, WithAFlippedBitAnywhere) {
  int refused = 0;
  constexpr std::size_t kHeader = 108;  // the file's header and the first page's
  for (std::size_t at = 0; at < kHeader; ++at)
    refused += read_with_flip(at, static_cast<int>(at % 8)) != "";
  std::mt19937_64 dice(1);
  constexpr int kFlips = 1'000;
  for (int i = 0; i < kFlips; ++i)
    refused += read_with_flip(dice() % bytes.size(), static_cast<int>(dice() % 8)) != "";
  EXPECT_GT(refused, 30);
}

// The text of the events, where each flip is most likely to make something that is read but not meant.
TEST_F(JournalDamage, WithAFlippedBitInItsEvents) {
  const std::size_t found = bytes.find("agent-joined");
  ASSERT_NE(found, std::string::npos);
  const std::size_t page = found & ~std::size_t{4095};
  int refused = 0;
  for (std::size_t at = page; at < page + 4096; ++at) {
    if (bytes[at] == 0) continue;
    const bool is_refused = read_with_flip(at, static_cast<int>(at % 7)) != "";
    EXPECT_TRUE(is_refused || whole) << "other events were read, with a bit flipped at " << at;
    refused += is_refused;
  }
  EXPECT_GT(refused, 500);
}

// SQLite's own check does not see a bit in a text.
TEST_F(JournalDamage, WhatPassesTheCheckIsWhatWasWritten) {
  const auto said = [&]() -> std::string {
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
  const std::string sound = said();
  ASSERT_NE(sound, "refused");
  const std::size_t results = bytes.find("refused") & ~std::size_t{4095};
  std::mt19937_64 dice(2);
  std::size_t refused = 0;
  constexpr std::size_t kFlips = 1'500;
  for (std::size_t i = 0; i < kFlips; ++i) {
    // Every other one in the page that has the results.
    const std::size_t at = i % 2 == 0 ? dice() % bytes.size() : results + 4095 - i / 2 % 400;
    const char was = bytes[at];
    put_byte(path("damaged.db"), at, static_cast<char>(was ^ (1 << dice() % 8)));
    const std::string found = said();
    EXPECT_TRUE(found == "refused" || found == sound)
        << "something else passed, with a bit flipped at " << at;
    refused += found == "refused";
    put_byte(path("damaged.db"), at, was);
  }
  EXPECT_GT(refused, 150u);
}

// What a controller leaves that was killed is the file and a log. The log is believed as far as it is whole:
// every batch is there or not, in order.
TEST_F(JournalDamage, ALogCutShortGivesTheBatchesBefore) {
  const std::string name = path("killed.db");
  Standing controller([&] {
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
    if (!journal) continue;  // the opening itself was in the log
    const auto found = std::find(prefixes.begin(), prefixes.end(), text(journal->events()));
    ASSERT_NE(found, prefixes.end()) << "half a batch at " << length;
    const auto batches_there = static_cast<std::size_t>(found - prefixes.begin());
    EXPECT_GE(batches_there, most) << "a longer log has fewer batches";
    most = batches_there;
  }
  EXPECT_GE(most, batches.size() - 1);
}

}  // namespace
}  // namespace sweep::journal
