// configs/: every file there is read by a test, so that no sample rots. A new file must be added to kReaders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "controller/matrix/inferencemax/runners.hpp"
#include "controller/matrix/load.hpp"
#include "controller/plan/plan.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/load_profile.hpp"
#include "controller/profile/profile.hpp"
#include "controller/profile/recipe_reader.hpp"
#include "controller/profile/script.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;

const std::string kConfigs = SWEEP_SOURCE_DIR "/configs/";

std::string text_of(const std::string& name) {
  const auto bytes = read_file(kConfigs + name, 1 << 20);
  EXPECT_TRUE(bytes) << bytes.error().message;
  return bytes.value_or("");
}

std::vector<nlohmann::ordered_json> matrix_of(const std::string& name,
                                              const std::vector<std::string>& selection = {}) {
  auto matrix = matrix::load_matrix({kConfigs + name}, selection);
  EXPECT_TRUE(matrix) << matrix.error().message;
  return matrix ? std::move(*matrix) : std::vector<nlohmann::ordered_json>{};
}

profile::Profile profile_of(const std::string& name) {
  auto profile = profile::load_profile({kConfigs + name});
  EXPECT_TRUE(profile) << profile.error().message;
  return profile.value_or(profile::Profile{});
}

// The sample with every commented key taken in: such lines have no blank after their # or two; prose has one.
std::string uncommented(const std::string& text) {
  std::string out;
  for (const std::string& line : split(text, '\n')) {
    const bool prose = line.size() < 2 || line[0] != '#' || (line[1] == ' ' && line.substr(1, 2) != "  ");
    out += prose ? "" : line.substr(1) + "\n";
  }
  return out;
}

void expect_defaults(const profile::Profile& got) {
  const profile::Profile want;
  EXPECT_EQ(got.benchmark, want.benchmark);
  EXPECT_EQ(got.packing, want.packing);
  EXPECT_EQ(got.ignore_gpus, want.ignore_gpus);
  EXPECT_EQ(got.strict, want.strict);
  EXPECT_EQ(got.timeouts.server, want.timeouts.server);
  EXPECT_EQ(got.timeouts.benchmark, want.timeouts.benchmark);
  EXPECT_EQ(got.timeouts.point, want.timeouts.point);
  EXPECT_EQ(got.retries.infrastructure, want.retries.infrastructure);
  EXPECT_EQ(got.retries.benchmark, want.retries.benchmark);
  EXPECT_EQ(got.kill_grace, want.kill_grace);
  EXPECT_EQ(got.heartbeat, want.heartbeat);
  EXPECT_EQ(got.agent_timeout, want.agent_timeout);
  EXPECT_EQ(got.join, want.join);
}

// ---- the readers

void read_quickstart_matrix(const std::string& name) {
  std::ostringstream points;
  for (const auto& entry : matrix_of(name)) {
    points << entry["framework"].get<std::string>() << " " << entry["image"].get<std::string>() << " "
           << entry["runner"].get<std::string>() << " " << entry["precision"].get<std::string>() << " tp"
           << entry["tp"] << " ep" << entry["ep"] << " conc" << entry["conc"] << " "
           << entry["exp-name"].get<std::string>() << "\n";
    EXPECT_EQ(entry["model"], "nvidia/DeepSeek-R1-0528-FP4-V2");
  }
  const std::string sglang = "sglang lmsysorg/sglang:v0.5.3rc1-cu129-b200 b200 fp4 tp4";
  const std::string trt = "trt nvcr.io#nvidia/tensorrt-llm/release:1.1.0rc2.post2 b200 fp4 tp4";
  EXPECT_EQ(points.str(), sglang + " ep1 conc4 dsr1_1k1k\n" + sglang + " ep1 conc32 dsr1_1k1k\n" + sglang +
                              " ep1 conc128 dsr1_1k1k\n" + trt + " ep1 conc4 dsr1_1k1k\n" + trt +
                              " ep1 conc32 dsr1_1k1k\n" + trt + " ep4 conc128 dsr1_1k1k\n");
  EXPECT_EQ(matrix_of(name, {"--seq-lens", "1k1k", "8k1k"}).size(), 12u);
}

void read_example_matrix(const std::string& name) {
  EXPECT_EQ(matrix_of(name).size(), 2u * (5 + 6) + 1 + 2);
  EXPECT_EQ(matrix_of(name, {"--runner-type", "b200", "--runner-config", kConfigs + "examples/runners.yaml"})
                .size(),
            3u);
}

