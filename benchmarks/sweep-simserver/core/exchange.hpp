// Produces the bytes of the response to one generation request, token by token, including the effect of an
// injected fault. Pure: bytes are appended to a buffer that the caller sends.
#pragma once

#include <optional>
#include <string>

#include "benchmarks/sweep-simserver/core/event_writer.hpp"
#include "benchmarks/sweep-simserver/core/faults.hpp"

namespace sweep::sim_server {

class Exchange {
 public:
  struct Plan {
    Generation generation;
    AnswerHead head;
    bool chunked = true;  ///< the client supports chunked encoding (HTTP/1.1)
    bool close = false;   ///< close the connection after the response
    Fault fault = Fault::None;
    std::optional<std::int64_t> received_ns;  ///< only with --stamps
  };

  /// Going: more tokens are expected. Done: the response is complete and the next request may follow. The
  /// others are caused by a fault and accept no more tokens. Stalled: the connection stays open and silent.
  /// Cut: the connection is to be closed after the bytes so far. Endless: send endless() repeatedly.
  enum class State { Going, Done, Stalled, Cut, Endless };

  explicit Exchange(Plan plan);

  State state() const { return state_; }
  const Generation& generation() const { return plan_.generation; }
  bool close() const { return plan_.close; }

  /// Appends what is sent before any token: the whole response for the faults Error and Empty, otherwise
  /// nothing.
  void begin(std::string& out);
  /// Appends token `index` of `choice`. Ignored unless the state is Going.
  void token(std::string& out, std::size_t choice, std::uint32_t index, bool last, std::int64_t stamp_ns);
  /// Appends remaining tokens until `out` has at least `min_bytes` bytes or the response is complete: for
  /// responses without latency.
  void burst(std::string& out, std::size_t min_bytes, std::int64_t stamp_ns);
  /// Appends another part of the endless line.
  void endless(std::string& out) const;

  Usage usage() const;

 private:
  void begin_response(std::string& out);
  void finish(std::string& out, std::int64_t stamp_ns);
  void fail_now(std::string& out);
  void fail_stream(std::string& out);
  void fail_whole(std::string& out);
  std::string body() const;

  Plan plan_;
  EventWriter events_;
  State state_ = State::Going;
  bool begun_ = false;
  std::uint32_t fault_at_ = 0;  // the fault replaces the token of choice 0 with this index
  std::size_t ended_ = 0;       // number of finished choices
  std::size_t burst_choice_ = 0;
  std::uint32_t burst_index_ = 0;
};

}  // namespace sweep::sim_server
