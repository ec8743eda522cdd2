// What the core has decided and the journal has not committed yet: events, results, and what may go out only
// after the commit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/core/decide.hpp"
#include "controller/io/console.hpp"
#include "controller/io/log.hpp"
#include "controller/io/outputs.hpp"
#include "controller/io/sweep_record.hpp"
#include "controller/journal/journal.hpp"

namespace sweep {

/// A result file that an agent has sent, with its processed form.
struct ReceivedResult {
  std::string raw;  // the client's JSON
  Processed processed;
};

class PendingDecisions {
 public:
  PendingDecisions(Sweep& sweep, Log& log, const Console& console)
      : sweep_(sweep), log_(log), console_(console) {}

  /// Has the core decide `command`, and applies and collects the events, with `result` if an event accepts
  /// it. Returns the decision; its replies are sent only if they are passed to send_later(). Logs a
  /// rejection.
  core::Decision decide(const core::Command& command, std::optional<ReceivedResult> result = std::nullopt);
  /// Keeps the decision's replies until the commit.
  void send_later(core::Decision decision);

  bool empty() const { return batch.empty() && outbox.empty(); }
  /// True if something waits for the commit: a message, or an event that people or agents must learn of.
  bool urgent() const;

  // For the driver, which commits and then sends.
  journal::Batch batch;
  std::vector<Processed> processed;  // of batch.results, in their order
  std::vector<core::Effect> outbox;  // messages
  std::vector<std::string> lines;    // for the console

 private:
  void record(const core::Event& event, std::optional<ReceivedResult>& result);

  Sweep& sweep_;
  Log& log_;
  const Console& console_;
};

}  // namespace sweep
