// The bytes of a whole response, and how each fault changes them.
#include "benchmarks/sweep-simserver/core/exchange.hpp"

#include <gmock/gmock.h>

namespace sweep::sim_server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using State = Exchange::State;

Exchange::Plan make_plan(Fault fault, bool stream, std::uint32_t tokens = 10) {
  Exchange::Plan plan;
  plan.generation = {.prompts = {5}, .max_tokens = tokens, .stream = stream, .include_usage = stream};
  plan.head.model = "m";
  plan.fault = fault;
  return plan;
}

struct RunResult {
  State state;
  std::string out;
  std::size_t events;
};

RunResult run(const Exchange::Plan& plan) {
  Exchange exchange(plan);
  std::string out;
  exchange.begin(out);
  const std::uint32_t tokens = plan.generation.max_tokens;
  for (std::uint32_t i = 0; i < tokens; ++i)
    exchange.token(out, 0, i, i + 1 == tokens, 0);
  std::size_t events = 0;
  for (std::size_t at = out.find("data: "); at != std::string::npos; at = out.find("data: ", at + 1))
    ++events;
  return {exchange.state(), out, events};
}

TEST(Exchange, StreamHasEveryTokenUsageAndEnd) {
  const RunResult result = run(make_plan(Fault::None, true));
  EXPECT_EQ(result.state, State::Done);
  EXPECT_EQ(result.events, 12U);
  EXPECT_THAT(result.out,
              HasSubstr(R"("usage":{"prompt_tokens":5,"completion_tokens":10,"total_tokens":15})"));
  EXPECT_THAT(result.out, EndsWith("data: [DONE]\n\n\r\n0\r\n\r\n"));
}

TEST(Exchange, EndsAfterAllChoices) {
  Exchange::Plan plan = make_plan(Fault::None, true, 2);
  plan.generation.prompts = {1, 1};
  Exchange exchange(plan);
  std::string out;
  exchange.token(out, 0, 0, false, 0);
  exchange.token(out, 1, 0, false, 0);
  exchange.token(out, 0, 1, true, 0);
  EXPECT_EQ(exchange.state(), State::Going);
  exchange.token(out, 1, 1, true, 0);
  EXPECT_EQ(exchange.state(), State::Done);
  EXPECT_EQ(exchange.usage().completion_tokens, 4U);
}

TEST(Exchange, ResponseWithoutStreamingIsOneDocument) {
  const RunResult result = run(make_plan(Fault::None, false));
  EXPECT_EQ(result.state, State::Done);
  EXPECT_THAT(result.out, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(result.out, HasSubstr(R"("completion_tokens":10)"));
  EXPECT_THAT(result.out, Not(HasSubstr("chunked")));
}

TEST(Exchange, BurstGivesTheSameBytesInPieces) {
  const std::string whole = run(make_plan(Fault::None, true, 1000)).out;
  Exchange exchange(make_plan(Fault::None, true, 1000));
  std::string all;
  int pieces = 0;
  for (; exchange.state() == State::Going; ++pieces) {
    std::string piece;
    exchange.burst(piece, 4096, 0);
    EXPECT_LT(piece.size(), 4096U + 1024);
    all += piece;
  }
  EXPECT_EQ(all, whole);
  EXPECT_GT(pieces, 20);
}

TEST(Exchange, Http10ClientsGetNoChunkedEncoding) {
  Exchange::Plan plan = make_plan(Fault::None, true);
  plan.chunked = false;
  const RunResult result = run(plan);
  EXPECT_THAT(result.out, Not(HasSubstr("chunked")));
  EXPECT_THAT(result.out, HasSubstr("Connection: close"));
  EXPECT_THAT(result.out, EndsWith("data: [DONE]\n\n"));
}

TEST(ExchangeFault, StreamsAreDamagedAsDocumented) {
  EXPECT_THAT(run(make_plan(Fault::Error, true)).out, StartsWith("HTTP/1.1 500 "));
  const RunResult empty = run(make_plan(Fault::Empty, true));
  EXPECT_EQ(empty.events, 0U);
  EXPECT_THAT(empty.out, EndsWith("\r\n\r\n0\r\n\r\n"));
  const RunResult stall = run(make_plan(Fault::Stall, true));
  EXPECT_EQ(stall.state, State::Stalled);
  EXPECT_EQ(stall.events, 5U);
  const RunResult cut = run(make_plan(Fault::Cut, true));
  EXPECT_EQ(cut.state, State::Cut);
  EXPECT_EQ(cut.events, 5U);
  EXPECT_THAT(cut.out, Not(EndsWith("0\r\n\r\n")));
  const RunResult garbage = run(make_plan(Fault::Garbage, true));
  EXPECT_EQ(garbage.state, State::Done);
  EXPECT_THAT(garbage.out, HasSubstr("\xc3\x28"));
  EXPECT_THAT(garbage.out, Not(HasSubstr("[DONE]")));
  EXPECT_THAT(garbage.out, EndsWith("\r\n0\r\n\r\n"));
  const RunResult half = run(make_plan(Fault::HalfJson, true));
  EXPECT_EQ(half.events, 6U);
  EXPECT_THAT(half.out, HasSubstr("\"te\n\n\r\n0\r\n\r\n"));
}

TEST(ExchangeFault, EndlessLineHasNoEnd) {
  Exchange exchange(make_plan(Fault::EndlessLine, true));
  std::string out;
  exchange.burst(out, 1 << 20, 0);
  EXPECT_EQ(exchange.state(), State::Endless);
  const std::size_t line = out.rfind("data: ");
  for (int i = 0; i < 10; ++i)
    exchange.endless(out);
  EXPECT_EQ(out.find("\n\n", line), std::string::npos);
  EXPECT_GT(out.size() - line, 100000U);
}

TEST(ExchangeFault, WholeResponsesAreDamagedAsDocumented) {
  EXPECT_THAT(run(make_plan(Fault::Error, false)).out, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(run(make_plan(Fault::Empty, false)).out, EndsWith("Content-Length: 0\r\n\r\n"));
  EXPECT_EQ(run(make_plan(Fault::Stall, false)).out, "");
  const RunResult cut = run(make_plan(Fault::Cut, false));
  EXPECT_EQ(cut.state, State::Cut);
  EXPECT_THAT(cut.out, Not(EndsWith("}")));
  EXPECT_THAT(run(make_plan(Fault::HalfJson, false)).out, Not(EndsWith("}")));
  EXPECT_EQ(run(make_plan(Fault::EndlessLine, false)).state, State::Endless);
  EXPECT_THAT(run(make_plan(Fault::Garbage, false)).out, HasSubstr("garbage"));
}

TEST(ExchangeFault, FaultsAffectTheShortestResponseToo) {
  EXPECT_EQ(run(make_plan(Fault::Cut, true, 1)).events, 0U);
  EXPECT_EQ(run(make_plan(Fault::Cut, true, 1)).state, State::Cut);
}

}  // namespace
}  // namespace sweep::sim_server
