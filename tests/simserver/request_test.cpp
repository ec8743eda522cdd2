// Parsing of request bodies, and the errors for invalid ones.
#include "benchmarks/sweep-simserver/core/request.hpp"

#include <gmock/gmock.h>

#include "benchmarks/sweep-simserver/core/prompt_ids.hpp"
#include "tests/unit/seeds.hpp"

namespace sweep::sim_server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Generation read(Endpoint endpoint, const std::string& body) {
  auto generation = read_generation(endpoint, body, "m");
  if (!generation) throw std::runtime_error(generation.error().message);
  return *generation;
}

Generation completion(const std::string& body) {
  return read(Endpoint::Completions, body);
}

std::string error_for(Endpoint endpoint, const std::string& body) {
  const auto generation = read_generation(endpoint, body, "m");
  return generation ? "no error"
                    : std::to_string(generation.error().status) + " " + generation.error().message;
}

TEST(Request, PromptsOfEveryFormAreCounted) {
  EXPECT_THAT(completion(R"({"prompt": [5, 0, 123456789]})").prompts, ElementsAre(3));
  EXPECT_THAT(completion(R"({"prompt": "abcdefgh"})").prompts, ElementsAre(2));
  EXPECT_THAT(completion(R"({"prompt": "abcdefghi"})").prompts, ElementsAre(3));
  EXPECT_THAT(completion(R"({"prompt": ""})").prompts, ElementsAre(1));
  EXPECT_THAT(completion(R"({"prompt": ["abcd", "abcdefgh"]})").prompts, ElementsAre(1, 2));
  EXPECT_THAT(completion(R"({"prompt": [[1, 2], [3]]})").prompts, ElementsAre(2, 1));
  EXPECT_THAT(completion(R"({"prompt": [[1, 2], "abcd"]})").prompts, ElementsAre(2, 1));
}

TEST(Request, OptionsOfRealClientsAreAccepted) {
  const auto all = completion(
      R"({"model": "m", "prompt": [1], "max_tokens": 77, "stream": true, "stream_options": {"include_usage": true},
          "temperature": 0.0, "ignore_eos": true, "logprobs": null, "n": 1, "best_of": 1, "echo": false})");
  EXPECT_EQ(all.max_tokens, 77U);
  EXPECT_TRUE(all.stream);
  EXPECT_TRUE(all.include_usage);
  const auto none = completion(R"({"prompt": [1]})");
  EXPECT_EQ(none.max_tokens, kDefaultCompletionTokens);
  EXPECT_FALSE(none.stream);
  EXPECT_FALSE(none.include_usage);
}

TEST(Request, MessagesAreCounted) {
  const auto chat = read(Endpoint::Chat, R"({"messages": [{"role": "system", "content": "abcdefgh"},
      {"role": "user", "content": [{"type": "text", "text": "abcd"}, {"type": "text", "text": "abcd"}]}]})");
  EXPECT_THAT(chat.prompts, ElementsAre(kMessageTokens + 2 + kMessageTokens + 2));
  EXPECT_EQ(chat.max_tokens, kDefaultChatTokens);
  EXPECT_EQ(
      read(Endpoint::Chat, R"({"messages": [{"role": "user", "content": "a"}], "max_completion_tokens": 9})")
          .max_tokens,
      9U);
}

TEST(Request, ErrorsNameTheInvalidField) {
  const auto message_for = [](const std::string& body) { return error_for(Endpoint::Completions, body); };
  EXPECT_THAT(message_for(""), HasSubstr("400 the body is not valid JSON"));
  EXPECT_THAT(message_for("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(message_for("[1]"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(message_for("{}"), HasSubstr("'prompt' is missing"));
  EXPECT_THAT(message_for(R"({"prompt": null})"), HasSubstr("'prompt' is missing"));
  EXPECT_THAT(message_for(R"({"prompt": []})"), HasSubstr("empty list"));
  EXPECT_THAT(message_for(R"({"prompt": [[]]})"), HasSubstr("'prompt' must be"));
  EXPECT_THAT(message_for(R"({"prompt": [1, -2]})"), HasSubstr("'prompt' must be"));
  EXPECT_THAT(message_for(R"({"prompt": [1, 2.5]})"), HasSubstr("'prompt' must be"));
  EXPECT_THAT(message_for(R"({"prompt": {"ids": 3}})"), HasSubstr("'prompt' must be"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "max_tokens": 0})"), HasSubstr("'max_tokens' must be from 1"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "max_tokens": 18446744073709551615})"),
              HasSubstr("'max_tokens' must be from 1"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "max_tokens": "9"})"),
              HasSubstr("'max_tokens' must be an integer"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "stream": 1})"), HasSubstr("'stream' must be true or false"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "stream_options": {}})"), HasSubstr("requires"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "stream": true, "stream_options": 3})"),
              HasSubstr("'stream_options' must be"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "n": 2})"), HasSubstr("'n' must be 1"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "echo": true})"), HasSubstr("'echo'"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "model": "other"})"),
              HasSubstr("404 the model 'other' does not exist"));
  EXPECT_THAT(message_for(R"({"prompt": [1], "model": 3})"), HasSubstr("'model' must be a string"));
  EXPECT_THAT(message_for(std::string(100000, '[')), HasSubstr("nested too deeply"));
}

