#include "benchmarks/sweep-bench/io/http_reader.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

#include "util/text.hpp"

namespace sweep::client {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

class HttpReader::Parser : public http::basic_parser<false> {
 public:
  explicit Parser(HttpReader& reader) : reader_(reader) {
    // Some versions of Beast treat "no limit" as less than any limit.
    body_limit(std::numeric_limits<std::uint64_t>::max());
    eager(true);
  }

  void now(Nanos at) { at_ = at; }
  int status() const { return status_; }
  const std::string& text() const { return text_; }

 private:
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view, int, error_code&) override { status_ = code; }
  void on_field_impl(http::field, string_view, string_view, error_code&) override {}
  void on_header_impl(error_code&) override { reader_.record_.status = status_; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code& code) override { return take(body, code); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& code) override {
    return take(body, code);
  }
  void on_finish_impl(error_code&) override {}

  std::size_t take(string_view body, error_code& code) {
    constexpr std::size_t kMaxErrorText = 400;
    const std::string_view bytes(body.data(), body.size());
    if (status_ != kOk) {
      text_.append(bytes.substr(0, kMaxErrorText - std::min(kMaxErrorText, text_.size())));
    } else if (!reader_.answer_.body(bytes, at_)) {
      code = http::error::bad_value;  // the record holds the failure
    }
    return body.size();
  }

  static constexpr int kOk = 200;
  HttpReader& reader_;
  Nanos at_ = 0;
  int status_ = 0;
  std::string text_;  // the body of a response with an error status
};

HttpReader::HttpReader(AnswerReader& answer, RequestRecord& record)
    : answer_(answer), record_(record), parser_(std::make_unique<Parser>(*this)) {}

HttpReader::~HttpReader() = default;

bool HttpReader::feed(std::string_view bytes, Nanos at) {
  begun_ = true;
  parser_->now(at);
  if (!carry_.empty()) {
    carry_.append(bytes);
    bytes = carry_;
  }
  std::size_t used = 0;
  error_code code;
  while (used < bytes.size() && !parser_->is_done()) {
    used += parser_->put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), code);
    if (code) break;
  }
  if (record_.failure) return false;
  if (code && code != http::error::need_more) {
    set_failure(record_, Failure::Garbage, "not an HTTP response: " + code.message());
    return false;
  }
  if (parser_->is_done()) return response_complete(at);
  carry_ = std::string(bytes.substr(used));
  return true;
}

/// The response is complete according to HTTP.
bool HttpReader::response_complete(Nanos at) {
  whole_ = true;
  if (parser_->status() == 200) {
    answer_.end(true, at);
  } else {
    set_failure(record_, Failure::HttpStatus,
                "HTTP status " + std::to_string(parser_->status()) + ": " + printable(parser_->text()));
  }
  return false;
}

void HttpReader::end_of_stream(Nanos at) {
  if (record_.failure || whole_) return;
  parser_->now(at);
  if (!begun_)
    return set_failure(record_, Failure::Cut, "the connection was closed before the response began");
  error_code code;
  if (parser_->is_header_done()) parser_->put_eof(code);
  if (!code && parser_->is_done()) {
    response_complete(at);
    return;
  }
  if (parser_->is_header_done() && parser_->status() == 200) return answer_.end(false, at);
  set_failure(record_, Failure::Cut, "the connection was closed in the middle of the response");
}

bool HttpReader::reusable() const {
  return whole_ && parser_->keep_alive() && carry_.empty();
}

}  // namespace sweep::client
