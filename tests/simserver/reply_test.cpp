// Heads, bodies and routes; and that every response is marked as simulated.
#include "benchmarks/sweep-simserver/core/reply.hpp"

#include <gmock/gmock.h>

#include "benchmarks/sweep-simserver/core/event_writer.hpp"
#include "benchmarks/sweep-simserver/core/words.hpp"
#include "util/json.hpp"

namespace sweep::sim_server {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

const Served kServed{
    .model = "my \"model\"", .created = 5, .max_model_len = 4096, .description = "dsr1", .ready = true};

Answer answer_to(std::string_view method, std::string_view target, const Served& served = kServed) {
  const auto way = route(method, target, served);
  return std::holds_alternative<Answer>(way) ? std::get<Answer>(way)
                                             : Answer{.status = 0, .body = "", .allow = ""};
}

TEST(Route, PathsAndMethodsAreRouted) {
  EXPECT_EQ(answer_to("GET", "/health").status, 200);
  EXPECT_EQ(answer_to("GET", "/health?x=1").status, 200);
  EXPECT_EQ(answer_to("POST", "/reset_prefix_cache").status, 200);
  EXPECT_EQ(answer_to("GET", "/flush_cache").status, 200);
  EXPECT_EQ(std::get<Endpoint>(route("POST", "/v1/completions", kServed)), Endpoint::Completions);
  EXPECT_EQ(std::get<Endpoint>(route("POST", "/v1/chat/completions", kServed)), Endpoint::Chat);
  EXPECT_EQ(answer_to("GET", "/").status, 404);
  EXPECT_EQ(answer_to("GET", "/v1/completion").status, 404);
  const Answer get = answer_to("GET", "/v1/completions");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(get.allow, "POST");
  EXPECT_EQ(answer_to("DELETE", "/v1/models").allow, "GET");
}

TEST(Route, ModelListHasTheServedModel) {
  const Json models = Json::parse(answer_to("GET", "/v1/models").body);
  EXPECT_EQ(models["data"][0]["id"], kServed.model);
  EXPECT_EQ(models["data"][0]["max_model_len"], 4096);
}

TEST(Route, RequestsGet503WhileLoading) {
  Served loading = kServed;
  loading.ready = false;
  for (const auto& [method, path] : {std::pair{"GET", "/health"},
                                     {"GET", "/v1/models"},
                                     {"POST", "/v1/completions"},
                                     {"POST", "/flush_cache"}})
    EXPECT_EQ(answer_to(method, path, loading).status, 503) << path;
  EXPECT_EQ(answer_to("GET", "/nothing", loading).status, 404);
}

TEST(Reply, EveryBodyAndEventIsMarkedAsSimulated) {
  Served loading = kServed;
  loading.ready = false;
  std::vector<std::string> bodies = {
      answer_to("GET", "/health").body,    answer_to("GET", "/health", loading).body,
      answer_to("GET", "/v1/models").body, answer_to("GET", "/flush_cache").body,
      answer_to("GET", "/").body,          answer_to("GET", "/v1/completions").body,
      whole_answer({}, 2, 3, {1, 6})};
  for (const Endpoint endpoint : {Endpoint::Completions, Endpoint::Chat}) {
    EventWriter events({.endpoint = endpoint, .model = kServed.model}, false, std::nullopt);
    std::string out;
    events.token(out, 0, 0, false, 0);
    events.token(out, 0, 1, true, 0);
    events.usage(out, {3, 2}, 0);
    std::size_t begin = 0;
    for (std::size_t end = out.find("\n\n"); end != std::string::npos;
         begin = end + 2, end = out.find("\n\n", begin)) {
      ASSERT_EQ(out.substr(begin, 6), "data: ");
      bodies.push_back(out.substr(begin + 6, end - begin - 6));
    }
  }
  EXPECT_EQ(bodies.size(), 7U + 3 + 4);
  for (const std::string& body : bodies)
    EXPECT_EQ(Json::parse(body).at("simulated"), true) << body;
  EXPECT_THAT(Json::parse(bodies[5]).at("error").at("message"), HasSubstr("use POST"));
  EXPECT_THAT(response({}, false), HasSubstr("\r\nX-Simulated: true\r\n"));
  EXPECT_THAT(stream_head("a", true, false), HasSubstr("\r\nX-Simulated: true\r\n"));
}

TEST(Reply, WholeAnswerHasChoicesAndUsage) {
  const Json completion = Json::parse(whole_answer({.number = 7, .created = 9, .model = "m"}, 2, 3, {10, 6}));
  EXPECT_EQ(completion["object"], "text_completion");
  EXPECT_EQ(completion["choices"].size(), 2U);
  EXPECT_EQ(completion["choices"][1]["index"], 1);
  EXPECT_EQ(completion["choices"][1]["text"].get<std::string>().size(), 3 * kWordBytes);
  EXPECT_EQ(completion["choices"][1]["finish_reason"], "length");
  EXPECT_EQ(completion["usage"],
            Json::parse(R"({"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16})"));
  const Json chat = Json::parse(whole_answer({.endpoint = Endpoint::Chat, .model = "m"}, 1, 3, {10, 3}));
  EXPECT_EQ(chat["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(chat["object"], "chat.completion");
}

TEST(Reply, ChunkBeginsWithItsLength) {
  EXPECT_EQ(chunk("hello"), "5\r\nhello\r\n");
  EXPECT_EQ(chunk(std::string(255, 'x')), "ff\r\n" + std::string(255, 'x') + "\r\n");
}

TEST(EventWriter, TextEqualsThatOfTheWholeAnswer) {
  const AnswerHead head{.number = 3, .text_seed = 12345678901234567, .model = "m"};
  EventWriter events(head, false, std::nullopt);
  std::string out, text;
  for (std::uint32_t i = 0; i < 100; ++i)
    events.token(out, 1, i, i == 99, 0);
  for (std::size_t begin = out.find("data: "); begin != std::string::npos;
       begin = out.find("data: ", begin)) {
    begin += 6;
    const Json event = Json::parse(out.substr(begin, out.find('\n', begin) - begin));
    text += event["choices"][0]["text"];
    EXPECT_EQ(event["choices"][0]["index"], 1);
    EXPECT_EQ(event["choices"][0]["finish_reason"].is_null(), text.size() < 100 * kWordBytes);
  }
  EXPECT_EQ(text, Json::parse(whole_answer(head, 2, 100, {}))["choices"][1]["text"]);
}

TEST(EventWriter, EventsContainTheirTimeStamps) {
  EventWriter events({.model = "m"}, false, 17);
  std::string out;
  events.token(out, 0, 0, false, 9223372036854775807);
  events.token(out, 0, 1, true, 5);
  const Json first = Json::parse(out.substr(6, out.find('\n') - 6));
  EXPECT_EQ(first["stamp_ns"], 9223372036854775807);
  EXPECT_EQ(first["received_ns"], 17);
  const std::size_t second = out.rfind("data: ") + 6;
  EXPECT_EQ(Json::parse(out.substr(second))["stamp_ns"], 5);
  std::string without;
  EventWriter({.model = "m"}, false, std::nullopt).token(without, 0, 0, false, 9);
  EXPECT_EQ(without.find("stamp_ns"), std::string::npos);
}

TEST(Words, AllWordsHaveTheSameLengthAndAreUsed) {
  EXPECT_EQ(word(99, 0, 0).size(), kWordBytes);
  EXPECT_EQ(word(99, 0, 7), word(99, 0, 7));
  std::set<std::string_view> seen;
  for (std::uint32_t i = 0; i < 64; ++i)
    seen.insert(word(1ULL << 40, 0, i));
  EXPECT_EQ(seen.size(), 64U);
}

}  // namespace
}  // namespace sweep::sim_server
