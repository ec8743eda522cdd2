// The agent as a pure state machine: its connection, its leases, and when it ends.
//
//   attempt.hpp          what one attempt does
//   lease_intake.hpp     which GPUs, command and directory a lease gets
//   attempt_starter.hpp  when a leased attempt can start
//   server_pool.hpp      which attempt has which server (server.hpp)
//   ready_facts.hpp      what Ready reports about the job and the node
//   adopted_results.hpp  results that earlier agents left in the spool
//
// Rules: no sockets, files, clocks or processes; `now` is a parameter. on() accepts everything: whatever the
// controller sends, and in whatever order the driver's inputs come. Before the controller has answered Hello on
// a connection, only Hello and Goodbye are sent on it; what must not be lost is sent again after that answer.
#pragma once

#include <list>
#include <optional>
#include <string>

#include "agent/core/actions.hpp"
#include "agent/core/adopted_results.hpp"
#include "agent/core/attempt.hpp"
#include "agent/core/attempt_starter.hpp"
#include "agent/core/lease_intake.hpp"
#include "agent/core/output_flow.hpp"
#include "agent/core/ready_facts.hpp"
#include "agent/core/server_pool.hpp"
#include "agent/core/setup.hpp"
#include "agent/core/survivors.hpp"

namespace sweep::agent {

class Agent {
 public:
  Agent(Setup setup, Instant start);
  Agent(const Agent&) = delete;  // its members refer to setup_
  Agent& operator=(const Agent&) = delete;

  Actions on(const Input& input, Instant now);
  /// Returns when on(Tick) is due if no other input comes before; std::nullopt: never.
  std::optional<Instant> next_deadline() const;

 private:
  /// Why and how the agent ends before the sweep does.
  struct Leaving {
    int status = 0;
    std::string reason;
    bool killing = false;                 // the next signal to the agent kills its processes
    bool awaits_settled = false;          // it ends when the controller has settled its attempts,
    std::optional<Instant> settle_until;  // or then; set when all attempts have finished
  };

  void handle(const Connected&, Instant now, Actions& out);
  void handle(const Disconnected&, Instant now, Actions& out);
  void handle(const Refused&, Instant now, Actions& out);
  void handle(const Received& input, Instant now, Actions& out);
  void handle(const Undecodable& input, Instant now, Actions& out);
  void handle(const Adopted& input, Instant now, Actions& out);
  void handle(const PieceRead& input, Instant now, Actions& out);
  void handle(const JobEndKnown& input, Instant now, Actions& out);
  void handle(const NodeKnown& input, Instant now, Actions& out);
  void handle(const GpuReported& input, Instant now, Actions& out);
  void handle(const StageReported& input, Instant now, Actions& out);
  void handle(const SetupFailed& input, Instant now, Actions& out);
  void handle(const GroupGone& input, Instant now, Actions& out);
  void handle(const Signalled& input, Instant now, Actions& out);
  void handle(const Suspended& input, Instant now, Actions& out);
  void handle(const Tick&, Instant now, Actions& out);
  template <class InputWithRef>
  void handle(const InputWithRef& input, Instant now, Actions& out);

  void receive(const wire::Welcome& message, Instant now, Actions& out);
  void receive(const wire::Reject& message, Instant now, Actions& out);
  void receive(const wire::Lease& message, Instant now, Actions& out);
  void receive(const wire::Settled& message, Instant now, Actions& out);
  void receive(const wire::Fetch& message, Instant now, Actions& out);
  void receive(const wire::Cancel& message, Instant now, Actions& out);
  void receive(const wire::Drain& message, Instant now, Actions& out);
  void receive(const wire::LogCredit& message, Instant now, Actions& out);
  template <class Other>
  void receive(const Other&, Instant, Actions&) {}  // a message that no controller sends

  Attempt* find(const AttemptRef& ref);
  void accept(const wire::Lease& lease, Instant now, Actions& out);
  void on_answered(Instant now, Actions& out);
  void ask_for_work(Actions& out) const;
  void ask_about_node(Instant now, Actions& out);
  void on_gpu_names(bool news, Instant now, Actions& out);
  void warn_without_samples(Actions& out);
  void leave(const std::string& reason, OutcomeKind kind, std::optional<Millis> longest_grace, Instant now,
             Actions& out);
  std::string reason_of(int signal, Instant now) const;
  void end_if_done(Instant now, Actions& out);
  bool awaits_settled(Instant now, Actions& out);
  Instant contact_deadline() const;
  std::optional<Instant> heartbeat_at() const;
  void remove_premature(Actions& out, Instant now);

  Setup setup_;
  bool connected_ = false;
  bool answered_ = false;  // the controller has answered Hello on this connection
  std::optional<wire::Welcome> welcome_;
  Instant unanswered_since_;  // valid while !answered_
  Instant last_sent_;
  bool warned_ = false;
  Millis suspended_{0};  // in all; not included in `now`

  ReadyFacts facts_;
  Origin origin_;
  std::list<Attempt> attempts_;  // from lease to Settled
  ServerPool servers_;
  AttemptStarter starter_;
  LeaseIntake intake_;
  AdoptedResults adopted_;
  Survivors survivors_;
  OutputFlow flow_;
  std::string no_samples_because_;  // empty: there are samples of GPUs, or will be soon
  bool warned_without_samples_ = false;
  std::optional<wire::Drain> drain_;
  std::optional<Leaving> leaving_;
  bool ended_ = false;
};

}  // namespace sweep::agent
