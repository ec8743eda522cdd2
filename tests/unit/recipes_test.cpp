// configs/recipes/fixed_seq_len: the recipes for InferenceX's points on one B200 node. What their commands tell server
// and client, and evaluate with, is compared with what InferenceX's scripts do (data/recipes, one file for each recipe).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "controller/plan/plan.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/load_profile.hpp"
#include "controller/yaml/document.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep {
namespace {

namespace fs = std::filesystem;

using Variables = std::map<std::string, std::string>;
using Lines = std::vector<std::string>;

// Takes the place of every program: writes its name and arguments, its environment and its options file.
constexpr const char* kStandIn = R"(#!/bin/bash
name=${0##*/}
kind=server; if [ "$name" = sweep-bench ]; then kind=client; fi
printf '%s\0' "$name" "$@" >"$RECORD/$kind.words"
env -0 >"$RECORD/$kind.env"
for word in "$@"; do
  case $last in --extra_llm_api_options | --config) cp "$word" "$RECORD/options" ;; esac
  last=$word
done
)";

// Takes the place of benchmarks/benchmark_lib.sh of InferenceX. The model takes sequences of at most 9000 tokens.
constexpr const char* kLibrary = R"(
compute_eval_context_length() { EVAL_MAX_MODEL_LEN=$(($2 < 9000 ? $2 : 9000)) && echo "$EVAL_MAX_MODEL_LEN"; }
setup_eval_context() { export EVAL_MAX_MODEL_LEN=$((ISL + OSL + 256 < 9000 ? ISL + OSL + 256 : 9000)); }
run_eval() {
  [ "$1 $2 $3" = "--framework lm-eval --port" ] || return
  [ -n "${EVAL_MAX_MODEL_LEN:-}" ] || compute_eval_context_length "$MODEL" "$MAX_MODEL_LEN" >/dev/null
  printf 'eval %s\n' "concurrency $CONC" "length $EVAL_MAX_MODEL_LEN" "model $MODEL" "port $4" >"$RECORD/eval"
}
append_lm_eval_summary() { echo "eval summary in ${PWD##*/}" >>"$RECORD/eval"; }
)";

std::string content(const std::string& file) {
  return read_file(file, 1 << 20).value_or("");
}

bool is_number(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && std::isdigit(static_cast<unsigned char>(word[1])) != 0;
}

