// sweepctl aggregate on a sweep's output directory, on folders of agg files, and on folders with both.
#include <map>

#include "tests/process/program.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using nlohmann::json;

constexpr const char* kOtherResult =
    R"({"hw": "h200", "tp": 4, "ep": 1, "dp_attention": "false", "conc": 99, "model": "org/DeepSeek-R1",)"
    R"( "framework": "vllm", "precision": "fp8", "tput_per_gpu": 900.0, "output_tput_per_gpu": 450.0,)"
    R"( "input_tput_per_gpu": 450.0, "median_ttft": 0.1, "median_tpot": 0.01, "median_intvty": 100.0,)"
    R"( "median_e2el": 5.0})";

class Aggregate : public ProcessTest {
 protected:
  void sweep_into(const std::string& output, const std::vector<int>& concurrencies) {
    write_matrix(concurrencies);
    write("good.sh", kGoodBenchmark, true);
    Program run(directory_, {"sweepctl", "run", "--profile", "profile.yaml", "--output", output,
                             "matrix.yaml", "--", "./good.sh"});
    ASSERT_EQ(run.finish(), 0) << run.err();
  }

  /// Aggregates and returns what --json prints.
  json aggregate(const std::string& directory, int status = 0) {
    Program program(directory_, {"sweepctl", "aggregate", directory, "--json"});
    EXPECT_EQ(program.finish(), status) << program.err();
    err_ = program.err();
    return program.out().empty() ? json() : json::parse(program.out());
  }

  std::map<std::string, std::string> files(const std::string& directory) const {
    std::map<std::string, std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / directory)) {
      const std::string name = std::filesystem::relative(entry.path(), directory_).string();
      if (entry.is_regular_file() && entry.path().filename() != "sweep.db") out[name] = read(name);
    }
    return out;
  }

  std::vector<std::string> agg_files(const std::string& directory) const {
    std::vector<std::string> out;
    for (const auto& [name, bytes] : files(directory)) {
      if (name.find("/agg_dsr1_1k1k_") != std::string::npos) out.push_back(name);
    }
    return out;
  }

  std::string err_;
};

TEST_F(Aggregate, WritesASweepAgainFromItsJournalOnly) {
  sweep_into("out", {1, 2});
  const auto before = files("out");
  for (const std::string& name : agg_files("out"))
    std::filesystem::remove(directory_ / name);
  std::filesystem::remove_all(directory_ / "out/raw");
  const json printed = aggregate("out/");
  EXPECT_EQ(printed["results"], 2);
  EXPECT_EQ(printed["sweeps"].at(0)["done"], 2);
  EXPECT_EQ(printed["sweeps"].at(0)["server_starts"], 2);
  EXPECT_GE(printed["best"].at(0)["tput_per_gpu"]["tput_per_gpu"], 0.0);
  for (const auto& [name, bytes] : files("out"))
    EXPECT_EQ(bytes, before.at(name)) << name;
  EXPECT_EQ(files("out").size(), before.size());
  const std::string summary = read("out/summary.txt");
  EXPECT_NE(summary.find("2 attempts on 1 agent\n"), std::string::npos) << summary;
  EXPECT_NE(summary.find("Best of dsr1_1k1k, "), std::string::npos) << summary;
  EXPECT_NE(summary.find("Pareto frontier"), std::string::npos) << summary;
}

TEST_F(Aggregate, IncludesAggFilesAddedBesideASweep) {
  sweep_into("out", {1});
  write("out/agg_elsewhere.json", kOtherResult);
  EXPECT_EQ(aggregate("out")["results"], 2);
  EXPECT_EQ(json::parse(read("out/agg_dsr1_1k1k.json")).size(), 1U) << "the sweep's own";
  EXPECT_EQ(json::parse(read("out/agg_all.json")).size(), 2U);
  EXPECT_EQ(read("out/agg_elsewhere.json"), kOtherResult);
  const auto once = files("out");
  EXPECT_EQ(aggregate("out")["results"], 2);
  EXPECT_EQ(files("out"), once);
}

TEST_F(Aggregate, CollectsAFolderOfAggFiles) {
  std::filesystem::create_directories(directory_ / "aggs/deep");
  write("aggs/agg_a.json", kOtherResult);
  json other = json::parse(kOtherResult);
  other["conc"] = 7;
  write("aggs/deep/agg_b.json", other.dump());
  write("aggs/raw.json", R"({"no": "result"})");
  write("aggs/bad.json", "{");
  const json printed = aggregate("aggs", 1);
  EXPECT_EQ(printed["results"], 2);
  EXPECT_NE(err_.find("aggs/bad.json"), std::string::npos) << err_;
  EXPECT_NE(err_.find("such as 'aggs/raw.json'"), std::string::npos) << err_;
  std::filesystem::remove(directory_ / "aggs/bad.json");
  EXPECT_EQ(aggregate("aggs")["results"], 2);
  const auto once = files("aggs");
  EXPECT_TRUE(once.contains("aggs/summary.txt"));
  EXPECT_TRUE(once.contains("aggs/tput_vs_e2el_dsr1_all.png"));
  EXPECT_EQ(aggregate("aggs")["results"], 2);
  EXPECT_EQ(files("aggs"), once);
  std::filesystem::remove(directory_ / "aggs/agg_a.json");
  EXPECT_EQ(aggregate("aggs")["results"], 1) << "a removed result must not come back from agg_all.json";
}

