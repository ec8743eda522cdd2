// Fifty processes need one image at the same time, and the importing process is killed several times. All
// succeed, and never more disk space is used than one import needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "container/io/end_processes.hpp"
#include "container/io/images.hpp"
#include "container/io/store.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep::container {
namespace {

constexpr std::size_t kBytes = 1 << 20;
constexpr int kPieces = 32;
constexpr int kAgents = 50, kKills = 6;

class Race : public InFolder {
 protected:
  /// Appends one byte to `log`, so that the marks of all processes are counted.
  void mark(const char* log, char what) const { std::ignore = append_file(path(log), std::string(1, what)); }
  std::string marks(const char* log) const { return read_file(path(log), 1 << 20).value_or(""); }

  WantedEntry wanted() const {
    WantedEntry out;
    out.name = "big.sqsh";
    out.make = [this](const std::string& part) -> Expected<void> {
      mark("begun", 'b');
      // In pieces like an import. The first imports wait in the middle, each after another piece, to be killed.
      const std::size_t imports = marks("begun").size();
      for (std::size_t piece = 0; piece < kPieces; ++piece) {
        if (imports <= kKills && piece == imports * 5) {
          mark("waiting", 'w');
          ::pause();
        }
        if (const auto written = append_file(part, std::string(kBytes / kPieces, 'x')); !written)
          return written;
      }
      return {};
    };
    out.check = [](const std::string& at) -> Expected<void> {
      std::error_code code;
      return std::filesystem::file_size(at, code) == kBytes ? Expected<void>() : fail("cut");
    };
    return out;
  }

  pid_t agent() const {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    Store store(path("cache"), [](const StageProgress&) {});
    const auto entry = store.ensure(wanted());
    if (entry && wanted().check(*entry)) mark("served", 's');
    ::_exit(entry ? 0 : 1);
  }

  std::uintmax_t on_disk() const {
    std::uintmax_t all = 0;
    std::error_code code;
    for (const auto& item : std::filesystem::directory_iterator(path("cache"), code)) {
      const auto size = item.file_size(code);
      if (!code) all += size;
    }
    return all;
  }

  /// Returns the process that holds the claim.
  std::optional<pid_t> importer() const {
    const auto holder = claim_holder(path("cache/.big.sqsh.claim"));
    return holder ? std::optional(holder->token.pid) : std::nullopt;
  }
};

TEST_F(Race, FiftyAgentsShareOneImportWhileImportersAreKilled) {
  std::map<pid_t, bool> alive;
  for (int i = 0; i < kAgents; ++i)
    alive[agent()] = true;
  int killed = 0, failed = 0;
  std::uintmax_t most = 0;
  while (!alive.empty()) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended > 0 && alive.erase(ended) > 0) {
      const bool by_us = WIFSIGNALED(status);
      // Another process replaces it, as the agent's retry does.
      if (by_us) alive[agent()] = true;
      if (!by_us && WEXITSTATUS(status) != 0) ++failed;
      continue;
    }
    most = std::max(most, on_disk());
    const auto victim = importer();
    if (victim && alive.contains(*victim) && marks("waiting").size() > static_cast<std::size_t>(killed)) {
      ::kill(*victim, SIGKILL);
      ++killed;
    }
    ::poll(nullptr, 0, 5);
  }
  EXPECT_EQ(killed, kKills);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(marks("served").size(), static_cast<std::size_t>(kAgents));
  // The file of a killed process is removed before the next import begins.
  EXPECT_LE(most, kBytes + 64 * 1024);
  EXPECT_EQ(marks("begun").size(), static_cast<std::size_t>(kKills) + 1);
  const auto left = list_images(path("cache"));
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1U);
  kill_children(Millis(1'000));  // the touching processes of killed importers end by themselves
}

}  // namespace
}  // namespace sweep::container