void read_runners(const std::string& name) {
  const auto runners = matrix::Runners::parse(text_of(name), name);
  ASSERT_TRUE(runners) << runners.error().message;
  for (const std::string& type : runners->types())
    EXPECT_TRUE(runners->nodes_of(type)) << type;
}

void read_devcluster_profile(const std::string& name) {
  Point point;
  point.exp_name = "dsr1_1k1k";
  const auto command = profile::benchmark_command(profile_of(name), point);
  ASSERT_TRUE(command) << command.error().message;
  EXPECT_EQ(*command, std::vector<std::string>{SWEEP_SOURCE_DIR "/benchmarks/cpu_smoke.sh"});
  EXPECT_TRUE(std::filesystem::exists(command->front()));
}

// A profile with containers: what its launcher does for a point of a B200, as the lease says it.
void read_site_profile(const std::string& name) {
  Point point;
  point.exp_name = "dsr1_1k1k";
  point.precision = "fp4";
  point.framework = "trt";
  point.runner = "b200-trt";
  point.image = "nvcr.io#nvidia/tensorrt-llm/release:1.1.0rc2.post2";
  const auto plan = plan_points({point}, profile_of(name));
  ASSERT_TRUE(plan) << plan.error().message;
  const wire::Lease lease = make_lease(*plan, 0, 1, "n1");
  const std::map<std::string, std::pair<std::string, std::string>> expected = {
      // runtime, cache
      {"profiles/b200-nv.yaml", {"pyxis", "/raid/squash"}},
      {"profiles/b200-nb.yaml", {"pyxis", ""}},
      {"profiles/docker.yaml", {"docker", ""}},
      {"profiles/apptainer.yaml", {"apptainer", "/shared/images"}},
      {"profiles/devcluster-containers.yaml", {"bwrap", ""}}};
  EXPECT_EQ(lease.container.runtime, expected.at(name).first);
  EXPECT_EQ(lease.container.cache, expected.at(name).second);
  EXPECT_EQ(lease.container.by_runtime, name == "profiles/b200-nb.yaml");
  EXPECT_EQ(lease.container.workdir, "/workspace/");
  if (name == "profiles/devcluster-containers.yaml") return;
  EXPECT_EQ(lease.script_ready, "Application startup complete|ready to roll");
  EXPECT_EQ(lease.container.image, point.image);
  EXPECT_THAT(lease.container.mounts, testing::ElementsAre(HasSubstr("/hf_hub_cache/:/mnt/hf_hub_cache/")));
  const std::string kind = name == "profiles/docker.yaml" ? "docker" : "slurm";
  EXPECT_EQ(lease.command, std::vector<std::string>{"benchmarks/dsr1_fp4_b200_trt_" + kind + ".sh"});
}

// As shipped it changes nothing; with every comment taken away it spells the defaults, and all keys there
// are.
void read_sample_profile(const std::string& name) {
  expect_defaults(profile_of(name));
  const std::string all = uncommented(text_of(name));
  const auto profile = profile::parse_profile(all, name, profile::Profile{});
  ASSERT_TRUE(profile) << profile.error().message << "\n" << all;
  expect_defaults(*profile);
  EXPECT_EQ(profile->workspace, "/scratch/sweep");
  EXPECT_EQ(profile->script_ready, "Application startup complete");
  EXPECT_EQ(profile->env.size(), 2u);
  for (const std::string inside : {"", "script", "timeouts", "retries", "container"}) {
    const std::string wrong = inside.empty() ? "zzzzzzzz: 1" : inside + ": {zzzzzzzz: 1}";
    const auto unknown = profile::parse_profile(wrong, name, profile::Profile{});
    ASSERT_FALSE(unknown);
    const std::string& message = unknown.error().message;
    ASSERT_THAT(message, HasSubstr("known: "));
    for (const std::string& key : split(message.substr(message.find("known: ") + 7), ',')) {
      const std::string bare = key.substr(key.find_first_not_of(' '));
      EXPECT_THAT("\n" + all, HasSubstr((inside.empty() ? "\n" : "\n  ") + bare + ":")) << "in " << inside;
    }
  }
}

// Two kinds of server for ten points, each found with the recipe that its profile names.
void read_quickstart(const std::string& name) {
  auto profile = profile_of("profiles/quickstart.yaml");
  auto points = make_points(matrix_of(name));
  ASSERT_TRUE(points) << points.error().message;
  ASSERT_EQ(points->size(), 10u);
  const auto read = profile::load_recipes(profile, *points);
  ASSERT_TRUE(read) << read.error().message;
  const auto plan = plan_points(std::move(*points), std::move(profile));
  ASSERT_TRUE(plan) << plan.error().message;
  std::set<std::string> keys;
  for (int i = 0; i < 10; ++i)
    keys.insert(server_key(*plan, i));
  EXPECT_EQ(keys.size(), 2u);
}