TEST_F(Aggregate, LimitOfFileSizesIsAnErrorAndLeavesNothing) {
  std::filesystem::create_directory(directory_ / "in");
  write("in/agg_other.json", kOtherResult);
  Program collect(directory_, {"/bin/sh", "-c", "ulimit -f 0; exec \"$@\"", "sh",
                               std::string(SWEEP_BIN_DIR) + "/sweepctl", "collect", "in", "x"});
  EXPECT_EQ(collect.finish(), 1);
  EXPECT_NE(collect.err().find("cannot write 'agg_x.json': File too large; raise the limit"),
            std::string::npos)
      << collect.err();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1) << "only in/";
}

TEST_F(Aggregate, ResultsInSeveralCollectionsCountOnce) {
  std::filesystem::create_directories(directory_ / "aggs");
  json other = json::parse(kOtherResult);
  other["conc"] = 7;
  write("aggs/agg_one.json", "[" + std::string(kOtherResult) + ", " + other.dump() + "]");
  write("aggs/agg_two.json", "[" + std::string(kOtherResult) + "]");
  write("aggs/agg_single.json", kOtherResult);
  EXPECT_EQ(aggregate("aggs")["results"], 2);
}

TEST_F(Aggregate, CollectsSweepsAndAggFilesBelowAFolder) {
  sweep_into("all/one", {1, 2});
  sweep_into("all/two", {3});
  std::filesystem::create_directories(directory_ / "all/old");
  write("all/old/agg_x.json", kOtherResult);
  for (const std::string& name : agg_files("all/one"))
    std::filesystem::remove(directory_ / name);
  const auto one = files("all/one");
  const json printed = aggregate("all");
  EXPECT_EQ(printed["results"], 4);
  EXPECT_EQ(printed["sweeps"].size(), 2U);
  EXPECT_EQ(files("all/one"), one) << "a sweep below is read, not written";
  EXPECT_EQ(json::parse(read("all/agg_dsr1_1k1k.json")).size(), 3U);
  EXPECT_EQ(json::parse(read("all/agg_all.json")).size(), 4U);
  EXPECT_NE(read("all/summary.txt").find(" in two\n"), std::string::npos) << read("all/summary.txt");
  const auto once = files("all");
  aggregate("all");
  EXPECT_EQ(files("all"), once);
}

TEST_F(Aggregate, OverwritesOnlyItsOwnFiles) {
  std::filesystem::create_directories(directory_ / "aggs");
  for (const std::string text : {kOtherResult, "[{\"my\": 1}]", "{\"my\": \"notes\"}", "broken"}) {
    write("aggs/agg_x.json", kOtherResult);
    write("aggs/agg_all.json", text);
    write("aggs/summary.txt", "mine");
    aggregate("aggs", 1);
    EXPECT_NE(err_.find("agg_all.json': a file of that name exists that sweepctl did not write"),
              std::string::npos)
        << err_;
    EXPECT_NE(err_.find("summary.txt': a file of that name exists that sweepctl did not write"),
              std::string::npos)
        << err_;
    EXPECT_EQ(read("aggs/agg_all.json"), text);
    EXPECT_EQ(read("aggs/summary.txt"), "mine");
  }
  std::filesystem::remove(directory_ / "aggs/agg_all.json");
  std::filesystem::remove(directory_ / "aggs/summary.txt");
  aggregate("aggs");
  write("aggs/summary.txt", read("aggs/summary.txt") + "and a remark");
  aggregate("aggs", 1);
  EXPECT_NE(read("aggs/summary.txt").find("and a remark"), std::string::npos);
}

TEST_F(Aggregate, SweepDoesNotOverwriteExistingFiles) {
  std::filesystem::create_directories(directory_ / "out");
  write("out/agg_dsr1_1k1k.json", "[" + std::string(kOtherResult) + "]");
  write_matrix({1});
  write("good.sh", kGoodBenchmark, true);
  const std::vector<std::string> command = {
      "sweepctl", "run", "--profile", "profile.yaml", "--output", "out", "matrix.yaml", "--", "./good.sh"};
  Program refused(directory_, command);
  EXPECT_EQ(refused.finish(), 1) << refused.err();
  EXPECT_NE(refused.err().find("its 'agg_dsr1_1k1k.json' was not written by sweepctl"), std::string::npos)
      << refused.err();
  EXPECT_FALSE(exists("out/sweep.db"));

  // A file that comes while the sweep runs.
  std::filesystem::remove(directory_ / "out/agg_dsr1_1k1k.json");
  write("good.sh",
        std::string(kGoodBenchmark) + "echo '[" + std::string(kOtherResult) + "]' >out/agg_dsr1_1k1k.json\n",
        true);
  Program run(directory_, command);
  EXPECT_EQ(run.finish(), 1) << run.err();
  EXPECT_NE(run.err().find("move it away, then run sweepctl aggregate again"), std::string::npos)
      << run.err();
  EXPECT_EQ(read("out/agg_dsr1_1k1k.json"), "[" + std::string(kOtherResult) + "]\n");
  EXPECT_EQ(agg_files("out").size(), 1U) << "the result itself is there";
}