/// Returns the options of a command line with their values, one per line, sorted. `=` between the two counts as a blank,
/// and a value in JSON has no blanks.
Lines canonical(const Lines& words, const std::set<std::string>& dropped) {
  std::vector<Lines> groups;
  for (const std::string& word : words) {
    if (!word.starts_with('-') || is_number(word)) {
      if (groups.empty() || !groups.back()[0].starts_with('-')) groups.emplace_back();
      groups.back().push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    groups.push_back({word.substr(0, equals)});
    if (equals != std::string::npos) groups.back().push_back(word.substr(equals + 1));
  }
  Lines out;
  for (Lines& group : groups) {
    if (dropped.contains(group[0])) continue;
    if (group.size() > 1 && group[1].starts_with('{')) {
      const auto value = parse_ordered_json(group[1]);
      EXPECT_TRUE(value.is_object()) << group[1];
      group[1] = value.dump();
    }
    out.push_back(join(group, " "));
  }
  std::sort(out.begin(), out.end());
  return out;
}

void flatten(const yaml::Value& value, const std::string& path, Lines& out) {
  if (value.is(yaml::Kind::Dict)) {
    for (const auto& [key, below] : value.members)
      flatten(*below, path + (path.empty() ? "" : ".") + yaml::python_str(*key), out);
    return;
  }
  Lines items;
  for (const auto& item : value.items)
    items.push_back(yaml::python_str(*item));
  out.push_back("option " + path + " " +
                (value.is(yaml::Kind::List) ? "[" + join(items, ", ") + "]" : yaml::python_str(value)));
}

struct Row {
  std::int64_t tp = 1, ep = 1;
  bool dp_attention = false;
  std::int64_t conc = 1, isl = 8192, osl = 1024;
  bool run_eval = false, eval_only = false;
};

/// Returns the point of a row of the matrix that the recipe `name` is for.
Point point_of(const std::string& name, const Row& row) {
  const auto parts = split(name, '_');
  InferenceXEntry entry;
  entry.spec_decoding = parts.size() > 4 ? "mtp" : "none";
  entry.parallelism.tp = row.tp;
  entry.parallelism.ep = row.ep;
  entry.parallelism.dp_attention = row.dp_attention;
  entry.run_eval = row.run_eval || row.eval_only;
  entry.eval_only = row.eval_only;
  Point point;
  point.exp_name = parts[0] + "_" + (row.isl == 8192 ? "8k1k" : "1k1k");
  point.precision = parts[1];
  point.runner = parts[2];
  point.framework = parts[3];
  point.model = "org/model";
  point.tp = row.tp;
  point.ep = row.ep;
  point.dp_attention = row.dp_attention;
  point.conc = row.conc;
  point.isl = row.isl;
  point.osl = row.osl;
  point.max_model_len = row.isl + row.osl + 256;
  point.inferencex = std::make_shared<const InferenceXEntry>(entry);
  return point;
}

class Recipes : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    ASSERT_TRUE(make_directories(path("bin")));
    for (const char* program : {"python3", "mpirun", "vllm", "sglang", "sweep-bench"})
      put("bin/" + std::string(program), kStandIn, 0755);
    ASSERT_TRUE(make_directories(path("benchmarks")));
    put("benchmarks/benchmark_lib.sh", kLibrary);
    ASSERT_TRUE(make_directories(path("own")));
  }

  /// Returns the plan of one point with the profile that selects recipes.
  static Plan plan_of(const std::string& name, const Row& row) {
    auto profile = profile::load_profile({SWEEP_SOURCE_DIR "/configs/profiles/recipes.yaml"});
    EXPECT_TRUE(profile) << profile.error().message;
    const std::vector<Point> points = {point_of(name, row)};
    const auto loaded = profile::load_recipes(*profile, points);
    EXPECT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(profile::recipe_gap_text(*profile, points[0]), "") << name;
    auto plan = plan_points(points, *profile);
    EXPECT_TRUE(plan) << plan.error().message;
    return plan.value_or(Plan{});
  }

  /// Runs a command of a recipe as an agent does, but with stand-ins. An unset variable ends it. Returns its output if its
  /// exit status is `status`.
  std::string run(Lines command, const Variables& variables, int status = 0) {
    Lines environment = {"PATH=" + path("bin") + ":/usr/bin:/bin", "RECORD=" + folder_, "TMPDIR=" + folder_};
    for (const auto& [variable, value] : variables)
      environment.push_back(variable + "=" + value);
    EXPECT_EQ(command.size(), 3U);
    command[1] = "-uc";
    const auto ran = run_program(command, {.environment = environment, .directory = folder_});
    if (!ran) ADD_FAILURE() << ran.error().message;
    if (!ran) return {};
    EXPECT_EQ(ran->status.code, status) << ran->out;
    return ran->out;
  }

  /// Returns the variables of the point's processes. Server: only those that its key takes in.
  static std::pair<Variables, Variables> variables_of(const wire::Lease& lease) {
    Variables all(lease.environment.begin(), lease.environment.end());
    all["PORT"] = "8888";
    all["RESULT_FILENAME"] = "r";
    all["EVAL_OUTPUT_DIR"] = "own";
    all["RANDOM_RANGE_RATIO"] = "0.8";
    Variables of_server = {{"PORT", "8888"}};
    for (const std::string& variable : lease.server.names)
      of_server[variable] = all[variable];
    return {of_server, all};
  }

  /// Runs the commands of the point's lease: server, client, and evaluation, each if the point has it.
  void run_all(const std::string& name, const Row& row) {
    for (const char* file : {"server.words", "client.words", "server.env", "options", "eval"})
      fs::remove(path(file));
    const Plan plan = plan_of(name, row);
    const wire::Lease lease = make_lease(plan, 0, 1, "n1");
    const auto [of_server, all] = variables_of(lease);
    names_ = {lease.server.names.begin(), lease.server.names.end()};
    EXPECT_EQ(run(lease.server.command, of_server), "");
    if (lease.eval != wire::EvalWhen::Only) {
      EXPECT_EQ(run(lease.command, all), "");
    }
    if (lease.eval != wire::EvalWhen::Never) {
      EXPECT_EQ(run(lease.eval_command, all), "");
    }
  }

  Lines words_of(const std::string& kind) const {
    Lines words = split(content(path(kind + ".words")), '\0');
    if (!words.empty()) words.pop_back();
    return words;
  }

  /// Returns what the stand-ins recorded, as lines of a file of data/recipes.
  Lines recorded() const {
    Lines out;
    for (const std::string& variable : split(content(path("server.env")), '\0')) {
      const std::string name = variable.substr(0, variable.find('='));
      static const std::set<std::string> kOwn = {"PATH", "RECORD", "TMPDIR", "PORT", "PWD", "SHLVL", "_", ""};
      if (!kOwn.contains(name) && !names_.contains(name)) out.push_back("env " + variable);
    }
    std::sort(out.begin(), out.end());
    for (const std::string& line :
         canonical(words_of("server"), {"--host", "--extra_llm_api_options", "--config"}))
      out.push_back("server " + line);
    if (const std::string text = content(path("options")); !text.empty()) {
      const auto root = yaml::parse_document(text);
      EXPECT_TRUE(root) << text;
      Lines options;
      flatten(**root, "", options);
      std::sort(options.begin(), options.end());
      out.insert(out.end(), options.begin(), options.end());
    }
    Lines client = words_of("client");
    if (!client.empty()) client.erase(client.begin());
    for (const std::string& line : canonical(client, {"--base-url"}))
      out.push_back("client " + line);
    for (const std::string& line : split(content(path("eval")), '\n')) {
      if (!line.empty()) out.push_back(line);
    }
    return out;
  }

  std::set<std::string> names_;  // variables that the server got
};

