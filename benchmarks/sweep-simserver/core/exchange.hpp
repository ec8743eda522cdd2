// One generation from its first token to the end of its response: which bytes go out for each token, and what
// a fault makes of them. Pure: bytes are appended to a buffer, whoever sends it.
#pragma once

#include <string>

#include "benchmarks/sweep-simserver/core/faults.hpp"
#include "benchmarks/sweep-simserver/core/reply.hpp"

namespace sweep::sim_server {

class Exchange {
 public:
  struct Plan {
    Generation generation;
    AnswerHead head;
    bool chunked = true;  ///< the client knows chunks (HTTP/1.1)
    bool close = false;   ///< the connection ends behind the answer
    Fault fault = Fault::None;
    std::optional<std::int64_t> received_ns;  ///< with --stamps
  };

  /// Going: tokens are expected. Done: the response is whole, and the next request may come. The rest is a
  /// fault's: no more tokens are wanted, and the connection stays silent, is closed behind what there is, or
  /// gets endless() for ever.
  enum class State { Going, Done, Stalled, Cut, Endless };

  explicit Exchange(Plan plan);

  State state() const { return state_; }
  const Generation& generation() const { return plan_.generation; }
  bool close() const { return plan_.close; }

  /// What goes out before any token: the whole answer where the fault is Error or Empty, else nothing.
  void begin(std::string& out);
  /// Token `index` of `choice` is there. Ignored unless Going.
  void token(std::string& out, std::size_t choice, std::uint32_t index, bool last, std::int64_t stamp_ns);
  /// All that is left, or what of it makes `out` at least `enough` bytes long: for answers without latency.
  void burst(std::string& out, std::size_t enough, std::int64_t stamp_ns);
  /// More of the line without an end.
  void endless(std::string& out) const;

  Usage usage() const;

 private:
  void open(std::string& out);
  void finish(std::string& out, std::int64_t stamp_ns);
  void fail_now(std::string& out);
  void fail_stream(std::string& out);
  void fail_whole(std::string& out);
  std::string body() const;

  Plan plan_;
  Events events_;
  State state_ = State::Going;
  bool open_ = false;
  std::uint32_t fault_at_ = 0;  // index of the token of choice 0 in whose place it happens
  std::size_t ended_ = 0;       // choices
  std::size_t burst_choice_ = 0;
  std::uint32_t burst_index_ = 0;
};

}  // namespace sweep::sim_server
