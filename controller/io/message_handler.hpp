// Handles the messages that arrive at the controller's socket: decides who may send what, turns messages into
// commands to the core, and keeps track of which connection is which agent.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/core/collection.hpp"
#include "controller/io/admission.hpp"
#include "controller/io/console.hpp"
#include "controller/io/incoming_files.hpp"
#include "controller/io/log.hpp"
#include "controller/io/pending_decisions.hpp"
#include "controller/io/point_evals.hpp"
#include "controller/io/recent.hpp"
#include "controller/io/sweep_record.hpp"
#include "proto/net/sockets.hpp"

namespace sweep {

/// How long agents may take to end what they run, in addition to the grace of a benchmark that ignores
/// SIGTERM.
inline constexpr Millis kStopMargin{5'000};

/// A shorter time in which the controller does not read messages does not matter to agents.
inline constexpr Millis kNoticeable{100};

/// How many bytes of output an agent may send before the controller has handled them.
inline constexpr std::int64_t kLogWindow = 4'000'000;

class MessageHandler {
 public:
  /// What it works on. All of it must outlive the handler.
  struct Context {
    Sweep& sweep;
    const std::string& directory;
    ServerSocket& socket;
    PendingDecisions& pending;
    Console& console;
    Log& log;
    std::function<void(const std::string& reason, Millis patience)> stop;  // ends the sweep
  };
  MessageHandler(Context context, Admission admission);

  /// Receives and handles messages until none is left, but at most so many that the driver can commit in
  /// between. Returns false if there was none.
  bool receive_all();

  /// When retry_waiting_hellos() has something to do.
  std::optional<Instant> due() const { return waiting_hellos_.due(); }
  /// Checks the credentials again that could not be checked because munge did not answer.
  void retry_waiting_hellos();

  /// The number of agents that have said Hello.
  std::size_t agents() const { return peer_of_.size(); }
  /// The number of agents that their Hello messages announce: one for each task of the step.
  std::size_t announced() const { return announced_; }
  /// True if every agent that has said Hello has said Goodbye or is considered lost.
  bool all_agents_left() const;
  /// Returns the agents that have not said Goodbye, lost ones included.
  std::vector<std::string> agents_without_goodbye() const;
  /// Returns the routing id for messages to the agent; null if it is not connected.
  const std::string* peer_of(const std::string& agent) const;

 private:
  struct Sender {
    std::string peer, agent;
  };
  /// A Finished message as a command, with the result that it carries if that is sound.
  struct FinishedAttempt {
    core::AttemptFinished command;
    std::optional<ReceivedResult> result;
  };

  void handle(Incoming incoming);
  bool admitted(const std::string& peer, const Admission::Verdict& verdict);
  void handle_stop(const std::string& peer, const wire::StopRequest& request);
  void answer_status(const std::string& peer);
  void handle_undecodable(const std::string& peer, const wire::DecodeError& error);
  void handle_hello(const std::string& peer, const std::string& connection, const wire::Hello& hello);
  bool hello_admitted(const std::string& peer, const std::string& connection, const wire::Hello& hello);
  void handle_from_agent(const Sender& sender, const wire::Message& message, std::string& bulk);
  void handle_log(const Sender& sender, const wire::LogChunk& chunk, const std::string& bytes);
  void give_credit(const std::string& peer, const std::string& connection, std::size_t bytes);
  void handle_progress(const Sender& sender, const wire::Progress& progress);
  void handle_finished(const Sender& sender, const wire::Finished& finished, std::string& bulk);
  void handle_piece(const Sender& sender, const wire::Piece& piece, const std::string& bytes);
  void ask(const Sender& sender, const wire::Fetch& fetch);
  void note_job(const Sender& sender, const wire::Ready& ready);
  profile::NodeTraits traits_of(const Sender& sender, const wire::Ready& ready) const;
  void add_job(const Sender& holder, int index, Account& account) const;
  FinishedAttempt take_finished(const Sender& sender, const wire::Finished& finished, Account account,
                                std::string& bulk);
  Expected<Processed> processed_result(int index, const std::string& node, const Account& account,
                                       const std::string& raw) const;
  void add_scores(int index, const std::string& node, Account& account, Processed& result, std::string& raw);
  bool has_attempt(const Sender& sender, const wire::AttemptRef& ref) const;

  Sweep& sweep_;
  const std::string& directory_;
  ServerSocket& socket_;
  PendingDecisions& pending_;
  Console& console_;
  Log& log_;
  std::function<void(const std::string&, Millis)> stop_;
  Admission admission_;
  WaitingHellos waiting_hellos_;
  IncomingFiles files_;
  core::Collection collection_;
  ScoreThresholds thresholds_;

  // A peer chooses its routing id, and may choose another peer's; the number of a connection is given by the
  // KeyAuthenticator. Messages are sent to an agent by its routing id, and accepted from it by its
  // connection's number.
  std::map<std::string, std::string> peer_of_, connection_of_;  // by agent
  std::map<std::string, std::string> agent_of_;                 // by connection
  std::size_t announced_ = 0;
  std::map<std::string, std::int64_t> log_bytes_;  // by connection: handled, but no LogCredit was sent
  std::set<std::string> departed_;                 // agents that have said Goodbye
  Recent rejected_peers_{10'000};                  // were sent a Reject for undecodable messages
  std::map<std::string, std::pair<std::string, std::string>> jobs_;  // by job: Ready's sharing and slurm
};

}  // namespace sweep
