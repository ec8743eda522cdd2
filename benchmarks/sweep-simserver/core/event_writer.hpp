// Writes the server-sent events of one streamed response. Pure.
//
// An event is formatted once; each further token costs a copy of about 250 bytes and two small copies into
// it, of the word and the time stamp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "benchmarks/sweep-simserver/core/reply.hpp"

namespace sweep::sim_server {

class EventWriter {
 public:
  /// `chunked`: write each event as a chunk of a chunked body. `received_ns`: set with --stamps to the time
  /// at which the whole request had arrived; each event then contains it and its own time, both as
  /// CLOCK_MONOTONIC nanoseconds.
  EventWriter(AnswerHead head, bool chunked, std::optional<std::int64_t> received_ns);

  /// Appends a token of a choice; before the first token of a chat choice, also the event with the role.
  /// `stamp_ns` is used only with --stamps.
  void token(std::string& out, std::size_t choice, std::uint32_t index, bool last, std::int64_t stamp_ns);
  /// Appends the event that contains only the usage.
  void usage(std::string& out, const Usage& usage, std::int64_t stamp_ns) const;
  /// Appends "[DONE]" and the end of the body.
  void done(std::string& out) const;
  /// Appends bytes of the body without change.
  void raw(std::string& out, std::string_view bytes) const;
  /// Appends the end of the body.
  void end(std::string& out) const;

 private:
  struct Template {
    std::string bytes;
    std::size_t word_at = 0, stamp_at = 0;
    std::size_t choice = 0;
  };
  std::string opening() const;
  std::string closing() const;
  Template make_template(std::size_t choice, bool last) const;
  void put(std::string& out, const Template& event, std::uint32_t index, std::int64_t stamp_ns) const;

  AnswerHead head_;
  bool chunked_;
  std::optional<std::int64_t> received_ns_;
  Template template_;  // for tokens, except for the last one of a choice
};

}  // namespace sweep::sim_server