TEST(Request, ErrorsNameInvalidMessages) {
  const auto message_for = [](const std::string& body) { return error_for(Endpoint::Chat, body); };
  EXPECT_THAT(message_for("{}"), HasSubstr("'messages' must be a list"));
  EXPECT_THAT(message_for(R"({"messages": []})"), HasSubstr("at least one"));
  EXPECT_THAT(message_for(R"({"messages": ["hi"]})"), HasSubstr("with a 'role'"));
  EXPECT_THAT(message_for(R"({"messages": [{"role": "user", "content": 3}]})"),
              HasSubstr("'content' must be"));
  EXPECT_THAT(message_for(R"({"messages": [{"role": "user", "content": [3]}]})"),
              HasSubstr("must have a 'text'"));
  EXPECT_THAT(message_for(R"({"prompt": [1, 2]})"), HasSubstr("'messages' must be"));
}

TEST(ExtractPromptIds, OnlyATopLevelListOfIdsIsExtracted) {
  const auto extracted = extract_prompt_ids(R"({"a": "prompt", "prompt" : [1, 22,333 ] , "b": 1})");
  ASSERT_TRUE(extracted);
  EXPECT_EQ(extracted->tokens, 3U);
  EXPECT_EQ(extracted->rest, R"({"a": "prompt", "prompt" : null , "b": 1})");
  for (const char* body :
       {R"({"prompt": []})", R"({"prompt": [1,]})", R"({"prompt": [01]})", R"({"prompt": [-1]})",
        R"({"prompt": [1.5]})", R"({"prompt": [1 2]})", R"({"prompt": [1)", R"({"prompt": "x"})",
        R"({"a": {"prompt": [1]}})", R"({"a": "\"prompt\": [1]"})", R"({"prompt": [1234567890]})", "", "\"",
        R"({"prompt\)"})
    EXPECT_FALSE(extract_prompt_ids(body)) << body;
}

TEST(ExtractPromptIds, LastOfTwoPromptsCounts) {
  EXPECT_THAT(completion(R"({"prompt": [1, 2, 3], "prompt": "abcd"})").prompts, ElementsAre(1));
  EXPECT_THAT(completion(R"({"prompt": "abcd", "prompt": [1, 2, 3]})").prompts, ElementsAre(3));
}

TEST(RequestProperty, ArbitraryBodiesAreParsedOrRejected) {
  static const std::vector<std::string> kPieces = {"{",          "}",
                                                   "[",          "]",
                                                   ":",          ",",
                                                   "\"prompt\"", "\"messages\"",
                                                   "\"stream\"", "\"max_tokens\"",
                                                   "1",          "-1",
                                                   "1e9",        "null",
                                                   "true",       "\"",
                                                   "\\",         "\"a\"",
                                                   " ",          "99999999999999999999",
                                                   "\xff",       "\"role\""};
  for_each_seed(2000, [](SeededDice& dice) {
    std::string body;
    for (int i = dice.between(0, 30); i > 0; --i)
      body += dice.one_of(kPieces);
    for (const Endpoint endpoint : {Endpoint::Completions, Endpoint::Chat}) {
      const auto generation = read_generation(endpoint, body, "m");
      if (!generation) {
        EXPECT_FALSE(generation.error().message.empty());
      } else {
        EXPECT_FALSE(generation->prompts.empty());
      }
    }
  });
}

}  // namespace
}  // namespace sweep::sim_server
