#include "benchmarks/sweep-bench/io/http_reader.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

namespace sweep::client {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

class HttpReader::Parser : public http::basic_parser<false> {
 public:
  explicit Parser(HttpReader& reader) : reader_(reader) {
    // Some versions of Beast treat "no limit" as less than any limit.
    body_limit(std::numeric_limits<std::uint64_t>::max());
    header_limit(kMaxHead);
    eager(true);
  }

  void now(Nanos at) { at_ = at; }
  int status() const { return status_; }
  /// Returns true for a response that another one follows: 100 Continue, 103 Early Hints.
  bool interim() const { return status_ / 100 == 1 && status_ != kSwitchingProtocols; }

  /// Returns what a response with an error status says.
  std::string error() const {
    const std::string out = "HTTP status " + std::to_string(status_);
    if (status_ / 100 == 3 && !location_.empty())
      return out + ": redirected to " + location_ +
             ", which is not followed; give that address with --base-url and --endpoint";
    const std::string& words = text_.empty() ? reason_ : text_;
    return words.empty() ? out : out + ": " + words;
  }

 private:
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view reason, int, error_code&) override {
    status_ = code;
    reason_.assign(reason.data(), reason.size());
  }
  void on_field_impl(http::field field, string_view, string_view value, error_code&) override {
    std::string* const kept = field == http::field::content_type       ? &content_type_
                              : field == http::field::content_encoding ? &content_encoding_
                              : field == http::field::location         ? &location_
                                                                       : nullptr;
    if (kept != nullptr) kept->assign(value.data(), value.size());
  }
  void on_header_impl(error_code& code) override {
    if (interim()) return;
    reader_.record_.status = status_;
    if (status_ == kOk && !reader_.answer_.head(content_type_, content_encoding_))
      code = http::error::bad_value;  // the record holds the failure
  }
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

  static constexpr int kOk = 200, kSwitchingProtocols = 101;
  static constexpr std::uint32_t kMaxHead = 64 << 10;
  HttpReader& reader_;
  Nanos at_ = 0;
  int status_ = 0;
  std::string reason_, content_type_, content_encoding_, location_;
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
    if (parser_->is_done() && parser_->interim()) {
      parser_ = std::make_unique<Parser>(*this);
      parser_->now(at);
    }
  }
  if (record_.failure) return false;
  if (code && code != http::error::need_more) {
    set_failure(record_, Failure::Garbage, "not an HTTP response: " + code.message());
    return false;
  }
  carry_ = std::string(bytes.substr(used));
  if (parser_->is_done()) return response_complete(at);
  return true;
}

/// The response is complete according to HTTP.
bool HttpReader::response_complete(Nanos at) {
  whole_ = true;
  if (parser_->status() == 200) {
    answer_.end(true, at);
  } else {
    set_failure(record_, Failure::HttpStatus, parser_->error());
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
  if (parser_->is_header_done()) return set_failure(record_, Failure::HttpStatus, parser_->error());
  set_failure(record_, Failure::Cut, "the connection was closed in the middle of the response");
}

bool HttpReader::reusable() const {
  return whole_ && parser_->keep_alive() && carry_.empty();
}

}  // namespace sweep::client
