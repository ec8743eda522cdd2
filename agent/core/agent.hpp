// The agent as a pure state machine: connection, leases, and when to end. What one attempt does is in
// attempt.hpp, what a recipe's server does in server.hpp, and which attempt gets which server in serving.cpp.
//
// Rules: no sockets, files, clocks or processes; `now` is handed in. on() is total: whatever the controller
// sends, and in whatever order the driver's news come, it returns. Nothing but Hello and Goodbye is said on a
// connection before the controller has answered its Hello; what must not be lost is said again when it has.
#pragma once

#include <list>
#include <optional>
#include <string>

#include "agent/core/actions.hpp"
#include "agent/core/attempt.hpp"
#include "agent/core/images.hpp"
#include "agent/core/server.hpp"
#include "agent/core/setup.hpp"

namespace sweep::agent {

class Agent {
 public:
  Agent(Setup setup, Instant start)
      : setup_(std::move(setup)),
        alone_since_(start),
        last_sent_(start),
        job_end_(setup_.job_end),
        ask_until_(start + setup_.limits.job_end),
        asks_job_end_(setup_.asks_job_end),
        origin_(setup_.origin),
        samples_come_(!setup_.sampled.empty()) {}
  Agent(const Agent&) = delete;  // the attempts refer to setup_
  Agent& operator=(const Agent&) = delete;

  Actions on(const Input& input, Instant now);
  /// When on(Tick) has something to do, should nothing happen until then.
  std::optional<Instant> next_deadline() const;

 private:
  struct Adoption {
    wire::Finished finished;
    std::string bytes;
    Instant say_again_at{};
  };
  struct Leaving {
    int status = 0;
    std::string reason;
    bool killing = false;                 // at the next signal
    bool waits = false;                   // until what it has said is settled
    std::optional<Instant> settle_until;  // or until then, once all has ended
  };

  void take(const Connected&, Instant now, Actions& out);
  void take(const Disconnected&, Instant now, Actions& out);
  void take(const Refused&, Instant now, Actions& out);
  void take(const Received& input, Instant now, Actions& out);
  void take(const Undecodable& input, Instant now, Actions& out);
  void take(const Adopted& input, Instant now, Actions& out);
  void take(const JobEndKnown& input, Instant now, Actions& out);
  void take(const NodeKnown& input, Instant now, Actions& out);
  void take(const GpuTold& input, Instant now, Actions& out);
  void take(const StageTold& input, Instant now, Actions& out);
  void take(const SetupFailed& input, Instant now, Actions& out);
  void take(const Signalled& input, Instant now, Actions& out);
  void take(const Tick&, Instant now, Actions& out);
  template <class AboutAttempt>
  void take(const AboutAttempt& input, Instant now, Actions& out);

  void hear(const wire::Welcome& message, Instant now, Actions& out);
  void hear(const wire::Reject& message, Instant now, Actions& out);
  void hear(const wire::Lease& message, Instant now, Actions& out);
  void hear(const wire::Settled& message, Instant now, Actions& out);
  void hear(const wire::Cancel& message, Instant now, Actions& out);
  void hear(const wire::Drain& message, Instant now, Actions& out);
  template <class Other>
  void hear(const Other&, Instant, Actions&) {}  // makes no sense from a controller

  Attempt* find(const AttemptRef& ref);
  Server* find_server(const AttemptRef& ref);
  void accept(const wire::Lease& lease, Instant now, Actions& out);
  Expected<Work> work_for(const wire::Lease& lease) const;
  Expected<void> contain(Work& work) const;
  Expected<std::vector<std::string>> gpus_for(const wire::Lease& lease) const;
  std::vector<std::string> sampled_for(const wire::Lease& lease, const std::vector<std::string>& gpus) const;
  std::vector<std::string> preferred(const std::vector<std::string>& all) const;

  // The servers of recipes: serving.cpp.
  void serve(Instant now, Actions& out);
  void see_to(Attempt& attempt, Instant now, Actions& out);
  bool has_image(Attempt& attempt, Instant now, Actions& out);
  void stage_next(const ContainerSpec& container, Actions& out);
  bool make_room(Attempt& attempt, Instant now, Actions& out);
  void start_server(Attempt& attempt, Instant now, Actions& out);
  void tell_of_failures(Instant now, Actions& out);
  void take_back(Instant now, Actions& out);
  void stop_servers(bool idle_ones, std::optional<Millis> longest_grace, Instant now, Actions& out);
  std::vector<int> ports_in_use() const;
  bool something_prepares() const;

  void answered(Instant now, Actions& out);
  void ask_for_work(Actions& out) const;
  void learn_gpu_type(const std::string& name, Actions& out);
  void settle_adopted(const AttemptRef& ref, Actions& out);
  void leave(const std::string& reason, OutcomeKind kind, std::optional<Millis> longest_grace, Instant now,
             Actions& out);
  std::string reason_of(int signal, Instant now) const;
  void end_if_done(Instant now, Actions& out);
  bool waits_to_be_settled(Instant now);
  Instant contact_deadline() const;
  std::optional<Instant> heartbeat_at() const;
  void keep_order(Actions& out, Instant now);

  Setup setup_;
  bool connected_ = false;
  bool answered_ = false;  // the controller has answered Hello on this connection
  std::optional<wire::Welcome> welcome_;
  Instant alone_since_;  // since when it has not been answered; while it is not
  Instant last_sent_;
  bool warned_ = false;

  std::optional<Instant> job_end_;
  Instant ask_until_;
  bool asks_job_end_;  // and gets no work until it knows, or gives up asking

  std::string job_sharing_, slurm_;                // wire::Ready
  std::vector<std::string> features_, gpu_types_;  // wire::Ready, where the controller wants them
  std::optional<Instant> node_until_;              // it is being found out, until then
  Origin origin_;
  bool samples_come_;  // of GPUs, or are about to

  std::list<Attempt> attempts_;  // from lease to Settled
  Images images_;
  std::list<Server> servers_;  // the one that was used last comes first
  int servers_started_ = 0;
  std::list<Adoption> adopted_;  // from the spools of others, until Settled
  bool more_to_adopt_ = false;   // when these are settled
  std::optional<wire::Drain> drain_;
  std::optional<Leaving> leaving_;
  bool ended_ = false;
};

}  // namespace sweep::agent
