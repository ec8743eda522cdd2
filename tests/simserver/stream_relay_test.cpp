// What a router's client receives of a worker's stream.
#include "benchmarks/sweep-simserver/core/stream_relay.hpp"

#include <gmock/gmock.h>

#include "benchmarks/sweep-simserver/core/reply.hpp"

namespace sweep::sim_server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(StreamRelay, PassesOnlyWholeEvents) {
  StreamRelay relay(false);
  std::string out;
  relay.add(out, "data: 1\n");
  EXPECT_EQ(out, "");
  relay.add(out, "\ndata: 2\n\ndata:");
  EXPECT_EQ(out, "data: 1\n\ndata: 2\n\n");
  relay.add(out, " 3\n\n");
  relay.finish(out);
  EXPECT_EQ(out, "data: 1\n\ndata: 2\n\ndata: 3\n\n");
}

TEST(StreamRelay, ChunksEndWithTheLastChunk) {
  StreamRelay relay(true);
  std::string out;
  relay.add(out, "data: 1\n\n");
  relay.finish(out);
  EXPECT_EQ(out, chunk("data: 1\n\n") + std::string(kLastChunk));
}

TEST(StreamRelay, ErrorEventReplacesAnIncompleteEvent) {
  for (const bool chunked : {false, true}) {
    StreamRelay relay(chunked);
    std::string out;
    relay.add(out, "data: 1\n\ndata: {\"hal");
    relay.fail(out, "the decode worker was lost");
    EXPECT_THAT(out, Not(HasSubstr("hal")));
    EXPECT_THAT(out, HasSubstr("data: {\"error\":{\"message\":\"the decode worker was lost\""));
    EXPECT_THAT(out, Not(HasSubstr("[DONE]")));
    EXPECT_THAT(out, EndsWith(chunked ? "0\r\n\r\n" : "\n\n"));
  }
}

}  // namespace
}  // namespace sweep::sim_server
