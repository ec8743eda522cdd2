// controller/profile: durations, every key, layers, and one-line errors with file and line.
#include "controller/profile/profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/profile/benchmark.hpp"
#include "controller/profile/container_section.hpp"
#include "controller/profile/duration.hpp"
#include "controller/profile/load_profile.hpp"
#include "controller/profile/record.hpp"
#include "controller/profile/show.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/json.hpp"

namespace sweep::profile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

TEST(Duration, ReadsEveryUnit) {
  for (const auto& [text, ms] : std::initializer_list<std::pair<const char*, long>>{{"500ms", 500},
                                                                                    {"90s", 90'000},
                                                                                    {"60m", 3'600'000},
                                                                                    {"3h", 10'800'000},
                                                                                    {"7", 7'000},
                                                                                    {"0.25", 250},
                                                                                    {"1.5h", 5'400'000},
                                                                                    {"0", 0},
                                                                                    {"0s", 0},
                                                                                    {"none", 0},
                                                                                    {"0.1ms", 1}}) {
    const auto value = parse_duration(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(value->count(), ms) << text;
  }
}

TEST(Duration, RefusesOtherTexts) {
  for (const char* text :
       {"", "s", "-1s", "5 m", "5min", "5M", "1h30m", "inf", "nan", "1e9h", "0x10", "None", "5s "}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

// ---- one file

Profile read(const std::string& text, Profile base = {}) {
  auto profile = parse_profile(text, "p.yaml", std::move(base));
  EXPECT_TRUE(profile) << profile.error().message;
  return profile.value_or(Profile{});
}

std::string says(const std::string& text) {
  const auto profile = parse_profile(text, "p.yaml", {});
  if (profile) return "";
  EXPECT_EQ(profile.error().message.find('\n'), std::string::npos) << profile.error().message;
  return profile.error().message;
}

TEST(Profile, EveryKeyIsRead) {
  const Profile profile = read(R"(workspace: /work
benchmark: run.sh {hw}
env: { A: text, B: 7, C: , _d1: "yes" }
packing: gpu
gpus: ignore
log-limit: 3M
artifact-limit: 2G
container: { runtime: none }
timeouts: { server: 1s, benchmark: 2s, point: 3s, kill-grace: 4s, heartbeat: 5s, agent: 6s, join: none,
  server-start: 7s, server-progress: 8s, server-longest: 9s, reset: 10s, warm-up: 11s }
retries: { infrastructure: 7, benchmark: 8 }
)");
  EXPECT_EQ(profile.workspace, "/work");
  EXPECT_EQ(profile.benchmark, "run.sh {hw}");
  EXPECT_THAT(profile.env, ElementsAre(Pair("A", "text"), Pair("B", "7"), Pair("C", ""), Pair("_d1", "yes")));
  EXPECT_EQ(profile.packing, Profile::Packing::Gpu);
  EXPECT_TRUE(profile.ignore_gpus);
  EXPECT_EQ(profile.log_limit, 3'000'000);
  EXPECT_EQ(profile.artifact_limit, 2'000'000'000);
  EXPECT_EQ(profile.timeouts.server, Millis(1000));
  EXPECT_EQ(profile.timeouts.benchmark, Millis(2000));
  EXPECT_EQ(profile.timeouts.point, Millis(3000));
  EXPECT_EQ(profile.kill_grace, Millis(4000));
  EXPECT_EQ(profile.timeouts.server_start, Millis(7000));
  EXPECT_EQ(profile.timeouts.server_progress, Millis(8000));
  EXPECT_EQ(profile.timeouts.server_longest, Millis(9000));
  EXPECT_EQ(profile.timeouts.reset, Millis(10'000));
  EXPECT_EQ(profile.timeouts.warm_up, Millis(11'000));
  EXPECT_EQ(profile.heartbeat, Millis(5000));
  EXPECT_EQ(profile.agent_timeout, Millis(6000));
  EXPECT_EQ(profile.join, Millis(0));
  EXPECT_EQ(profile.retries.infrastructure, 7);
  EXPECT_EQ(profile.retries.benchmark, 8);
  EXPECT_EQ(read("packing: node\ngpus: auto\n", profile).packing, Profile::Packing::Node);
  EXPECT_FALSE(read("gpus: auto\n", profile).ignore_gpus);
}

TEST(Profile, LineAtWhichAScriptsServerIsReadyIsRead) {
  EXPECT_EQ(read("script: { ready: '^up$' }\n").script_ready, "^up$");
  EXPECT_EQ(read("packing: node\n", read("script: { ready: up }\n")).script_ready, "up");
  EXPECT_EQ(Profile{}.script_ready, "");
  EXPECT_THAT(says("script: { ready: '(' }\n"),
              StartsWith("p.yaml:1: 'ready' is not a regular expression: '('"));
  EXPECT_THAT(says("script:\n  ready: ''\n"), StartsWith("p.yaml:2: 'ready' must not be empty"));
  EXPECT_THAT(says("script: { ready: " + std::string(4097, 'x') + " }\n"),
              StartsWith("p.yaml:1: 'ready' has 4097 bytes; at most 4096"));
  EXPECT_EQ(says("script: { redy: up }\n"),
            "p.yaml:1: unknown key 'redy' in 'script'; did you mean 'ready'?");
  EXPECT_THAT(show_profile(read("script: { ready: up }\n")),
              HasSubstr("script:\n  ready: up                                               # p.yaml:1\n"));
  EXPECT_THAT(show_profile(Profile{}), Not(HasSubstr("script:")));
}

TEST(Profile, ThresholdsOfEvaluationsAreRelativeToTheProfile) {
  EXPECT_EQ(read("evals: { thresholds: /a/b.yaml }\n").eval_thresholds, "/a/b.yaml");
  EXPECT_THAT(read("evals: { thresholds: ../b.yaml }\n").eval_thresholds,
              testing::AllOf(StartsWith("/"), testing::EndsWith("/b.yaml"), Not(HasSubstr(".."))));
  EXPECT_EQ(says("evals: { threshold: b.yaml }\n"),
            "p.yaml:1: unknown key 'threshold' in 'evals'; did you mean 'thresholds'?");
  EXPECT_THAT(show_profile(read("evals: { thresholds: /b.yaml }\n")),
              HasSubstr("evals:\n  thresholds: /b.yaml "));
  EXPECT_THAT(show_profile(Profile{}), Not(HasSubstr("evals:")));
}

TEST(Profile, EmptyFilesAndKeysLeaveTheDefaults) {
  for (const char* text :
       {"", "# nothing\n", "~", "{}", "env: {}", "timeouts:\nretries: ~\nbenchmark:\npacking: ~\n"}) {
    const Profile profile = read(text);
    EXPECT_EQ(profile.benchmark, Profile{}.benchmark) << text;
    EXPECT_EQ(profile.timeouts.server, Profile{}.timeouts.server) << text;
    EXPECT_EQ(profile.retries.infrastructure, 2) << text;
  }
}

TEST(Profile, UnknownKeyIsNamedWithTheNearestAndItsLine) {
  EXPECT_EQ(says("packing: gpu\nworkspce: /x\n"),
            "p.yaml:2: unknown key 'workspce' in the profile; did you mean 'workspace'?");
  EXPECT_EQ(says("timeouts:\n  server: 1s\n  bench: 1s\n  pont: 2s\n"),
            "p.yaml:3: unknown key 'bench' in 'timeouts'; known: agent, away, benchmark, heartbeat, "
            "image, join, "
            "kill-grace, "
            "point, reset, server, server-longest, server-progress, server-start, warm-up");
  EXPECT_EQ(says("timeouts: {pont: 2s}"),
            "p.yaml:1: unknown key 'pont' in 'timeouts'; did you mean 'point'?");
  EXPECT_EQ(says("retries: {benchmarks: 1}"),
            "p.yaml:1: unknown key 'benchmarks' in 'retries'; did you mean 'benchmark'?");
  EXPECT_EQ(says("container: {runtim: none}"),
            "p.yaml:1: unknown key 'runtim' in 'container'; did you mean 'runtime'?");
  EXPECT_THAT(says("\"a\\nb\": 1"), StartsWith("p.yaml:1: unknown key 'a\\nb' in the profile; known: "));
  EXPECT_EQ(says("[a]: 1"), "p.yaml: not YAML: line 1, column 1: a list or mapping cannot be a key");
}

TEST(Profile, RepeatedKeyIsNamedWithItsLine) {
  EXPECT_EQ(says("packing: gpu\nworkspace: /x\npacking: node\n"),
            "p.yaml:3: key 'packing' occurs twice in the profile; remove one of them");
  EXPECT_EQ(says("timeouts:\n  point: 1s\n  point: 2s\n"),
            "p.yaml:3: key 'point' occurs twice in 'timeouts'; remove one of them");
  EXPECT_EQ(says("env: {A: 1, A: 2}"), "p.yaml:1: variable 'A' occurs twice in 'env'; remove one of them");
  EXPECT_EQ(says("runners:\n  b200: {}\n  b200: {}\n"),
            "p.yaml:3: runner 'b200' occurs twice in 'runners'; remove one of them");
}

TEST(Profile, FilesOfOtherKindsAreRecognised) {
  EXPECT_EQ(says("dsr1-fp4-b200-trt:\n  image: i\n  search-space: []\n"),
            "p.yaml:1: this is a benchmark matrix, not a profile (entry 'dsr1-fp4-b200-trt' has "
            "'search-space'); give it with --sweep-config (sweepctl run FILE)");
  EXPECT_EQ(says("server: {command: x}\nclient: {command: y}\n"),
            "p.yaml:1: this is a recipe, not a profile; name it in a profile: benchmark: p.yaml");
  EXPECT_EQ(says("dsr1-fp4-b200-trt:\n  scenarios: {}\n"),
            "p.yaml:1: this is a benchmark matrix, not a profile (entry 'dsr1-fp4-b200-trt' has "
            "'scenarios'); give it with --sweep-config (sweepctl run FILE)");
  EXPECT_EQ(says("labels:\n  b200: [b200-nb_0]\n"),
            "p.yaml:1: this is a runner file of InferenceX, not a profile (it has 'labels'); give it with "
            "--sweep-select='--runner-config p.yaml'");
}

TEST(Profile, StrictIsADefaultThatCanBeTurnedOff) {
  EXPECT_TRUE(read("").strict);
  EXPECT_FALSE(read("strict: no\n").strict);
  EXPECT_EQ(says("strict: maybe\n"), "p.yaml:1: 'strict' must be yes or no, got 'maybe'");
}

TEST(Profile, WrongTypeIsNamedWithItsLine) {
  EXPECT_EQ(says("- a\n"), "p.yaml:1: the profile must be a mapping, got a list");
  EXPECT_EQ(says("text"), "p.yaml:1: the profile must be a mapping, got 'text'");
  EXPECT_EQ(says("\nworkspace: [a]"), "p.yaml:2: 'workspace' must be text, got a list");
  EXPECT_EQ(says("benchmark: [a]"), "p.yaml:1: 'benchmark' must be text, got a list");
  EXPECT_EQ(says("env: [A]"), "p.yaml:1: 'env' must be a mapping NAME: value, got a list");
  EXPECT_EQ(says("env:\n  A: [b]"), "p.yaml:2: 'A' must be text, got a list");
  EXPECT_EQ(says("timeouts: 5s"), "p.yaml:1: 'timeouts' must be a mapping, got '5s'");
  EXPECT_EQ(says("timeouts:\n  point: soon"),
            "p.yaml:2: 'point' must be a time such as 90s, 60m, 3h or none, got 'soon'");
  EXPECT_EQ(says("timeouts: {point: [1]}"),
            "p.yaml:1: 'point' must be a time such as 90s, 60m, 3h or none, got a list");
  for (const char* key : {"heartbeat", "agent"}) {
    EXPECT_EQ(says("timeouts: {" + std::string(key) + ": none}"),
              "p.yaml:1: '" + std::string(key) + "' must be more than 0, got 'none'");
  }
  for (const char* bad : {"-1", "101", "1.5", "many", "''"}) {
    EXPECT_THAT(says("retries: {infrastructure: " + std::string(bad) + "}"),
                StartsWith("p.yaml:1: 'infrastructure' must be a number from 0 to 100, got '"))
        << bad;
  }
}

TEST(Profile, UnknownWordIsNamedWithTheNearest) {
  EXPECT_EQ(says("packing: gpus"),
            "p.yaml:1: 'packing' must be node or gpu, got 'gpus'; did you mean 'gpu'?");
  EXPECT_EQ(says("packing: socket"), "p.yaml:1: 'packing' must be node or gpu, got 'socket'");
  EXPECT_EQ(says("gpus: [auto]"), "p.yaml:1: 'gpus' must be auto or ignore, got a list");
  EXPECT_THAT(says("container: {runtime: pixis}"),
              HasSubstr("p.yaml:1: 'runtime' must be none or auto or pyxis or"));
  EXPECT_THAT(says("container: {runtime: pixis}"), HasSubstr("did you mean 'pyxis'?"));
  EXPECT_THAT(says("container: {mounts: [a]}"), HasSubstr("mount 'a'"));
  EXPECT_THAT(says("container: {image-cache: raid}"), HasSubstr("'image-cache' must be an absolute path"));
  EXPECT_THAT(says("container: {image-room: lots}"), HasSubstr("'image-room' must be a size such as"));
  EXPECT_THAT(says("container: {writable: maybe}"), HasSubstr("'writable' must be yes or no"));
  EXPECT_THAT(says("container: {env: [A B]}"), HasSubstr("names of environment variables"));
  EXPECT_THAT(says("runners: [b200]"), HasSubstr("'runners' must be a mapping of runner types"));
  EXPECT_THAT(says("runners: {b200: {feature: x}}"), HasSubstr("did you mean 'features'?"));
}

TEST(Profile, InvalidVariableNamesAreRefused) {
  EXPECT_EQ(says("env: {1A: x}"),
            "p.yaml:1: '1A' is not a valid name of an environment variable; use letters, digits and _");
  EXPECT_EQ(says("env: {\"A=B\": x}"),
            "p.yaml:1: 'A=B' is not a valid name of an environment variable; use letters, digits and _");
  EXPECT_EQ(says("env: {'': x}"),
            "p.yaml:1: '' is not a valid name of an environment variable; use letters, digits and _");
  EXPECT_THAT(says("env: {SLURM_SWEEP_CLIENT_SECRET: x}"), HasSubstr("reserved for slurm-sweep"));
}

TEST(Profile, AgentTimeoutMustExceedTheHeartbeat) {
  EXPECT_THAT(says("timeouts: {agent: 10s}"), HasSubstr("'agent' must be longer than 'heartbeat'"));
  EXPECT_EQ(says("timeouts: {agent: 10s, heartbeat: 9s}"), "");
}

TEST(Profile, YamlErrorsHaveLineAndColumn) {
  EXPECT_THAT(says("a: 1\n b: [\n"), StartsWith("p.yaml: not YAML: line 2, "));
  EXPECT_THAT(says("a: *x\n"), StartsWith("p.yaml: not YAML: line 1, column 4: "));
  std::string deep;
  for (int i = 0; i < 20'000; ++i)
    deep += "[";
  EXPECT_THAT(says(deep), HasSubstr("not YAML"));
}

TEST(Profile, EveryTruncatedFileGivesAProfileOrAnError) {
  const std::string text =
      "env: { A: \"x\\n\" }\ntimeouts: &t { server: 1s }\nretries:\n  benchmark: !!int '1'\n";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto profile = parse_profile(text.substr(0, length), "p.yaml", {});
    EXPECT_TRUE(profile || profile.error().message.starts_with("p.yaml")) << length;
  }
}

// ---- several files

class Layers : public InFolder {};

TEST_F(Layers, LaterFilesWinKeyByKey) {
  const std::string site =
      put("site.yaml", "packing: gpu\nenv: { A: 1, B: 2 }\ntimeouts: { server: 1s, point: 2s }\n");
  const std::string user = put("user.yaml", "env: { B: 3, C: 4 }\ntimeouts: { point: 5s }\n");
  const auto profile = load_profile({site, user});
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->packing, Profile::Packing::Gpu);
  EXPECT_THAT(profile->env, ElementsAre(Pair("A", "1"), Pair("B", "3"), Pair("C", "4")));
  EXPECT_EQ(profile->timeouts.server, Millis(1000));
  EXPECT_EQ(profile->timeouts.point, Millis(5000));
  EXPECT_EQ(profile->timeouts.benchmark, Profile{}.timeouts.benchmark);
  EXPECT_TRUE(load_profile({}));
}

TEST_F(Layers, ErrorNamesTheFile) {
  const std::string good = put("good.yaml", "packing: gpu\n");
  const std::string bad = put("bad.yaml", "packing: gpu\n\npaking: gpu\n");
  const auto profile = load_profile({good, bad});
  ASSERT_FALSE(profile);
  EXPECT_THAT(profile.error().message, StartsWith(bad + ":3: unknown key 'paking'"));
  const auto missing = load_profile({path("none.yaml")});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr(path("none.yaml")));
  EXPECT_FALSE(load_profile({folder_}));
}

TEST_F(Layers, PathsAreRelativeToTheFileThatSetsThem) {
  std::filesystem::create_directories(path("a/b"));
  const std::string first = put("a/b/one.yaml", "workspace: ../space\nbenchmark: ./run.sh\n");
  const std::string second = put("two.yaml", "packing: gpu\n");
  const auto profile = load_profile({first, second});
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->workspace, path("a/space"));
  EXPECT_EQ(benchmark_command(*profile, Point{})->front(), path("a/b/run.sh"));
  const auto absolute = load_profile({first, put("three.yaml", "workspace: /abs\nbenchmark: ../x/run.sh\n")});
  EXPECT_EQ(absolute->workspace, "/abs");
  EXPECT_EQ(benchmark_command(*absolute, Point{})->front(),
            std::filesystem::path(folder_).parent_path().string() + "/x/run.sh");
}

TEST_F(Layers, FileInTheCurrentFolderHasAFolder) {
  const std::filesystem::path before = std::filesystem::current_path();
  put("p.yaml", "workspace: here\n");
  std::filesystem::current_path(folder_);
  const auto profile = load_profile({"p.yaml"});
  std::filesystem::current_path(before);
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(std::filesystem::path(profile->workspace).filename(), "here");
  EXPECT_TRUE(std::filesystem::path(profile->workspace).is_absolute());
}

TEST_F(Layers, UsersFileIsALayerIfItExists) {
  EXPECT_THAT(default_layers(folder_), testing::Not(testing::Contains(StartsWith(folder_))));
  std::filesystem::create_directories(path(".config/slurm-sweep"));
  const std::string mine = put(".config/slurm-sweep/profile.yaml", "");
  ASSERT_FALSE(default_layers(folder_).empty());
  EXPECT_EQ(default_layers(folder_).back(), mine) << "after the site's";
  EXPECT_THAT(default_layers(""), testing::Not(testing::Contains(HasSubstr(".config"))));
}

// ---- profile show

constexpr const char* kShown = R"(workspace: "/work/{hw} #1"
benchmark: "./run.sh {framework} \"x\""
env: { A: "yes", B: "", BENCH_C: "a: \"b\" # c", D: "-1", BENCH_E: "two\nlines" }
packing: gpu
container: { runtime: docker, mounts: [/a:/b:ro, /c:/d], agent: node, client: image, cache-size: 1500M,
  cache-age: 90s, image-cache: none, writable: no, shm-size: 16g, env: [X, Y], options: [--ulimit, "memlock=-1"],
  image-retries: 5 }
runners: { "b200*": { gpus: [b200], partition: dgx, container: { runtime: bwrap }, env: { BENCH_Z: "{hw}" } } }
timeouts: { server: 90s, agent: 2m, join: none, image: 1500ms }
retries: { node: 0 }
validity: { ignore: [node-shared] }
auth: munge
spool: /nvme/spool
evals: { thresholds: /etc/thresholds.yaml }
script: { ready: "^up [0-9]+" }
)";

TEST(ShowProfile, OutputReadsBackAsTheSameProfile) {
  const Profile profile = read(kShown);
  const std::string text = show_profile(profile);
  Profile again = read(text);
  // Keys that were not set are printed with their defaults, and so are set now.
  for (const ContainerField& field : container_fields()) {
    if (field.key != nullptr) {
      EXPECT_TRUE(again.container.given.contains(field.key)) << field.key;
    }
  }
  EXPECT_EQ(merged(default_container(), again.container), merged(default_container(), profile.container));
  again.container = profile.container;
  again.point_timeout_declared = profile.point_timeout_declared;
  EXPECT_EQ(profile_to_json(again), profile_to_json(profile)) << text;
}

TEST(ShowProfile, EachValueHasItsSourceInOneColumn) {
  const std::string text = show_profile(read(kShown));
  EXPECT_THAT(text, HasSubstr("packing: gpu                                              # p.yaml:4\n"));
  EXPECT_THAT(text, HasSubstr("  cache-size: 1500M                                       # p.yaml:5\n"));
  EXPECT_THAT(text, HasSubstr("  scratch: \"\"                                             # default\n"));
  EXPECT_THAT(text, HasSubstr("  A: \"yes\"                                                # p.yaml:3\n"));
  EXPECT_THAT(text, HasSubstr("    gpus: [b200]                                          # p.yaml:8\n"));
}

TEST(ShowProfile, SecretsAreNotShown) {
  const std::string text = show_profile(read(R"(benchmark: "./b.sh --api-key S1X"
env: { MY_PASS: S2X, MINE: S3X, HF_ENDPOINT: "https://u:S4X@h" }
container: { options: [--env, HF_TOKEN=S5X] }
runners: { "b200*": { env: { DB_PWD: S6X } } }
)"));
  for (const char* secret : {"S1X", "S2X", "S3X", "S4X", "S5X", "S6X"})
    EXPECT_THAT(text, testing::Not(HasSubstr(secret)));
  EXPECT_THAT(text, HasSubstr("MY_PASS: \"(set)\""));
}

// ---- recipes

constexpr const char* kRecipe = R"(benchmark:
  server:
    command: |
      exec serve --model "$MODEL" --tp "$TP" --port "$PORT"
    env: [MODEL, TP, MODEL, {CONC_FROM: {of: CONC, steps: [1, 16]}}]
    ready: { url: /health }
    reset: { url: /flush_cache }
    progress: ^shard [0-9]+
  client:
    command: sweep-bench --model "$MODEL"
)";

TEST(Recipe, EveryKeyIsRead) {
  const Profile profile = read(kRecipe);
  const Recipe& recipe = profile.recipe;
  EXPECT_EQ(recipe.server.command, "exec serve --model \"$MODEL\" --tp \"$TP\" --port \"$PORT\"\n");
  EXPECT_EQ(recipe.client, "sweep-bench --model \"$MODEL\"");
  EXPECT_THAT(recipe.server.env, ElementsAre("MODEL", "TP", "CONC_FROM"));
  EXPECT_THAT(recipe.server.derived, ElementsAre(DerivedVariable{"CONC_FROM", "CONC", {1, 16}}));
  EXPECT_EQ(derived_value(recipe.server.derived[0], 0), 1);
  EXPECT_EQ(derived_value(recipe.server.derived[0], 15), 1);
  EXPECT_EQ(derived_value(recipe.server.derived[0], 16), 16);
  EXPECT_EQ(derived_value(recipe.server.derived[0], 512), 16);
  EXPECT_EQ(recipe.server.ready.path, "/health");
  EXPECT_EQ(recipe.server.ready_log, "");
  EXPECT_EQ(recipe.server.health.path, "/health")
      << "what says ready says well, unless the recipe has another";
  EXPECT_EQ(recipe.server.reset.path, "/flush_cache");
  EXPECT_EQ(recipe.server.progress, "^shard [0-9]+");
  EXPECT_THAT(*benchmark_command(profile, Point{}),
              ElementsAre("bash", "-c", "sweep-bench --model \"$MODEL\""));
  EXPECT_THAT(server_command(recipe), ElementsAre("bash", "-c", recipe.server.command));
}

TEST(Recipe, EvaluationIsOptionalAndHasACommand) {
  EXPECT_THAT(eval_command(read(kRecipe).recipe), testing::IsEmpty());
  const Profile profile = read(std::string(kRecipe) + "  eval:\n    command: lm_eval --port \"$PORT\"\n");
  EXPECT_THAT(eval_command(profile.recipe), ElementsAre("bash", "-c", "lm_eval --port \"$PORT\""));
  EXPECT_EQ(says(std::string(kRecipe) + "  eval: {}\n"), "p.yaml:11: the recipe's 'eval' has no 'command'");
  EXPECT_EQ(says(std::string(kRecipe) + "  eval: { comand: x }\n"),
            "p.yaml:11: unknown key 'comand' in the recipe's 'eval'; did you mean 'command'?");
  EXPECT_EQ(says(std::string(kRecipe) + "  evl: { command: x }\n"),
            "p.yaml:11: unknown key 'evl' in the recipe of 'benchmark'; did you mean 'eval'?");
}

TEST(Recipe, StepsAreReadAsYamlReadsNumbers) {
  const Profile profile = read(
      "benchmark: {server: {command: s, env: [{A: {of: CONC, steps: [0x10, 1_000]}}], ready: {log: up}},"
      " client: {command: c}}");
  EXPECT_THAT(profile.recipe.server.derived, ElementsAre(DerivedVariable{"A", "CONC", {16, 1000}}));
}

TEST(Recipe, LastLayerReplacesTheWholeRecipe) {
  EXPECT_EQ(read("benchmark: ./run.sh\n", read(kRecipe)).recipe.server.command, "");
  const Profile other = read(
      "benchmark: {server: {command: x, env: [], ready: {log: up}}, client: {command: y}}", read(kRecipe));
  EXPECT_EQ(other.recipe.server.reset.path, "");
  EXPECT_EQ(other.recipe.server.ready_log, "up");
  EXPECT_EQ(other.recipe.server.health.path, "");
}

TEST(Recipe, MissingOrUnknownKeyIsNamedWithItsLine) {
  const std::string rest = "\n  client: {command: c}";
  EXPECT_EQ(says("benchmark: {servr: 1}"),
            "p.yaml:1: unknown key 'servr' in the recipe of 'benchmark'; did you mean 'server'?");
  EXPECT_EQ(says("benchmark:\n  server: {comand: x}"),
            "p.yaml:2: unknown key 'comand' in the recipe's 'server'; did you mean 'command'?");
  EXPECT_EQ(says("benchmark:\n  server: {env: []}"), "p.yaml:2: the recipe's 'server' has no 'command'");
  EXPECT_EQ(says("benchmark:\n  server: {command: ' '}"), "p.yaml:2: the recipe's 'server' has no 'command'");
  EXPECT_THAT(says("benchmark:\n  server: {command: s}" + rest),
              StartsWith("p.yaml:2: the recipe's 'server' has no 'env': the names"));
  EXPECT_THAT(says("benchmark:\n  server: {command: s, env: []}" + rest),
              StartsWith("p.yaml:2: the recipe's 'server' has no 'ready'"));
  EXPECT_THAT(says("benchmark:\n  server: {command: s, env: [], ready: {url: /h, log: up}}" + rest),
              StartsWith("p.yaml:2: the server's 'ready' must have either 'url'"));
  EXPECT_THAT(says("benchmark: {client: {command: c}}"),
              StartsWith("p.yaml:1: the recipe of 'benchmark' has no 'server'"));
  EXPECT_THAT(says("benchmark: {server: {command: s, env: [], ready: {url: /h}}}"),
              StartsWith("p.yaml:1: the recipe of 'benchmark' has no 'client'"));
  EXPECT_EQ(says("benchmark: {server: {command: s, env: [], ready: {url: /h}}, client: {}}"),
            "p.yaml:1: the recipe's 'client' has no 'command'");
  EXPECT_THAT(
      says("benchmark:\n  server: {command: s, env: [], ready: {url: 'http://localhost:8000/h'}}" + rest),
      StartsWith(
          "p.yaml:2: 'url' must be a path such as /health, got 'http://localhost:8000/h'; the agent "));
  EXPECT_THAT(says("benchmark:\n  server: {command: s, env: [], ready: {log: '('}}" + rest),
              StartsWith("p.yaml:2: 'log' is not a regular expression: '(': "));
  EXPECT_THAT(says("benchmark:\n  server: {command: s, env: TP}"),
              StartsWith("p.yaml:2: the server's 'env' must be a list of names"));
  for (const char* bad : {"[]", "[16, 1]", "[1, 1]", "[1, x]", "[-1]", "5", "[99999999999999999999]"}) {
    EXPECT_EQ(
        says("benchmark:\n  server: {command: s, env: [{A: {of: CONC, steps: " + std::string(bad) + "}}]}"),
        "p.yaml:2: the steps of 'A' must be ascending whole numbers, such as [1, 16]");
  }
  EXPECT_THAT(says("benchmark:\n  server: {command: s, env: [{A: {steps: [1]}}]}"),
              StartsWith("p.yaml:2: 'A' needs 'of', a variable"));
  EXPECT_EQ(says("benchmark:\n  server: {command: s, env: [T P]}"),
            "p.yaml:2: 'T P' is not a valid name of an environment variable");
}

}  // namespace
}  // namespace sweep::profile
