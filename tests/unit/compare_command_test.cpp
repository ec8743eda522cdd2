// controller/compare: the query for psql, and compare-results on files. psql is a script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "controller/compare/baseline_query.hpp"
#include "controller/compare/command.hpp"
#include "tests/unit/compare_samples.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep::compare {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// ---- the query

TEST(BaselineQuery, ValuesCannotLeaveTheirLiteral) {
  Json query = compared(sample_record())->query;
  query["model"] = "a'; DROP TABLE configs; --\\";
  const std::vector<Json> queries = {query};
  const std::string sql = baseline_sql(queries);
  EXPECT_THAT(sql, HasSubstr("\"model\": \"a''; DROP TABLE configs; --\\\\\""));
  EXPECT_THAT(sql, HasSubstr("standard_conforming_strings = on"));
  EXPECT_THAT(sql, HasSubstr("READ ONLY"));
  EXPECT_THAT(sql, HasSubstr("\"number\": 0}]'::json"));
}

TEST(BaselineQuery, AnswerIsReadByNumber) {
  const auto found = parse_baselines("{\"query\" : 2, \"model\" : \"dsr1\", \"metrics\" : {\"a\": 1}}\n\n");
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->at(2).model, "dsr1");
  EXPECT_EQ(found->at(2).metrics.at("a"), 1);
  EXPECT_FALSE(parse_baselines("SET\n"));
  EXPECT_FALSE(parse_baselines("{\"query\": \"x\"}\n"));
}

TEST(BaselineQuery, PasswordIsTakenOutOfTheAddress) {
  const auto parts = [](const char* url) { return split_password(url).value(); };
  EXPECT_EQ(parts("postgresql://u:p%40s%3a@host:5432/db?sslmode=require"),
            (std::pair<std::string, std::optional<std::string>>("postgresql://u@host:5432/db?sslmode=require",
                                                                "p@s:")));
  EXPECT_EQ(parts("postgres://u@host:5432/db"),
            (std::pair<std::string, std::optional<std::string>>("postgres://u@host:5432/db", std::nullopt)));
  EXPECT_EQ(parts("postgres://host/db?x=a:b@c").first, "postgres://host/db?x=a:b@c");
  for (const char* bad :
       {"mysql://h/d", "host=h dbname=d", "", "postgres://u:p%4@h/d", "postgres://h/d?password=x"}) {
    const auto result = split_password(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_THAT(result.error().message, HasSubstr("DATABASE_URL")) << bad;
  }
}

// ---- the command

class CompareCommand : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    std::filesystem::create_directory(path("results"));
    put("baseline.json", Json::array({sample_row()}).dump());
  }

  CompareOutput run() const { return run_compare_results(path("results"), "file:" + path("baseline.json")); }
};

TEST_F(CompareCommand, RecordsAndListsAreCompared) {
  put("results/agg_a.json", sample_record().dump());
  put("results/agg_all.json",
      Json::array({many_nodes_record(), {{"scenario_type", "agentic-coding"}}}).dump());
  const auto compared = run();
  EXPECT_EQ(compared.output.status, 0) << compared.output.err;
  EXPECT_EQ(compared.output.err, "");
  EXPECT_THAT(compared.output.out, AllOf(HasSubstr("## Single-Node"), HasSubstr("## Multi-Node")));
  EXPECT_THAT(compared.log,
              StartsWith("Loaded 2 benchmark results\n\nQuery params: {\n  \"hardware\": \"b200\",\n"));
  EXPECT_THAT(compared.log, HasSubstr("\"disagg\": \"False\""));
  EXPECT_THAT(compared.log, HasSubstr("  -> Matched DB model=dsr1-0528, tput=1000\n"));
  EXPECT_THAT(compared.log, HasSubstr("  -> No baseline found\n"));
  EXPECT_THAT(compared.log, testing::EndsWith("\nSummary: 1 matched, 1 unmatched out of 2 results\n"));
}

TEST_F(CompareCommand, OtherFilesAreNamedAndTheRestIsCompared) {
  put("results/agg_a.json", sample_record().dump());
  put("results/broken.json", "{");
  put("results/foreign.json", R"([{"power_valid": false}])");
  const auto compared = run();
  EXPECT_EQ(compared.output.status, 1);
  EXPECT_THAT(compared.output.err, HasSubstr("/results/broken.json' as JSON"));
  EXPECT_THAT(compared.output.err, HasSubstr("element 1 of '" + path("results/foreign.json") +
                                             "' is not a record of InferenceX: it has no 'hw'; skipped\n"));
  EXPECT_THAT(compared.output.out, HasSubstr("## Single-Node"));
}

