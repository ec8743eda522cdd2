// proto/base/outcome: words and descriptions of how attempts end.
#include "proto/base/outcome.hpp"

#include <gtest/gtest.h>

#include <array>

#include "util/json.hpp"

namespace sweep {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<OutcomeKind, std::string_view>, 9> kOutcomeWords = {
    {{OutcomeKind::Ok, "ok"},
     {OutcomeKind::BenchmarkFailed, "benchmark-failed"},
     {OutcomeKind::NoResult, "no-result"},
     {OutcomeKind::InvalidResult, "invalid-result"},
     {OutcomeKind::TimedOut, "timed-out"},
     {OutcomeKind::ServerFailed, "server-failed"},
     {OutcomeKind::Infrastructure, "infrastructure"},
     {OutcomeKind::Cancelled, "cancelled"},
     {OutcomeKind::Preempted, "preempted"}}};

// Journals and manifests contain the words, so they must not change.
TEST(OutcomeText, EveryKindHasAWord) {
  for (const auto& [kind, word] : kOutcomeWords) {
    EXPECT_EQ(outcome_word(kind), word);
    EXPECT_EQ(outcome_kind(word), kind);
  }
  EXPECT_EQ(outcome_kind("OK"), std::nullopt);
  EXPECT_EQ(outcome_kind(""), std::nullopt);
}

TEST(OutcomeText, OutcomeIsTheSameAfterARoundTrip) {
  for (const auto& [kind, word] : kOutcomeWords) {
    const Outcome full{kind, 255, 64, "server", "it broke"};
    const json body = {
        {"kind", word}, {"exit_code", 255}, {"signal", 64}, {"phase", "server"}, {"reason", "it broke"}};
    EXPECT_EQ(outcome_to_json(full), body);
    const auto back = outcome_from_json(body);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(outcome_to_json(*back), body);
  }
  EXPECT_EQ(outcome_to_json(Outcome{}), json({{"kind", "ok"}}));
  const auto back = outcome_from_json({{"kind", "ok"}});
  ASSERT_TRUE(back);
  EXPECT_EQ(outcome_to_json(*back), json({{"kind", "ok"}}));
}

// The same code reads the controller's journal, so it must accept everything that was written.
TEST(OutcomeText, WrittenOutcomesCanAlwaysBeRead) {
  const Outcome wild{OutcomeKind::Infrastructure, {}, {}, std::string(100, 'p'), std::string(5'000, '\xff')};
  const json body = outcome_to_json(wild);
  const auto back = outcome_from_json(json::parse(body.dump()));  // dump throws on invalid UTF-8
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->phase, std::string(64, 'p'));
  EXPECT_EQ(back->reason, std::string(4'096, '?'));
  const auto read = outcome_from_json({{"kind", "ok"}, {"phase", "\x1b[m"}, {"reason", "two\nlines"}});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->phase, "?[m");
  EXPECT_EQ(read->reason, "two\\nlines");
}

TEST(OutcomeText, DescriptionHasSignalStatusAndReason) {
  EXPECT_EQ(describe({OutcomeKind::Ok, 0, {}, "benchmark", ""}), "ok");
  EXPECT_EQ(describe({OutcomeKind::BenchmarkFailed, 3, {}, "", ""}), "benchmark-failed: exit status 3");
  EXPECT_EQ(describe({OutcomeKind::ServerFailed, 7, {}, "", "the server exited with status 7"}),
            "server-failed: the server exited with status 7");
  EXPECT_EQ(describe({OutcomeKind::BenchmarkFailed, {}, 9, "", ""}),
            "benchmark-failed: killed by signal 9 (SIGKILL)");
  EXPECT_EQ(describe({OutcomeKind::BenchmarkFailed, {}, 64, "", ""}),
            "benchmark-failed: killed by signal 64");
  EXPECT_EQ(describe({OutcomeKind::NoResult, 0, {}, "", "r.json is not there"}),
            "no-result: r.json is not there");
  EXPECT_EQ(describe({OutcomeKind::TimedOut, {}, 15, "server", "server not ready after 60 s"}),
            "timed-out: killed by signal 15 (SIGTERM), server not ready after 60 s");
}

}  // namespace
}  // namespace sweep
