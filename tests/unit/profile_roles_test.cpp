// controller/profile: recipes with roles, or with a script for several nodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/profile/benchmark.hpp"
#include "controller/profile/recipe_reader.hpp"

namespace sweep::profile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kGang = R"(roles:
  etcd:
    command: exec etcd --listen-client-urls "http://0.0.0.0:$PORT"
    ready: { tcp: $PORT }
  prefill:
    workers: { of: PREFILL_NUM_WORKERS }
    gpus: 8
    needs: [etcd]
    command: exec serve --port "$PORT" --system "$PORT_SYSTEM"
    env: [MODEL, { ETCD_ENDPOINTS: "http://$ETCD" }, { FROM: { of: CONC, steps: [1, 16] } }]
    ports: [dist, system]
    ready: { url: /health, port: system }
    reset: { url: /flush_cache }
    progress: ^shard
  decode:
    workers: 2
    gpus: 16
    processes: gpu
    command: exec decode
    ready: { log: up }
    health: { url: /well }
  mpi: { gpus: 4, nodes: 2, launch: mpi, command: exec trtllm, ready: { tcp: $PORT_DIST }, ports: [dist, bus] }
  router:
    on: prefill.0
    needs: [prefill, decode]
    command: exec route
    ready: { url: /health }
public: router
files:
  engine.yaml: { for: decode, yaml: { tp: 8, name: "8", list: [yes, 1.5], none: ~ } }
  note.txt: { for: etcd, text: hello }
prepare: { command: pip install x, key: [IMAGE] }
client: { on: own, command: exec sweep-bench --base-url "$URL" }
eval: { command: lm_eval }
)";

Recipe read_recipe_text(const std::string& text) {
  auto recipe = parse_recipe("r.yaml", text);
  EXPECT_TRUE(recipe) << recipe.error().message;
  return recipe.value_or(Recipe{});
}

std::string recipe_says(const std::string& text) {
  const auto recipe = parse_recipe("r.yaml", text);
  return recipe ? "" : recipe.error().message;
}

TEST(Roles, EveryKeyIsRead) {
  const Recipe recipe = read_recipe_text(kGang);
  ASSERT_EQ(recipe.roles.size(), 5U);
  EXPECT_TRUE(recipe.is_gang());
  const Role& prefill = recipe.roles[1];
  EXPECT_EQ(prefill.name, "prefill");
  EXPECT_EQ(prefill.workers, (Count{0, "PREFILL_NUM_WORKERS"}));
  EXPECT_EQ(prefill.gpus, (Count{8, ""}));
  EXPECT_THAT(prefill.needs, ElementsAre("etcd"));
  EXPECT_EQ(prefill.server.command, "exec serve --port \"$PORT\" --system \"$PORT_SYSTEM\"");
  EXPECT_THAT(prefill.server.env, ElementsAre("MODEL", "FROM"));
  EXPECT_THAT(prefill.texts, ElementsAre(Pair("ETCD_ENDPOINTS", "http://$ETCD")));
  EXPECT_THAT(prefill.server.derived, ElementsAre(DerivedVariable{"FROM", "CONC", {1, 16}}));
  EXPECT_THAT(prefill.ports, ElementsAre("dist", "system"));
  EXPECT_EQ(prefill.server.ready, (UrlCheck{"/health", "system"}));
  EXPECT_EQ(prefill.server.health, prefill.server.ready) << "unless the role has another";
  EXPECT_EQ(prefill.server.reset, (UrlCheck{"/flush_cache", ""}));
  EXPECT_EQ(prefill.server.progress, "^shard");
  const Role& decode = recipe.roles[2];
  EXPECT_EQ(decode.workers, (Count{2, ""}));
  EXPECT_EQ(decode.processes, Role::Processes::Gpu);
  EXPECT_EQ(decode.server.ready_log, "up");
  EXPECT_EQ(decode.server.health, (UrlCheck{"/well", ""}));
  EXPECT_EQ(recipe.roles[0].server.ready_tcp, "PORT");
  EXPECT_EQ(recipe.roles[3].server.ready_tcp, "dist");
  EXPECT_TRUE(recipe.roles[3].mpi);
  EXPECT_EQ(recipe.roles[3].processes, Role::Processes::Worker);
  EXPECT_EQ(recipe.roles[3].nodes, (Count{2, ""}));
  EXPECT_EQ(recipe.roles[4].on, "prefill.0");
  EXPECT_EQ(recipe.public_role, "router");
  EXPECT_EQ(recipe.client_on, kOnOwn);
  EXPECT_EQ(recipe.client, "exec sweep-bench --base-url \"$URL\"");
  EXPECT_EQ(recipe.eval, "lm_eval");
  EXPECT_EQ(recipe.prepare, (Prepare{"pip install x", {"IMAGE"}}));
}

