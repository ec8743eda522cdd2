// What of names, texts, environments and commands is secret.
#include "util/secrets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "util/recorded.hpp"

namespace sweep {
namespace {

using Words = std::vector<std::string>;

struct Replaced {
  const char *text, *expected;
};

TEST(SecretNames, AreRecognizedByTheirWords) {
  for (const char* name : {"HF_TOKEN",      "hf_token",
                           "MY_SECRET",     "DB_PASSWORD",
                           "PASSWD",        "AWS_SECRET_ACCESS_KEY",
                           "API_KEY",       "OPENAI_APIKEY",
                           "KEY",           "GOOGLE_APPLICATION_CREDENTIALS",
                           "MY_PASS",       "DB_PWD",
                           "api-key",       "VLLM_API_KEY",
                           "WANDB_API_KEY", "MYPASS",
                           "auth",          "GH_PAT",
                           "API_KEYS",      "session.token",
                           "password",      "COOKIE"})
    EXPECT_TRUE(names_secret(name)) << name;
  for (const char* name :
       {"MODEL", "MAX_TOKENS", "MAX_NUM_TOKENS", "KEYS_PER_ROW", "MONKEY", "TOKENIZERS_PARALLELISM",
        "HF_TOKEN_PATH", "stop-token-ids", "eos_token_id", "tokenizer", "max-num-batched-tokens", "PATH", ""})
    EXPECT_FALSE(names_secret(name)) << name;
}

TEST(SecretTexts, UsersAndPasswordsAreReplaced) {
  const Replaced cases[] = {
      {"http://u:S1X@proxy:3128/", "http://(set)@proxy:3128/"},
      {"https://S1X@github.com/a/b.git", "https://(set)@github.com/a/b.git"},
      {"postgres://u:S1/X@db:5432/x", "postgres://(set)@db:5432/x"},
      {"'redis://:S@1X@h:1/0'", "'redis://(set)@h:1/0'"},
      {"u:S1X@proxy:3128", "(set)@proxy:3128"},
      {"https://host/v1?api_key=S1X&n=2", "https://host/v1?api_key=(set)&n=2"},
      {"s3://b/o?X-Amz-Security-Token=S1X", "s3://b/o?X-Amz-Security-Token=(set)"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(without_secrets(text), expected);
}

TEST(SecretTexts, TokensOfKnownFormsAreReplaced) {
  for (const char* token : {"hf_S1X", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz", "sk-S9X", "sk-proj-A1b2_c3", "ghp_S1X",
                            "github_pat_11AB_x", "glpat-S1X", "AKIAIOSFODNN7EXAMPLE", "xoxb-12-ab",
                            "nvapi-S1X", "eyJhbGciOiJIUzI1NiJ9.eyJz.x_Y-z"}) {
    EXPECT_EQ(without_secrets(token), "(set)");
    EXPECT_EQ(without_secrets(std::string("a ") + token + " b"), "a (set) b");
    EXPECT_EQ(without_secrets(std::string("x=\"") + token + "\""), "x=\"(set)\"");
  }
  EXPECT_EQ(without_secrets("-----BEGIN RSA PRIVATE KEY-----\nS1X\n-----END RSA PRIVATE KEY-----\nnext"),
            "(set)\nnext");
  EXPECT_EQ(without_secrets("a -----BEGIN PRIVATE KEY-----\nS1X"), "a (set)");
}

TEST(SecretTexts, HeadersAreReplaced) {
  const Replaced cases[] = {
      {"Authorization: Bearer S1X", "Authorization: (set)"},
      {"curl -H \"Authorization: Basic UzFY\" http://h/", "curl -H \"Authorization: (set)\" http://h/"},
      {"{\"Authorization\": \"Bearer S1X\", \"a\": 1}", "{\"Authorization\": \"(set)\", \"a\": 1}"},
      {"got bearer S1X.", "got bearer (set)"},
      {"x-api-key: S1X\nhost: h", "x-api-key: (set)\nhost: h"},
      {"authorization=Bearer S1X", "authorization=Bearer (set)"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(without_secrets(text), expected);
}

TEST(SecretTexts, ValuesOfOptionsAssignmentsAndKeysAreReplaced) {
  const Replaced cases[] = {
      {"vllm serve m --api-key S9X --tp 8", "vllm serve m --api-key (set) --tp 8"},
      {"vllm serve m --api-key=S9X --tp 8", "vllm serve m --api-key=(set) --tp 8"},
      {"x --token 'S 9X' -v", "x --token '(set)' -v"},
      {"HF_TOKEN=S1X python x", "HF_TOKEN=(set) python x"},
      {"export DB_PWD=\"S1,X\"; y", "export DB_PWD=\"(set)\"; y"},
      {"ALL,HF_TOKEN=S1X,A=b", "ALL,HF_TOKEN=(set),A=b"},
      {"password=S1,X", "password=(set)"},
      {"{\"api_key\": \"S1X\", \"tp\": 8}", "{\"api_key\": \"(set)\", \"tp\": 8}"},
      {"{\\\"api_key\\\": \\\"S1X\\\"}", "{\\\"api_key\\\": \\\"(set)\\\"}"},
      {"Namespace(api_key='S1X', tp=8)", "Namespace(api_key='(set)', tp=8)"},
      {"args: {'api_key': ['S1X'], 'tp': 8}", "args: {'api_key': ['(set)'], 'tp': 8}"},
      {"password: S1X\nuser: u", "password: (set)\nuser: u"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(without_secrets(text), expected);
}

TEST(SecretTexts, OrdinaryTextIsUnchanged) {
  for (const char* text :
       {"",
        "vllm serve deepseek-ai/DeepSeek-R1 --max-num-batched-tokens 8192 --stop-token-ids 1",
        "nvcr.io/nvidia/tritonserver:25.01@sha256:0123abcd",
        "docker://nvcr.io#nvidia/x:1",
        "http://h:8000/v1",
        "https://github.com/a/b@main",
        "http://[::1]:80/a@b",
        "unexpected token: '}' in line 3",
        "result has no key: 'x'",
        "unknown key 'token': expected one of a, b",
        "hf_transfer",
        "sk-learn",
        "--api-key $API_KEY --tp 8",
        "--api-key \"${API_KEY}\"",
        "api_key=None, tp=8",
        "HF_TOKEN: not set",
        "a bearer token is missing",
        "the bearer, a person",
        "the word bearer ",
        "bearer: none",
        "bearer=(none)",
        "the word bearer",
        "a==b",
        "KeyError: 'x'",
        "/data/hub:/data/hub:ro",
        "user@host:path",
        "--auth-mode x",
        "(set)",
        "HF_TOKEN=(set)",
        "12:30:01 token 5 of 7"})
    EXPECT_EQ(without_secrets(text), text);
}

TEST(SecretTexts, ResultDoesNotChangeTheSecondTime) {
  for (const char* text : {"Authorization: Bearer S1X", "http://u:p@h", "--token S1X", "password=a,b c"}) {
    const std::string once = without_secrets(text);
    EXPECT_EQ(without_secrets(once), once);
  }
}

TEST(RecordedValue, OnlyKnownNamesAndPlainSettingsAreShown) {
  const struct {
    const char *name, *value, *expected;
  } cases[] = {{"NCCL_DEBUG", "WARN", "WARN"},
               {"CONC", "4", "4"},
               {"MODEL", "deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1"},
               {"HF_HOME", "/data/hf", "/data/hf"},
               {"CUDA_VISIBLE_DEVICES", "0,1", "0,1"},
               {"VLLM_USE_V1", "1", "1"},
               {"VLLM_API_KEY", "S1X", "(set)"},
               {"VLLM_ARGS", "--api-key S1X --tp 8", "--api-key (set) --tp 8"},
               {"http_proxy", "http://u:S1X@p:1", "http://(set)@p:1"},
               {"HF_TOKEN", "hf_S1X", "(set)"},
               {"HF_TOKEN", "", ""},
               {"MY_PASS", "1234", "(set)"},
               {"MY_THING", "S1X", "(set)"},
               {"MY_KNOB", "64", "64"},
               {"MY_KNOB", "true", "true"},
               {"DATABASE_URL", "pg://u:S1X@h", "(set)"},
               {"MODEL", "hf_S1X", "(set)"}};
  for (const auto& [name, value, expected] : cases)
    EXPECT_EQ(recorded_value(name, value), expected) << name;
}

TEST(RecordedCommand, SecretWordsAreReplaced) {
  const struct {
    Words words, expected;
  } cases[] = {
      {{"b.sh", "--api-key", "S9X", "--tp", "8"}, {"b.sh", "--api-key", "(set)", "--tp", "8"}},
      {{"b.sh", "--api-key=S9X"}, {"b.sh", "--api-key=(set)"}},
      {{"b.sh", "--token", "$S9X"}, {"b.sh", "--token", "(set)"}},
      {{"b.sh", "--use-auth", "--v"}, {"b.sh", "--use-auth", "--v"}},
      {{"env", "HF_TOKEN=S1X", "A_B=S1X", "CONC=4", "x"},
       {"env", "HF_TOKEN=(set)", "A_B=(set)", "CONC=4", "x"}},
      {{"srun", "--export=ALL,A=S1X,CONC=4"}, {"srun", "--export=ALL,A=(set),CONC=4"}},
      {{"srun", "--export", "ALL,A=S1X"}, {"srun", "--export", "ALL,A=(set)"}},
      {{"docker", "-e", "A=S1X", "--env=B=S1X"}, {"docker", "-e", "A=(set)", "--env=B=(set)"}},
      {{"curl", "-u", "u:S1X", "-H", "Authorization: Bearer S1X"},
       {"curl", "-u", "(set)", "-H", "Authorization: (set)"}},
      {{"bash", "-c", "x --api-key S9X | y"}, {"bash", "-c", "x --api-key (set) | y"}},
      {{"bash", "-c", "A=1 B=c x --api-key $K"}, {"bash", "-c", "A=1 B=c x --api-key $K"}},
      {{"x", "--model=a/b", "--tp=8", "-u", "b.py"}, {"x", "--model=a/b", "--tp=8", "-u", "b.py"}},
  };
  for (const auto& [words, expected] : cases)
    EXPECT_EQ(recorded_command(words), expected);
}

}  // namespace
}  // namespace sweep
