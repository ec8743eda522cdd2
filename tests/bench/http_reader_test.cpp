// io/http_reader: a response is read in the same way however its bytes are split into pieces.
#include "benchmarks/sweep-bench/io/http_reader.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace sweep::client {
namespace {

std::string chunk(const std::string& text) {
  char size[16];
  std::snprintf(size, sizeof size, "%zx", text.size());
  return std::string(size) + "\r\n" + text + "\r\n";
}

const std::string kToken = "data: {\"choices\":[{\"index\":0,\"text\":\"x\"}]}\n\n";
const std::string kEnd = "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n";

std::string chunked() {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
         chunk(kToken) + chunk(kToken) + chunk(kEnd) + chunk("data: [DONE]\n\n") + "0\r\n\r\n";
}

struct Read {
  RequestRecord record;
  bool ended = false, reusable = false;
};

// Passes `bytes` to a reader in pieces of this size.
Read read_in_pieces(const std::string& bytes, std::size_t piece) {
  Read out;
  AnswerReader answer(out.record, 2, false);
  HttpReader reader(answer, out.record);
  for (std::size_t at = 0; at < bytes.size() && !out.ended; at += piece)
    out.ended = !reader.feed(std::string_view(bytes).substr(at, piece), 1);
  out.reusable = reader.reusable();
  return out;
}

TEST(HttpReader, ConnectionIsReusableHoweverTheResponseIsSplit) {
  const std::string bytes = chunked();
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const Read got = read_in_pieces(bytes, piece);
    EXPECT_TRUE(got.ended) << "pieces of " << piece;
    EXPECT_FALSE(got.record.failure) << "pieces of " << piece << ": " << got.record.error;
    EXPECT_TRUE(got.reusable) << "pieces of " << piece;
  }
}

// llama-server and servers on uvicorn send each event, and the end of the body, with a separate write.
TEST(HttpReader, ConnectionIsReusableIfEachChunkArrivesAlone) {
  RequestRecord record;
  AnswerReader answer(record, 2, false);
  HttpReader reader(answer, record);
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& piece :
       {head, chunk(kToken), chunk(kToken), chunk(kEnd), chunk("data: [DONE]\n\n")})
    EXPECT_TRUE(reader.feed(piece, 1));
  EXPECT_FALSE(reader.reusable());
  EXPECT_FALSE(reader.feed("0\r\n\r\n", 2));
  EXPECT_TRUE(reader.reusable());
}

TEST(HttpReader, ConnectionWithBytesAfterTheResponseIsNotReusable) {
  const std::string bytes = chunked() + "HTTP/1.1 200 OK\r\n";
  for (const std::size_t piece : {std::size_t{7}, bytes.size()}) {
    const Read got = read_in_pieces(bytes, piece);
    EXPECT_TRUE(got.ended);
    EXPECT_FALSE(got.reusable) << "pieces of " << piece;
  }
}

}  // namespace
}  // namespace sweep::client