TEST(Roles, FilesAreYamlOrText) {
  const Recipe recipe = read_recipe_text(kGang);
  ASSERT_EQ(recipe.files.size(), 2U);
  EXPECT_EQ(recipe.files[0].role, "decode");
  EXPECT_EQ(recipe.files[0].text, "\"tp\": 8\n\"name\": \"8\"\n\"list\":\n  - true\n  - 1.5\n\"none\": ~\n");
  EXPECT_EQ(recipe.files[1].text, "hello");
}

TEST(Roles, EachRoleStartsAfterThoseThatItNeeds) {
  const auto names = [](const std::string& text) {
    const Recipe recipe = read_recipe_text(text);
    std::string out;
    for (const std::size_t role : start_order(recipe.roles))
      out += recipe.roles[role].name + " ";
    return out;
  };
  EXPECT_EQ(names(kGang), "etcd prefill decode mpi router ");
  const std::string rest = ", command: x, ready: {log: up}}";
  EXPECT_EQ(names("{roles: {c: {needs: [b]" + rest + ", b: {needs: [a]" + rest + ", a: {needs: []" + rest +
                  "}, public: a, client: {command: c}}"),
            "a b c ");
}

TEST(Roles, OneRoleIsPublicByItself) {
  const Recipe recipe =
      read_recipe_text("{roles: {worker: {command: x, ready: {log: up}}}, client: {command: c}}");
  EXPECT_EQ(recipe.public_role, "worker");
  EXPECT_EQ(recipe.client_on, kOnHead);
}

TEST(Roles, ScriptForSeveralNodesIsARecipe) {
  const Recipe recipe = read_recipe_text("script: { nodes: { of: NODES }, command: bash run.sh }\n");
  EXPECT_EQ(recipe.script, (NodesScript{"bash run.sh", {0, "NODES"}}));
  EXPECT_TRUE(recipe.is_gang());
  EXPECT_FALSE(recipe.empty());
  EXPECT_EQ(recipe_says("script: { command: x }\n"),
            "r.yaml:1: the recipe's 'script' has no 'nodes', the number of nodes on which it runs");
  EXPECT_EQ(recipe_says("script: { nodes: 2 }\n"), "r.yaml:1: the recipe's 'script' has no 'command'");
  EXPECT_EQ(recipe_says("script: { nodes: 2, command: x }\nclient: { command: c }\n"),
            "r.yaml:2: the recipe of 'benchmark' has both 'script' and 'client'; a script starts its servers "
            "and its client itself");
}

/// Returns the error of a recipe with a role `a`, on line 2, and further roles, each on its line.
std::string role_says(const std::string& role, const std::string& more = "") {
  return recipe_says("roles:\n  a: {" + role + "}\n" + more + "client: { command: c }\npublic: a\n");
}

