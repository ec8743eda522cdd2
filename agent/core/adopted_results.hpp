// The results that earlier agents of the sweep left in the spool: sent until the controller settles them.
#pragma once

#include <list>
#include <optional>
#include <string>

#include "agent/core/actions.hpp"

namespace sweep::agent {

class AdoptedResults {
 public:
  /// `resend`: the time after which an unsettled result is sent again.
  explicit AdoptedResults(Millis resend) : resend_(resend) {}

  /// Returns true if every result has been settled and the spool has no more.
  bool done() const { return results_.empty() && !more_; }

  /// Sends a result that the driver has read.
  void add(const Adopted& input, Instant now, Actions& out);
  /// Sends all again: the controller has answered on a new connection.
  void on_reconnected(Instant now, Actions& out);
  /// The controller has the result: removes it from the spool. Does nothing if `ref` is not one of these.
  void on_settled(const AttemptRef& ref, Actions& out);
  /// The controller asks for a piece of a file, or for Finished again.
  void on_fetch(const wire::Fetch& fetch, Instant now, Actions& out);

  void on_deadline(Instant now, Actions& out);
  std::optional<Instant> next_deadline() const;

 private:
  struct Result {
    wire::Finished finished;
    std::string bytes;
    Instant resend_at{};
  };
  std::list<Result>::iterator find(const AttemptRef& ref);
  void send(Result& result, Instant now, Actions& out) const;

  Millis resend_;
  std::list<Result> results_;
  bool more_ = false;  // the driver has further results; it reads the next one when this one is settled
};

}  // namespace sweep::agent