TEST_F(CompareCommand, FilesBesideRecordsOfASweepAreSkippedSilently) {
  std::filesystem::create_directory(path("results/raw"));
  for (const char* name : {"raw/r.json", "manifest.json", "power_validation_r.json"})
    put(std::string("results/") + name, "{}");
  put("results/sweep_configs.json", R"([{"image": "i"}])");
  const auto compared = run();
  EXPECT_EQ(compared.output.status, 0);
  EXPECT_EQ(compared.output.err, "");
  EXPECT_EQ(compared.output.out, "No benchmark results found to compare.\n");
}

TEST_F(CompareCommand, DatabaseMustBeNamed) {
  const auto compared = run_compare_results(path("results"), std::nullopt);
  EXPECT_EQ(compared.output.status, 1);
  EXPECT_THAT(compared.output.err, StartsWith("DATABASE_URL is not set; set it to"));
}

TEST_F(CompareCommand, BaselinesMustBeAnArray) {
  put("results/agg_a.json", sample_record().dump());
  put("baseline.json", "{}");
  const auto compared = run();
  EXPECT_EQ(compared.output.status, 1);
  EXPECT_EQ(compared.output.out, "");
  EXPECT_THAT(compared.output.err,
              HasSubstr("baseline.json' must be a JSON array of rows, but is an object"));
}

// Runs the command with a script in place of psql.
class CompareThroughPsql : public CompareCommand {
 protected:
  void SetUp() override {
    CompareCommand::SetUp();
    before_ = std::getenv("PATH");
    put("results/agg_a.json", sample_record().dump());
  }
  void TearDown() override {
    ::setenv("PATH", before_.c_str(), 1);
    CompareCommand::TearDown();
  }

  CompareOutput run_with(const std::string& script) {
    put("psql", "#!/bin/sh\nexport PATH='" + before_ + "'\n" + script, 0755);
    ::setenv("PATH", folder_.c_str(), 1);
    return run_compare_results(path("results"), "postgresql://me:s%65cret@host/db");
  }

 private:
  std::string before_;
};

TEST_F(CompareThroughPsql, AnswerOfPsqlIsTheBaseline) {
  const auto compared = run_with(
      "printf '%s\\n' \"$@\" \"password=$PGPASSWORD\" > '" + path("arguments") +
      "'\n"
      "for a; do case $a in --output=*) out=${a#*=};; --file=*) cp \"${a#*=}\" '" +
      path("sql") +
      "';; esac; done\n"
      "echo '{\"query\": 0, \"model\": \"dsr1-x\", \"metrics\": {\"tput_per_gpu\": 1000}}' > \"$out\"\n");
  EXPECT_EQ(compared.output.status, 0) << compared.output.err;
  EXPECT_THAT(compared.log, HasSubstr("-> Matched DB model=dsr1-x, tput=1000"));
  const std::string arguments = read_file(path("arguments"), 1 << 16).value();
  EXPECT_THAT(arguments, AllOf(HasSubstr("--dbname=postgresql://me@host/db\n"), HasSubstr("--no-psqlrc\n"),
                               HasSubstr("password=secret\n")));
  EXPECT_THAT(read_file(path("sql"), 1 << 16).value(), HasSubstr("\"hardware\": \"b200\""));
}

TEST_F(CompareThroughPsql, FailureOfPsqlIsNamedWithoutThePassword) {
  const auto compared = run_with("echo 'FATAL: no pg_hba.conf entry' >&2; exit 2\n");
  EXPECT_EQ(compared.output.status, 1);
  EXPECT_EQ(compared.output.out, "");
  EXPECT_THAT(
      compared.output.err,
      AllOf(HasSubstr("the query of the database failed: psql: exit status 2: FATAL: no pg_hba.conf entry"),
            HasSubstr("file:FILE"), Not(HasSubstr("secret")), Not(HasSubstr("s%65cret"))));
}

}  // namespace
}  // namespace sweep::compare