void read_quickstart_profile(const std::string& name) {
  EXPECT_THAT(profile_of(name).benchmark, HasSubstr("simulated.yaml"));
}

Point point_of(
    const std::string& name) {  // recipes/dsr1_fp4_b200_sglang.yaml, recipes/fixed_seq_len/…_mtp.yaml
  const auto parts = split(std::filesystem::path(name).stem().string(), '_');
  Point point;
  point.exp_name = parts[0] + "_1k1k";
  point.precision = parts.size() >= 4 ? parts[1] : "fp4";
  point.runner = parts.size() >= 4 ? parts[2] : "b200-nv";
  point.framework = parts.size() >= 4 ? parts[3] : "sglang";
  if (name.find("fixed_seq_len") == std::string::npos) return point;
  InferenceXEntry entry;
  entry.spec_decoding = parts.size() > 4 ? "mtp" : "none";
  point.inferencex = std::make_shared<const InferenceXEntry>(entry);
  return point;
}

bool bash_reads(const std::string& command) {
  const std::string file = testing::TempDir() + "configs-test.sh";
  std::ofstream(file) << command;
  return std::system(("bash -n '" + file + "'").c_str()) == 0;
}

// It is one, its shell text is such, and its variables are there and named.
void read_recipe(const std::string& name) {
  profile::Profile profile;
  profile.benchmark = kConfigs + name;
  const auto loaded = profile::load_recipes(profile, {point_of(name)});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto plan = plan_points({point_of(name)}, profile);
  ASSERT_TRUE(plan) << plan.error().message;
  const profile::Recipe& recipe = *profile::recipe_of(plan->profile, plan->points[0]);
  EXPECT_TRUE(bash_reads(recipe.server.command));
  EXPECT_TRUE(bash_reads(recipe.client));
  EXPECT_TRUE(bash_reads(recipe.eval));
  if (name.find("fixed_seq_len") != std::string::npos) {
    EXPECT_THAT(recipe.eval,
                HasSubstr("run_eval --framework lm-eval --port \"$PORT\" && cd \"${EVAL_OUTPUT_DIR:-.}\" && "
                          "append_lm_eval_summary"));
    EXPECT_THAT(recipe.server.env, testing::Contains("EVAL_ONLY"));
  }
  EXPECT_THAT(recipe.client, HasSubstr("exec sweep-bench "));
  EXPECT_THAT(recipe.client, HasSubstr("--result-filename \"$RESULT_FILENAME.json\""));
  EXPECT_THAT(text_of(name), testing::AnyOf(HasSubstr("# Flags: "), HasSubstr("simulate")))
      << "a source, named";
}

void read_recipes_profile(const std::string& name) {
  for (const char* precision : {"fp4", "fp8"}) {
    for (const char* framework : {"sglang", "trt", "vllm"}) {
      auto profile = profile_of(name);
      const Point point = point_of("dsr1_" + std::string(precision) + "_b200_" + framework + ".yaml");
      const auto loaded = profile::load_recipes(profile, {point});
      EXPECT_TRUE(loaded) << loaded.error().message;
      EXPECT_EQ(profile::recipe_gap_text(profile, point), "");
    }
  }
  for (const char* gpu : {"b200", "h100", "h200"}) {
    auto profile = profile_of(name);
    const Point point = point_of("gptoss_fp4_" + std::string(gpu) + "_vllm.yaml");
    const auto loaded = profile::load_recipes(profile, {point});
    EXPECT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(profile::recipe_gap_text(profile, point), "");
  }
}

std::string script_of(const std::string& recipe) {  // recipes/a/b.yaml: scripts/a/b.sh
  return "scripts" + std::filesystem::path(recipe).replace_extension(".sh").string().substr(
                         std::string("recipes").size());
}

void read_script(const std::string& name) {
  const std::string base = std::filesystem::path(name).stem().string() + ".yaml";
  const std::string folder =
      std::filesystem::path(name).parent_path().string().substr(std::string("scripts").size());
  const std::string text = text_of("recipes" + folder + "/" + base);
  const auto recipe = profile::parse_recipe(base, text);
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(text_of(name), profile::single_script(*recipe, base, text))
      << "print it again: sweepctl script configs/recipes" << folder << "/" << base << " >configs/" << name;
}

