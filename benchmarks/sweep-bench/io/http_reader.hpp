// One HTTP/1.1 answer, bytes in: its status, and its body to an AnswerReader. No sockets, no clocks;
// Boost.Beast parses, and nothing of it shows here.
//
// Rules: how the bytes are cut makes no difference; a body has no limit, a head has Beast's (8 KiB); whatever
// a peer sends leads to one of the three ends below.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "benchmarks/sweep-bench/core/answer.hpp"

namespace sweep::client {

class HttpReader {
 public:
  /// `answer` and `record` outlive it.
  HttpReader(AnswerReader& answer, RequestRecord& record);
  ~HttpReader();
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;

  /// Bytes that arrived at `at`. False: the request is over, well or not; the record says which.
  bool feed(std::string_view bytes, Nanos at);
  /// The connection has ended. The request is over.
  void end_of_stream(Nanos at);

  /// Whether anything has come.
  bool begun() const { return begun_; }
  /// Once over: whether the connection can take another request.
  bool reusable() const;

 private:
  class Parser;

  bool over(Nanos at);

  AnswerReader& answer_;
  RequestRecord& record_;
  std::unique_ptr<Parser> parser_;
  std::string carry_;  // what the parser left over
  bool begun_ = false, whole_ = false;
};

}  // namespace sweep::client
