// The controller's driver: passes what arrives (message_handler.hpp) to the core, and what the core decides
// to the journal, the agents, the files and the terminal.
//
// Rules: it decides nothing. One round is: receive what has arrived, decide all of it, commit all of it in
// one transaction, and only then send messages, print lines and write files. Events that cause no output (an
// attempt has started) are committed with the next ones that do, or after a short delay, so that they cost no
// fsync of their own. While the journal cannot be written nothing is sent, so nothing is leased or
// acknowledged. If the journal was deleted, the sweep is stopped.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controller/io/admission.hpp"
#include "controller/io/console.hpp"
#include "controller/io/log.hpp"
#include "controller/io/message_handler.hpp"
#include "controller/io/opened_sweep.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/io/pending_decisions.hpp"
#include "controller/journal/journal.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/sockets.hpp"

namespace sweep {

/// What an agent needs to take part.
struct Access {
  std::string endpoint;       // tcp://host:port
  std::string server_key;     // Z85
  std::string client_secret;  // Z85
};

class Driver {
 public:
  /// Writes sweep_configs.json and listens: on the socket `listening` if it is open, otherwise on a free
  /// port. Fails, naming the file or the address. Signals that the caller reads must already be blocked.
  static Expected<std::unique_ptr<Driver>> open(OpenedSweep opened, const std::string& directory,
                                                Console& console, Fd listening = Fd());
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  const Access& access() const { return access_; }
  const KeyPair& server_keys() const { return server_keys_; }
  const std::string& client_public_key() const { return client_keys_.public_key; }
  const Sweep& sweep() const { return sweep_; }
  journal::Journal& journal() { return journal_; }
  const std::string& directory() const { return directory_; }
  DirectoryWatch::Place place() const { return directory_watch_.place(); }
  /// Returns what was deleted if place() is Deleted, for messages.
  std::string deleted_text() const { return directory_watch_.deleted_text(); }
  /// For the caller to watch its own descriptors: signals, pipes, children.
  EventLoop& loop() { return loop_; }

  /// Stops leasing and cancels running attempts; after `patience` the sweep ends without waiting for their
  /// agents. A second call may shorten the patience.
  void stop(const std::string& reason, Millis patience);
  /// Removes sweep.control, so that no other process contacts this controller or takes over from it. For the
  /// end of the sweep.
  void remove_control_file() const;
  /// From now on run() does not wait for agents to say Goodbye. For when their step has ended.
  void stop_expecting_agents() { expects_agents_ = false; }

  /// Calls `function` in run() at least once per `interval`, as a sign of life.
  void call_every(Millis interval, std::function<void()> function);

  /// Runs until the sweep has ended and its agents have left. Returns false if it gave up while the journal
  /// could not be written; decisions are then lost.
  bool run();
  /// The number of agents that had not left when run() returned, those included that were expected and never
  /// arrived; 0 if their step has ended.
  int agents_left_behind() const { return left_behind_; }

 private:
  /// Files of a result that is in the journal. They are written when nothing else is to be done.
  struct ResultFiles {
    std::string name;  // RESULT_FILENAME
    std::string raw;
    Processed processed;  // its record is completed when it is written, because that takes time and memory
    core::AttemptRef ref;
  };

  Driver(OpenedSweep opened, std::string directory, Console& console);
  Expected<Admission> choose_admission(std::optional<Admission::By> previous);
  Expected<void> listen(Fd listening, Admission admission);

  std::optional<Instant> deadline() const;
  bool over();
  bool journal_wait_expired();
  bool everybody_left() const;

  int count_left_behind() const;
  void show_sign_of_life();
  void report_waiting();
  void excuse_since(Instant since);

  void commit_if_due();
  bool commit();
  void abandon_journal();
  void send_and_print();
  void send(const core::Effect& effect);
  void send_to_agent(const std::string& agent, const wire::Message& message);
  void queue_files();
  void write_next_file();
  void draw_status();
  void on_pause(Millis pause);
  void note_silence();
  void close_connections();

  Sweep sweep_;
  KeyPair server_keys_, client_keys_;
  std::string directory_;
  DirectoryWatch directory_watch_;
  Console& console_;
  journal::Journal journal_;
  Log log_;
  PendingDecisions pending_;
  zmq::context_t context_;
  std::optional<KeyAuthenticator> authenticator_;
  std::optional<ServerSocket> socket_;
  std::optional<HandshakeWatch> handshakes_;
  std::optional<MessageHandler> messages_;
  EventLoop loop_;
  Access access_;

  std::deque<ResultFiles> files_;
  std::size_t file_bytes_ = 0;           // of the raw results in files_
  bool received_ = false;                // a message has arrived in this round
  std::optional<Instant> commit_by_;     // for a batch that causes no output
  std::optional<Instant> retry_at_;      // after a commit that failed
  std::optional<Instant> linger_until_;  // for the agents' Goodbyes
  std::optional<Instant> give_up_at_;    // if the journal cannot be written and srun has ended
  std::function<void()> sign_of_life_;
  Millis life_interval_{0};
  std::optional<Instant> life_at_;     // when the next sign of life is due
  std::optional<Instant> waiting_at_;  // when people are told which agents are waited for
  int left_behind_ = 0;
  bool expects_agents_ = true;
  bool stop_now_ = false;  // stopped twice: do not wait for anything
  bool journal_deleted_ = false;
  bool silence_noted_ = false;  // that no agent sends messages
};

}  // namespace sweep
