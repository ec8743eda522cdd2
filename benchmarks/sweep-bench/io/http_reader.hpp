// Parses one HTTP/1.1 response: stores its status and passes its body to an AnswerReader. Uses no sockets and
// no clocks. Boost.Beast does the parsing and is hidden from this header.
//
// The result does not depend on how the bytes are split into pieces. Interim responses (1xx) are skipped. The
// body has no size limit, the head has one of 64 KiB. Whatever the peer sends, a request ends: when feed()
// returns false or with end_of_stream().
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "benchmarks/sweep-bench/core/answer.hpp"

namespace sweep::client {

class HttpReader {
 public:
  /// `answer` and `record` must outlive this object.
  HttpReader(AnswerReader& answer, RequestRecord& record);
  ~HttpReader();
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;

  /// Parses bytes that arrived at `at`. Returns false when the request has ended; the record says whether it
  /// succeeded.
  bool feed(std::string_view bytes, Nanos at);
  /// To be called when the connection has ended. The request is then over.
  void end_of_stream(Nanos at);

  /// Returns true once any byte of the response has arrived.
  bool begun() const { return begun_; }
  /// After the end of the request: returns whether the connection can be used for another one.
  bool reusable() const;

 private:
  class Parser;

  bool response_complete(Nanos at);

  AnswerReader& answer_;
  RequestRecord& record_;
  std::unique_ptr<Parser> parser_;
  std::string carry_;  // bytes that the parser did not consume
  bool begun_ = false, whole_ = false;
};

}  // namespace sweep::client