using Reader = std::function<void(const std::string&)>;

std::map<std::string, Reader> readers() {
  static const std::map<std::string, Reader> kReaders = {
      {"dsr1-1k1k.yaml", read_quickstart_matrix},
      {"examples/llama-master.yaml", read_example_matrix},
      {"examples/runners.yaml", read_runners},
      {"profiles/devcluster.yaml", read_devcluster_profile},
      {"profiles/devcluster-containers.yaml", read_site_profile},
      {"profiles/b200-nv.yaml", read_site_profile},
      {"profiles/b200-nb.yaml", read_site_profile},
      {"profiles/docker.yaml", read_site_profile},
      {"profiles/apptainer.yaml", read_site_profile},
      {"profiles/profile.yaml", read_sample_profile},
      {"quickstart.yaml", read_quickstart},
      {"profiles/quickstart.yaml", read_quickstart_profile},
      {"profiles/recipes.yaml", read_recipes_profile},
      {"recipes/simulated.yaml", read_recipe},
      {"recipes/llama_cpp.yaml", read_recipe},
      {"recipes/dsr1_fp4_b200_sglang.yaml", read_recipe},
      {"recipes/dsr1_fp8_b200_sglang.yaml", read_recipe},
      {"recipes/dsr1_fp4_b200_trt.yaml", read_recipe},
      {"recipes/dsr1_fp8_b200_trt.yaml", read_recipe},
      {"recipes/dsr1_fp4_b200_vllm.yaml", read_recipe},
      {"recipes/dsr1_fp8_b200_vllm.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsr1_fp4_b200_sglang.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsr1_fp4_b200_sglang_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsr1_fp4_b200_trt.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsr1_fp4_b200_trt_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsr1_fp8_b200_sglang.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsr1_fp8_b200_sglang_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsr1_fp8_b200_trt.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsr1_fp8_b200_trt_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsv4_fp4_b200_sglang.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsv4_fp4_b200_trt.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsv4_fp4_b200_trt_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsv4_fp4_b200_vllm.yaml", read_recipe},
      {"recipes/fixed_seq_len/dsv4_fp4_b200_vllm_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/gptoss_fp4_b200_trt.yaml", read_recipe},
      {"recipes/fixed_seq_len/gptoss_fp4_b200_vllm.yaml", read_recipe},
      {"recipes/fixed_seq_len/minimaxm3_fp4_b200_vllm.yaml", read_recipe},
      {"recipes/fixed_seq_len/minimaxm3_fp4_b200_vllm_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/minimaxm3_fp8_b200_vllm.yaml", read_recipe},
      {"recipes/fixed_seq_len/minimaxm3_fp8_b200_vllm_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/qwen3.5_fp4_b200_sglang.yaml", read_recipe},
      {"recipes/fixed_seq_len/qwen3.5_fp4_b200_sglang_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/qwen3.5_fp4_b200_trt.yaml", read_recipe},
      {"recipes/fixed_seq_len/qwen3.5_fp4_b200_trt_mtp.yaml", read_recipe},
      {"recipes/fixed_seq_len/qwen3.5_fp8_b200_sglang.yaml", read_recipe},
      {"recipes/fixed_seq_len/qwen3.5_fp8_b200_sglang_mtp.yaml", read_recipe},
      {"recipes/gptoss_fp4_b200_vllm.yaml", read_recipe},
      {"recipes/gptoss_fp4_h100_vllm.yaml", read_recipe},
      {"recipes/gptoss_fp4_h200_vllm.yaml", read_recipe},
  };
  std::map<std::string, Reader> all = kReaders;
  for (const auto& [name, reader] : kReaders) {  // each recipe has its script
    if (name.starts_with("recipes/")) all[script_of(name)] = read_script;
  }
  return all;
}

TEST(Configs, EveryFileIsReadByItsBox) {
  std::map<std::string, Reader> left = readers();
  for (const auto& item : std::filesystem::recursive_directory_iterator(kConfigs)) {
    const std::string name = std::filesystem::relative(item.path(), kConfigs).string();
    if (item.is_directory() || name == "CMakeLists.txt") continue;
    const auto reader = left.find(name);
    if (reader == left.end()) {
      ADD_FAILURE() << "configs/" << name << " has no reader in " << __FILE__;
      continue;
    }
    SCOPED_TRACE(name);
    reader->second(name);
    left.erase(reader);
  }
  for (const auto& [name, reader] : left)
    ADD_FAILURE() << "configs/" << name << " is gone";
}

}  // namespace
}  // namespace sweep