TEST_F(Aggregate, CopiesCountOnce) {
  sweep_into("all/one", {1, 2});
  std::filesystem::copy(directory_ / "all/one", directory_ / "all/copy",
                        std::filesystem::copy_options::recursive);
  std::filesystem::create_directories(directory_ / "all/files");
  for (const std::string& name : agg_files("all/one"))
    std::filesystem::copy(directory_ / name, directory_ / "all/files");
  EXPECT_EQ(aggregate("all")["results"], 2);
  EXPECT_NE(err_.find("is a copy of sweep "), std::string::npos) << err_;
  EXPECT_NE(err_.find("skipped 4 files with results that were already read"), std::string::npos) << err_;
  std::filesystem::remove_all(directory_ / "all/one");
  std::filesystem::remove_all(directory_ / "all/copy");
  const json printed = aggregate("all");
  EXPECT_EQ(printed["results"], 2) << "from the files now, and not from agg_dsr1_1k1k.json again";
  EXPECT_EQ(printed["frontier"].at(0)["exp_name"], "dsr1_1k1k")
      << "the name of the file agrees with the result";
}

TEST_F(Aggregate, SpellingOfTheDirectoryDoesNotMatter) {
  sweep_into("all/one", {1});
  aggregate("all");
  const auto once = files("all");
  aggregate("./all/");
  EXPECT_EQ(files("all"), once);
  aggregate((directory_ / "all").string());
  EXPECT_EQ(files("all"), once);
}

TEST_F(Aggregate, ExpNameAppliesToResultsOfUnknownExperiment) {
  std::filesystem::create_directories(directory_ / "aggs");
  write("aggs/agg_x.json", kOtherResult);
  Program program(directory_, {"sweepctl", "aggregate", "aggs", "--exp-name", "night", "--json"});
  EXPECT_EQ(program.finish(), 0) << program.err();
  EXPECT_EQ(json::parse(program.out())["frontier"].at(0)["exp_name"], "night");
  EXPECT_TRUE(exists("aggs/agg_night.json"));
  EXPECT_TRUE(exists("aggs/tput_vs_e2el_dsr1_night.png"));
  EXPECT_FALSE(exists("aggs/agg_all.json"));
}

TEST_F(Aggregate, UsesAggFilesIfTheJournalCannotBeRead) {
  std::filesystem::create_directories(directory_ / "aggs");
  write("aggs/sweep.db", "");
  write("aggs/agg_x.json", kOtherResult);
  EXPECT_EQ(aggregate("aggs", 1)["results"], 1);
  EXPECT_NE(err_.find("using this sweep's agg files instead"), std::string::npos) << err_;
}

TEST_F(Aggregate, WithoutResultsItReportsThatAndWritesNothing) {
  std::filesystem::create_directories(directory_ / "empty");
  EXPECT_EQ(aggregate("empty", 1)["results"], 0);
  EXPECT_NE(err_.find("no processed results found in 'empty'"), std::string::npos) << err_;
  EXPECT_TRUE(files("empty").empty());
  aggregate("absent", 1);
  EXPECT_NE(err_.find("'absent' does not exist; give the output directory"), std::string::npos) << err_;
}

TEST_F(Aggregate, ParetoUsesTheSameResults) {
  sweep_into("all/one", {1, 2});
  for (const std::string& name : agg_files("all/one"))
    std::filesystem::remove(directory_ / name);
  write("all/agg_x.json", kOtherResult);
  write("all/bad.json", "{");
  const auto before = files("all");
  Program pareto(directory_, {"sweepctl", "pareto", "all/", "--json"});
  EXPECT_EQ(pareto.finish(), 1);
  EXPECT_NE(pareto.err().find("all/bad.json"), std::string::npos) << pareto.err();
  const json rows = json::parse(pareto.out());
  ASSERT_GE(rows.size(), 2U) << pareto.out();
  EXPECT_EQ(rows[0]["conc"], 99) << "results of unknown experiment come first";
  EXPECT_EQ(rows[1]["exp_name"], "dsr1_1k1k") << "from the journal";
  EXPECT_EQ(files("all"), before) << "nothing is written";
}

}  // namespace
}  // namespace sweep