/// Returns the row of a line "row TP=4 …".
Row row_of(const std::string& line) {
  Variables values;
  for (const std::string& word : split(line, ' '))
    values[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  return {std::stoi(values["TP"]),      std::stoi(values["EP_SIZE"]), values["DP_ATTENTION"] == "true",
          std::stoi(values["CONC"]),    std::stoi(values["ISL"]),     std::stoi(values["OSL"]),
          values["RUN_EVAL"] == "true", values["EVAL_ONLY"] == "true"};
}

TEST_F(Recipes, CommandsAreThoseOfTheScripts) {
  const fs::path folder = SWEEP_SOURCE_DIR "/tests/unit/data/recipes";
  std::size_t files = 0;
  for (const auto& item : fs::directory_iterator(folder)) {
    ++files;
    std::string row;
    Lines expected;
    const auto compare = [&] {
      if (row.empty()) return;
      SCOPED_TRACE(item.path().stem().string() + ": " + row);
      run_all(item.path().stem().string(), row_of(row));
      EXPECT_THAT(recorded(), testing::ElementsAreArray(expected));
    };
    for (const std::string& line : split(content(item.path().string()), '\n')) {
      if (line.empty() || line[0] == '#') continue;
      if (!line.starts_with("row ")) {
        expected.push_back(line);
        continue;
      }
      compare();
      row = line;
      expected.clear();
    }
    compare();
  }
  EXPECT_EQ(files, 25U);
}

TEST_F(Recipes, PointsWithAnEvaluationAfterTheirBenchmarkShareTheServerOfThoseWithout) {
  for (const std::string name : {"dsr1_fp4_b200_sglang", "dsr1_fp4_b200_trt", "dsv4_fp4_b200_vllm"}) {
    Row row = {8, 8, true, 64};
    const std::string plain = server_key(plan_of(name, row), 0);
    row.run_eval = true;
    EXPECT_EQ(server_key(plan_of(name, row), 0), plain) << name;
    row.eval_only = true;
    EXPECT_NE(server_key(plan_of(name, row), 0), plain) << name;
  }
}

TEST_F(Recipes, EvaluationWithoutInferenceXsLibraryFailsWithTheRemedy) {
  fs::remove(path("benchmarks/benchmark_lib.sh"));
  const std::string message =
      "cannot evaluate: there is no benchmarks/benchmark_lib.sh in '" + folder_ +
      "'; set 'workspace:' to a checkout of InferenceX, or run the standalone script there\n";
  for (const auto& item : fs::directory_iterator(SWEEP_SOURCE_DIR "/tests/unit/data/recipes")) {
    const std::string name = item.path().stem().string();
    SCOPED_TRACE(name);
    Row row = {8, 8, false, 64};
    row.eval_only = true;
    const wire::Lease lease = make_lease(plan_of(name, row), 0, 1, "n1");
    const auto [of_server, all] = variables_of(lease);
    EXPECT_EQ(run(lease.server.command, of_server, 1), message);
    EXPECT_EQ(run(lease.eval_command, all, 1), message);
  }
}

struct Layout {
  const char* recipe;
  std::int64_t tp, ep;
  bool dp_attention;
  std::vector<std::int64_t> concurrencies;
};

const std::vector<Layout>& layouts() {  // of August 2026: 8192 input and 1024 output tokens, one B200 node
  static const std::vector<Layout> kLayouts = {
      {"dsr1_fp4_b200_sglang", 4, 1, false, {1, 2, 4, 8, 16, 32}},
      {"dsr1_fp4_b200_sglang", 4, 4, true, {64, 128, 256}},
      {"dsr1_fp4_b200_sglang_mtp", 4, 1, false, {1, 2, 4, 8, 16, 32}},
      {"dsr1_fp4_b200_sglang_mtp", 4, 4, true, {64, 128, 256}},
      {"dsr1_fp4_b200_trt", 4, 1, false, {4, 8, 16, 32}},
      {"dsr1_fp4_b200_trt", 4, 4, false, {32}},
      {"dsr1_fp4_b200_trt", 4, 4, true, {256}},
      {"dsr1_fp4_b200_trt", 8, 1, false, {4}},
      {"dsr1_fp4_b200_trt", 8, 8, true, {128, 256}},
      {"dsr1_fp4_b200_trt_mtp", 4, 1, false, {4, 8, 16}},
      {"dsr1_fp4_b200_trt_mtp", 4, 4, false, {32}},
      {"dsr1_fp4_b200_trt_mtp", 4, 4, true, {256}},
      {"dsr1_fp4_b200_trt_mtp", 8, 1, false, {4}},
      {"dsr1_fp4_b200_trt_mtp", 8, 8, true, {64, 128, 256}},
      {"dsr1_fp8_b200_sglang", 8, 1, false, {1, 2, 4}},
      {"dsr1_fp8_b200_sglang", 4, 1, false, {1, 2, 4, 8, 16, 32}},
      {"dsr1_fp8_b200_sglang_mtp", 8, 1, false, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}},
      {"dsr1_fp8_b200_trt", 8, 1, false, {4, 8, 64, 128, 256}},
      {"dsr1_fp8_b200_trt", 4, 1, false, {8, 16, 32}},
      {"dsr1_fp8_b200_trt_mtp", 8, 1, false, {4, 8, 16, 32, 64, 128, 256}},
      {"dsv4_fp4_b200_sglang", 8, 1, false, {1, 2, 4, 8, 16, 32}},
      {"dsv4_fp4_b200_sglang", 8, 8, true, {64, 128, 256, 512, 1024}},
      {"dsv4_fp4_b200_trt", 8, 1, false, {1, 2, 4, 8, 16, 32}},
      {"dsv4_fp4_b200_trt", 8, 8, true, {32, 64, 128, 256, 512}},
      {"dsv4_fp4_b200_trt_mtp", 8, 1, false, {1, 2, 4, 8, 16, 32}},
      {"dsv4_fp4_b200_trt_mtp", 8, 8, true, {32, 64, 128, 256}},
      {"dsv4_fp4_b200_vllm", 8, 1, false, {1, 2, 4, 8, 16, 32, 64}},
      {"dsv4_fp4_b200_vllm", 8, 8, false, {128, 256}},
      {"dsv4_fp4_b200_vllm", 8, 8, true, {64, 128, 256, 512, 1024}},
      {"dsv4_fp4_b200_vllm_mtp", 8, 1, false, {1, 2, 4, 8, 16, 32, 64}},
      {"dsv4_fp4_b200_vllm_mtp", 8, 8, false, {128, 256}},
      {"dsv4_fp4_b200_vllm_mtp", 8, 8, true, {64, 128, 256}},
      {"qwen3.5_fp4_b200_sglang", 2, 1, false, {4, 8, 16, 32, 64, 128}},
      {"qwen3.5_fp4_b200_sglang", 4, 1, false, {4}},
      {"qwen3.5_fp4_b200_sglang_mtp", 2, 1, false, {4, 8, 16, 32, 64}},
      {"qwen3.5_fp4_b200_sglang_mtp", 2, 2, false, {16, 32, 64}},
      {"qwen3.5_fp4_b200_sglang_mtp", 4, 1, false, {4}},
      {"qwen3.5_fp4_b200_trt", 2, 1, false, {4, 16}},
      {"qwen3.5_fp4_b200_trt", 2, 2, false, {8, 32}},
      {"qwen3.5_fp4_b200_trt", 4, 1, false, {4}},
      {"qwen3.5_fp4_b200_trt", 4, 4, true, {1024}},
      {"qwen3.5_fp4_b200_trt", 8, 8, false, {4}},
      {"qwen3.5_fp4_b200_trt", 8, 8, true, {256, 512, 1024}},
      {"qwen3.5_fp4_b200_trt_mtp", 2, 1, false, {4}},
      {"qwen3.5_fp4_b200_trt_mtp", 2, 2, false, {8, 16}},
      {"qwen3.5_fp4_b200_trt_mtp", 4, 4, false, {4}},
      {"qwen3.5_fp4_b200_trt_mtp", 8, 8, false, {4}},
      {"qwen3.5_fp4_b200_trt_mtp", 8, 8, true, {128, 256, 1024}},
      {"qwen3.5_fp8_b200_sglang", 4, 1, false, {4, 8, 16, 32, 64, 128, 256}},
      {"qwen3.5_fp8_b200_sglang", 8, 1, false, {4}},
      {"qwen3.5_fp8_b200_sglang_mtp", 4, 1, false, {4, 8, 16, 32, 64, 128, 256}},
      {"qwen3.5_fp8_b200_sglang_mtp", 8, 1, false, {4}}};
  return kLayouts;
}

TEST_F(Recipes, EveryB200PointHasOneWhoseFlagsAllHaveValuesAndSharesAServerOnlyIfItsCommandIsTheSame) {
  std::map<std::string, Lines> commands;  // by server key
  std::size_t points = 0;
  for (const Layout& layout : layouts()) {
    for (const std::int64_t conc : layout.concurrencies) {
      SCOPED_TRACE(std::string(layout.recipe) + " conc " + std::to_string(conc));
      const Row row = {layout.tp, layout.ep, layout.dp_attention, conc};
      run_all(layout.recipe, row);
      ++points;
      for (const char* kind : {"server", "client"}) {
        const Lines words = words_of(kind);
        EXPECT_FALSE(words.empty()) << kind << " was not started";
        EXPECT_EQ(std::count(words.begin(), words.end(), ""), 0) << kind << " has an empty argument";
      }
      Lines lines = recorded();
      std::erase_if(lines, [](const std::string& line) { return line.starts_with("client "); });
      const std::string key = layout.recipe + server_key(plan_of(layout.recipe, row), 0);
      EXPECT_EQ(commands.emplace(key, lines).first->second, lines);
    }
  }
  EXPECT_EQ(points, 178U);
}

}  // namespace
}  // namespace sweep