TEST(Roles, WrongRoleIsNamedWithItsLine) {
  const std::string good = "command: x, ready: {url: /h}, ";
  EXPECT_EQ(role_says(good), "");
  EXPECT_EQ(role_says(good + "worker: 1"),
            "r.yaml:2: unknown key 'worker' in role a; did you mean 'workers'?");
  EXPECT_EQ(role_says("ready: {url: /h}"), "r.yaml:2: role a has no 'command'");
  EXPECT_THAT(role_says("command: x"), HasSubstr("r.yaml:2: role a has no 'ready'; add 'url' (a path"));
  EXPECT_THAT(role_says("command: x, ready: {url: /h, log: up}"),
              HasSubstr("r.yaml:2: role a's 'ready' must have one of 'url' (a path"));
  EXPECT_EQ(role_says("command: x, ready: {urls: /h}"),
            "r.yaml:2: unknown key 'urls' in role a's 'ready'; did you mean 'url'?");
  EXPECT_THAT(role_says("command: x, ports: [p], ready: {port: p, log: up}"),
              HasSubstr("role a's 'ready' must have one of"));
  EXPECT_THAT(role_says("command: x, ready: {port: p}"), HasSubstr("role a's 'ready' must have one of"));
  EXPECT_EQ(role_says("command: x, ports: [system], ready: {url: /h, port: sytem}"),
            "r.yaml:2: role a has no port 'sytem'; did you mean 'system'?");
  EXPECT_EQ(role_says("command: x, ready: {tcp: $PORT_DIST}"),
            "r.yaml:2: role a has no port '$PORT_DIST'; name it in 'ports'");
  EXPECT_EQ(role_says(good + "ports: [Dist]"),
            "r.yaml:2: 'Dist' is not a valid name of a port; use lower-case letters, digits and _");
  EXPECT_EQ(role_says(good + "ports: [p, q, p]"), "r.yaml:2: port 'p' occurs twice; remove one of them");
  EXPECT_EQ(role_says(good + "workers: x"),
            "r.yaml:2: 'workers' must be a number from 0 to 4096 or {of: VARIABLE}, got 'x'");
  EXPECT_EQ(role_says(good + "gpus: {off: TP}"), "r.yaml:2: unknown key 'off' in 'gpus'; did you mean 'of'?");
  EXPECT_THAT(role_says(good + "gpus: {}"), HasSubstr("'gpus' needs 'of', a variable with a number"));
  EXPECT_EQ(
      role_says(good + "on: hed"),
      "r.yaml:2: 'on' must be head or client or own or each or a worker such as prefill.0, got 'hed'; did you "
      "mean 'head'?");
  EXPECT_EQ(role_says(good + "on: own, gpus: 1"),
            "r.yaml:2: role a has both 'on' and 'gpus' or 'nodes'; 'on' is for roles without GPUs");
  EXPECT_EQ(role_says(good + "launch: mpi"),
            "r.yaml:2: role a has 'launch: mpi', which starts a task for each GPU, but no 'gpus'");
  EXPECT_EQ(role_says(good + "processes: gpu"), "r.yaml:2: role a has 'processes: gpu', but no 'gpus'");
  EXPECT_THAT(role_says(good + "launch: mpi, gpus: 4, processes: gpu"),
              HasSubstr("role a has both 'launch: mpi' and 'processes'"));
  EXPECT_EQ(role_says(good + "env: [{ROLE: x}]"),
            "r.yaml:2: the agent sets ROLE for each process; use another name in role a's 'env'");
  EXPECT_THAT(role_says(good + "env: MODEL"), HasSubstr("role a's 'env' must be a list of names"));
}

TEST(Roles, WrongRelationIsNamedWithItsLine) {
  const std::string good = "command: x, ready: {url: /h}, ";
  const std::string other = "  b: {command: x, ready: {url: /h}, needs: [a]}\n";
  EXPECT_EQ(role_says(good, other), "");
  EXPECT_EQ(role_says(good + "needs: [a]"), "r.yaml:2: role a needs itself; remove it from 'needs'");
  EXPECT_EQ(role_says(good + "needs: [bb]", other),
            "r.yaml:2: role a needs 'bb', which is not a role; did you mean 'b'?");
  EXPECT_EQ(
      role_says(good + "needs: [b]", other),
      "r.yaml:2: the roles a and b need each other in a circle, so none of them can start first; see their "
      "'needs'");
  EXPECT_EQ(role_says(good + "on: c.0", other),
            "r.yaml:2: role a is placed on 'c.0', but there is no such role");
  EXPECT_EQ(role_says(good + "on: b.0", other),
            "r.yaml:2: role a is placed on 'b.0', which has no GPUs itself; name a worker with GPUs");
  const std::string steps = "  b: {command: x, ready: {url: /h}, env: [{F: {of: CONC, steps: [1, 2]}}]}\n";
  EXPECT_THAT(role_says(good + "env: [{F: {of: CONC, steps: [1]}}]", steps),
              HasSubstr("the roles b and a derive F in different ways; use two names"));
}

