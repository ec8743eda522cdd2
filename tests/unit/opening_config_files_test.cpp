// CONFIG_FILEs that points over several nodes name and the workspace does not have.
#include "controller/io/config_files.hpp"
#include "tests/unit/opening_sample.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

class ConfigFiles : public OpeningTest {
 protected:
  static constexpr const char* kCopy = "ws/benchmarks/multi_node/srt-slurm-recipes/";

  void SetUp() override {
    OpeningTest::SetUp();
    ASSERT_TRUE(make_directories(path(std::string(kCopy) + "vllm")));
    put(std::string(kCopy) + "vllm/a.yaml", "");
    put("ws/b.yaml", "");
  }

  /// Returns the line about points with these settings, of two concurrencies each.
  std::string line_of(const std::vector<std::string>& settings, const std::string& workspace = "ws") const {
    std::vector<ordered_json> entries;
    for (const std::string& setting : settings) {
      ordered_json entry = ordered_json::parse(R"({"image": "i", "model": "org/m", "model-prefix": "dsr1",
          "precision": "fp4", "framework": "dynamo-vllm", "runner": "gb200", "isl": 8192, "osl": 1024, "conc": [1, 2],
          "max-model-len": 9472, "exp-name": "dsr1_8k1k", "disagg": true,
          "prefill": {"num-worker": 1, "tp": 4, "additional-settings": ["X=1"]},
          "decode": {"num-worker": 1, "tp": 8}})");
      entry["prefill"]["additional-settings"].push_back(setting);
      entries.push_back(std::move(entry));
    }
    profile::Profile profile;
    profile.workspace = path(workspace);
    const auto line = missing_config_files(sample_plan(entries, profile), folder_);
    EXPECT_TRUE(line) << line.error().message;
    return line.value_or("");
  }
};

TEST_F(ConfigFiles, ThoseInTheCopyOfTheRecipesOrInTheWorkspaceAreThere) {
  EXPECT_EQ(line_of({"CONFIG_FILE=recipes/vllm/a.yaml", "CONFIG_FILE=b.yaml", "X=y"}), "");
  EXPECT_EQ(line_of({"CONFIG_FILE=recipes/vllm/a.yaml:override_mtp"}), "") << "the rest selects a part of it";
}

TEST_F(ConfigFiles, MissingOnesAreCountedAndTheFirstIsNamed) {
  const std::string where =
      " a CONFIG_FILE that is not in '" + path("ws") + "/benchmarks/multi_node/srt-slurm-recipes'";
  EXPECT_EQ(line_of({"CONFIG_FILE=recipes/vllm/no.yaml", "CONFIG_FILE=b.yaml"}),
            "2 points name" + where +
                ": 'recipes/vllm/no.yaml'; correct it in 'additional-settings', unless srt-slurm has it");
  EXPECT_EQ(
      line_of({"CONFIG_FILE=recipes/vllm/no.yaml", "CONFIG_FILE=no.yaml"}),
      "4 points name" + where +
          ": 2 files, such as 'recipes/vllm/no.yaml'; correct them in 'additional-settings', unless srt-slurm "
          "has them");
}

TEST_F(ConfigFiles, WorkspaceThatIsNotHereOrIsNoCheckoutIsNotSearched) {
  EXPECT_EQ(line_of({"CONFIG_FILE=recipes/vllm/no.yaml"}, "absent"), "");
  ASSERT_TRUE(make_directories(path("other")));
  EXPECT_EQ(line_of({"CONFIG_FILE=recipes/vllm/no.yaml"}, "other"), "");
}

}  // namespace
}  // namespace sweep