TEST(Roles, NamesOfRolesAreChecked) {
  const auto named = [](const std::string& name) {
    return recipe_says("roles: {" + name + ": {command: x, ready: {log: up}}}\nclient: { command: c }\n");
  };
  EXPECT_EQ(named("a_1"), "");
  EXPECT_THAT(named("Decode"), HasSubstr("'Decode' is not a valid name of a role"));
  EXPECT_THAT(named("de-code"), HasSubstr("'de-code' is not a valid name of a role"));
  EXPECT_THAT(named("client"), HasSubstr("'client' is the recipe's client"));
  EXPECT_EQ(named("port"),
            "r.yaml:1: a role cannot be named 'port', because the agent sets PORT for each process");
  EXPECT_THAT(recipe_says("roles: {}\nclient: {command: c}\n"),
              HasSubstr("'roles' must be a mapping of names to roles"));
  EXPECT_EQ(recipe_says("roles:\n  a: {command: x}\n  a: {command: y}\nclient: {command: c}\n"),
            "r.yaml:3: role 'a' occurs twice; remove one of them");
}

TEST(Roles, PartsOfARecipeMustFitTogether) {
  const std::string role = "{command: x, ready: {log: up}}";
  const std::string two = "roles:\n  a: " + role + "\n  b: " + role + "\n";
  EXPECT_EQ(
      recipe_says(two + "client: {command: c}\n"),
      "r.yaml:2: the recipe has several roles and no 'public'; name the role whose address the client gets in "
      "URL, such as public: b");
  EXPECT_EQ(recipe_says(two + "client: {command: c}\npublic: aa\n"),
            "r.yaml:5: 'public' names the role 'aa', which does not exist; did you mean 'a'?");
  EXPECT_THAT(recipe_says(two + "public: a\n"), HasSubstr("the recipe of 'benchmark' has no 'client'"));
  EXPECT_EQ(
      recipe_says("server: {command: x, env: [], ready: {log: up}}\nclient: {command: c}\n" + two),
      "r.yaml:4: the recipe of 'benchmark' has both 'server' and 'roles'; make the server one of the roles");
  EXPECT_EQ(
      recipe_says("server: {command: x, env: [], ready: {log: up}}\nclient: {command: c}\nfiles: {f: {}}\n"),
      "r.yaml:3: the recipe of 'benchmark' has 'files', which needs 'roles'");
  EXPECT_EQ(recipe_says("server: {command: x, env: [], ready: {log: up}}\nclient: {command: c, on: head}\n"),
            "r.yaml:2: unknown key 'on' in the recipe's 'client'; known: command");
  EXPECT_EQ(recipe_says(two + "client: {command: c, on: each}\npublic: a\n"),
            "r.yaml:4: the client cannot be placed on 'each'; use head, own, or a worker such as prefill.0");
  EXPECT_EQ(recipe_says(two + "client: {command: c}\npublic: a\nfiles: {f: {for: aa, text: x}}\n"),
            "r.yaml:6: file 'f' names the role 'aa', which does not exist; did you mean 'a'?");
  EXPECT_THAT(recipe_says(two + "client: {command: c}\npublic: a\nfiles: {f: {for: a}}\n"),
              HasSubstr("file 'f' needs 'for', the role that reads it, and its content"));
  EXPECT_EQ(recipe_says(two + "client: {command: c}\npublic: a\nfiles: {../f: {for: a, text: x}}\n"),
            "r.yaml:6: '../f' is not a plain file name");
  EXPECT_EQ(recipe_says(two + "client: {command: c}\npublic: a\nprepare: {key: [A]}\n"),
            "r.yaml:6: the recipe's 'prepare' has no 'command'");
}

TEST(Roles, EveryTruncatedRecipeGivesARecipeOrAnError) {
  const std::string text = kGang;
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto recipe = parse_recipe("r.yaml", text.substr(0, length));
    EXPECT_TRUE(recipe || recipe.error().message.starts_with("r.yaml:")) << length;
  }
}

}  // namespace
}  // namespace sweep::profile
